//! The key that signs messages, and the certificate by which a receiver knows it.

use std::convert::Infallible;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rsa::pkcs1v15;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _};
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::signature::{SignatureEncoding as _, Signer as _};
use rsa::{PrivateKey, PublicKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// What the certificate says it is for.
pub const CERTIFICATE_NAME: &str = "DocHarbor notifications";

const KEY_BITS: usize = 2048;

/// How a message is signed: what SNS calls `SignatureVersion`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureVersion {
    /// SHA-1 with RSA: what every receiver understands.
    #[default]
    One,
    /// SHA-256 with RSA.
    Two,
}

impl SignatureVersion {
    /// As it stands in a message.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
        }
    }
}

/// The key that signs the messages of one site.
#[derive(Clone)]
pub struct SigningKey {
    sha1: pkcs1v15::SigningKey<Sha1>,
    sha256: pkcs1v15::SigningKey<Sha256>,
    id: String,
}

impl SigningKey {
    /// Makes a key out of chance; takes a while, so not on a thread that others wait for.
    ///
    /// Gives the key, its PKCS#8 form for the database, and its certificate in PEM.
    pub fn generate(
        fill: &mut (dyn FnMut(&mut [u8]) + Send),
    ) -> Option<(Self, Zeroizing<Vec<u8>>, String)> {
        let key = PrivateKey::new(&mut Chance(fill), KEY_BITS).ok()?;
        let der = Zeroizing::new(key.to_pkcs8_der().ok()?.as_bytes().to_vec());
        let certificate = certificate(&der)?;
        Some((Self::of(key)?, der, certificate))
    }

    /// Reads a key back.
    pub fn from_pkcs8(der: &[u8]) -> Option<Self> {
        Self::of(PrivateKey::from_pkcs8_der(der).ok()?)
    }

    fn of(key: PrivateKey) -> Option<Self> {
        let public = PublicKey::from(&key).to_public_key_der().ok()?;
        let id = hex::encode(&Sha256::digest(public.as_bytes())[..16]);
        Some(Self {
            sha1: pkcs1v15::SigningKey::new(key.clone()),
            sha256: pkcs1v15::SigningKey::new(key),
            id,
        })
    }

    /// Names the key, and its certificate: the beginning of the public key's digest.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The signature of a text, in base 64.
    pub(crate) fn sign(&self, version: SignatureVersion, text: &str) -> Option<String> {
        let signature = match version {
            SignatureVersion::One => self.sha1.try_sign(text.as_bytes()),
            SignatureVersion::Two => self.sha256.try_sign(text.as_bytes()),
        };
        Some(STANDARD.encode(signature.ok()?.to_bytes()))
    }
}

/// A certificate signed with its own key: it says nothing but what the key is. It does not end,
/// because receivers may be shown messages of any age.
fn certificate(pkcs8: &[u8]) -> Option<String> {
    let der = PrivatePkcs8KeyDer::from(pkcs8);
    let pair = KeyPair::from_pkcs8_der_and_sign_algo(&der, &rcgen::PKCS_RSA_SHA256).ok()?;
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, CERTIFICATE_NAME);
    params.distinguished_name = name;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(9999, 12, 31);
    Some(params.self_signed(&pair).ok()?.pem())
}

/// Chance that is handed in, as the library wants it.
struct Chance<'a>(&'a mut (dyn FnMut(&mut [u8]) + Send));

impl TryRng for Chance<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        (self.0)(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        (self.0)(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        (self.0)(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Chance<'_> {}

#[cfg(test)]
mod tests {
    use rsa::pkcs1v15::{Signature, VerifyingKey};
    use rsa::signature::{Keypair as _, Verifier as _};

    use super::*;

    /// Chance for tests: SHA-256 of a counter.
    pub(crate) fn counted() -> impl FnMut(&mut [u8]) + Send {
        let mut count = 0_u64;
        move |bytes: &mut [u8]| {
            for chunk in bytes.chunks_mut(32) {
                count += 1;
                let block = Sha256::digest(count.to_le_bytes());
                chunk.copy_from_slice(&block[..chunk.len()]);
            }
        }
    }

    #[test]
    fn a_key_comes_back_from_the_database_and_signs_as_before() {
        let (key, der, pem) = SigningKey::generate(&mut counted()).unwrap();
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"));
        let back = SigningKey::from_pkcs8(&der).unwrap();
        assert_eq!(key.id(), back.id());
        assert_eq!(key.id().len(), 32);
        for version in [SignatureVersion::One, SignatureVersion::Two] {
            let signed = key.sign(version, "text").unwrap();
            assert_eq!(back.sign(version, "text").unwrap(), signed);
            let bytes = STANDARD.decode(&signed).unwrap();
            let signature = Signature::try_from(bytes.as_slice()).unwrap();
            match version {
                SignatureVersion::One => {
                    let known: VerifyingKey<Sha1> = key.sha1.verifying_key();
                    known.verify(b"text", &signature).unwrap();
                    known.verify(b"test", &signature).unwrap_err();
                }
                SignatureVersion::Two => {
                    let known: VerifyingKey<Sha256> = key.sha256.verifying_key();
                    known.verify(b"text", &signature).unwrap();
                }
            }
        }
        assert!(SigningKey::from_pkcs8(b"nonsense").is_none());
    }
}
