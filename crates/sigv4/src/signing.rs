//! The one call into aws-sigv4.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SessionTokenMode, SignableBody, SignableRequest,
    SignatureLocation, SigningInstructions, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;

/// Signed in place of a real secret when the access key is unknown, so that both cost the same.
pub(crate) const SECRET_OF_NOBODY: &str = "0000000000000000000000000000000000000000";

/// What is signed, and for whom.
pub(crate) struct Signing<'a> {
    pub(crate) method: &'a str,
    /// Path and query as sent.
    pub(crate) target: &'a str,
    /// Exactly the headers that are signed.
    pub(crate) headers: Vec<(&'a str, &'a str)>,
    pub(crate) payload: SignableBody<'a>,
    pub(crate) form: Form,
    pub(crate) access_key_id: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    /// Within the years 1970 to 9999.
    pub(crate) signed_ms: i64,
}

/// Where the signature travels. The two have different rules for paths.
pub(crate) enum Form {
    /// In the Authorization header; the path is encoded once more, as all services but S3 do.
    Header,
    /// In the query of a transfer URL; the path is taken as it is, as S3 does.
    Url {
        /// How long the URL is valid from its date on.
        expires_secs: u32,
    },
}

/// The query parameters to add (of the URL form) and the signature, or `None` if the request
/// cannot be represented.
pub(crate) fn sign_again(signing: Signing<'_>) -> Option<(SigningInstructions, String)> {
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    settings.session_token_mode = SessionTokenMode::Include;
    // By default the crate leaves user-agent and others out; real SDKs have signed them.
    settings.excluded_headers = Some(Vec::new());
    match signing.form {
        Form::Header => {
            settings.signature_location = SignatureLocation::Headers;
            settings.percent_encoding_mode = PercentEncodingMode::Double;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Enabled;
        }
        Form::Url { expires_secs } => {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.expires_in = Some(Duration::from_secs(u64::from(expires_secs)));
        }
    }
    let identity: Identity =
        Credentials::new(signing.access_key_id, signing.secret, None, None, "docharbor").into();
    let signed = Duration::from_millis(u64::try_from(signing.signed_ms).ok()?);
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(signing.region)
        .name(signing.service)
        .time(UNIX_EPOCH.checked_add(signed)?)
        .settings(settings)
        .build()
        .ok()?
        .into();
    let request = SignableRequest::new(
        signing.method,
        signing.target,
        signing.headers.into_iter(),
        signing.payload,
    )
    .ok()?;
    Some(sign(request, &params).ok()?.into_parts())
}
