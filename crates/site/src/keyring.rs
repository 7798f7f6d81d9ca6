//! The keys under the master key: sealing secrets at rest and markers, signing URLs, naming tokens.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use docharbor_domain::{AccessKeyId, OrganizationId, SubscriptionId};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::Error;

/// The one secret a site cannot do without: 32 bytes kept outside the database.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// Takes the key's bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

/// Keys for single purposes, derived from the master key.
pub struct Keyring {
    sealing: Zeroizing<[u8; 32]>,
    urls: Zeroizing<[u8; 32]>,
    markers: Zeroizing<[u8; 32]>,
    setups: Zeroizing<[u8; 32]>,
    consents: Zeroizing<[u8; 32]>,
    subscriptions: Zeroizing<[u8; 32]>,
}

const NONCE_BYTES: usize = 24;

impl Keyring {
    /// Derives the keys.
    pub fn new(master: &MasterKey) -> Self {
        let derive = |purpose| Zeroizing::new(blake3::derive_key(purpose, &*master.0));
        Self {
            sealing: derive("docharbor 2026-11 access key secrets at rest"),
            urls: derive("docharbor 2026-11 transfer url signatures"),
            markers: derive("docharbor 2026-11 page markers"),
            setups: derive("docharbor 2026-11 setup links"),
            consents: derive("docharbor 2026-11 consent forms"),
            subscriptions: derive("docharbor 2026-11 notification subscriptions"),
        }
    }

    /// The secret of transfer URLs, as text that SigV4 takes.
    pub fn url_secret(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(*self.urls))
    }

    /// The key id that stands in transfer URLs: it changes when the master key does.
    pub fn url_key_id(&self) -> String {
        let fingerprint = blake3::hash(&*self.urls);
        format!("DOCHARBOR{}", hex::encode_upper(&fingerprint.as_bytes()[..4]))
    }

    /// What lets its bearer make the first administrator of a site.
    pub(crate) fn setup_token(&self, organization: &OrganizationId) -> Zeroizing<String> {
        let hash = blake3::keyed_hash(&self.setups, organization.as_str().as_bytes());
        Zeroizing::new(hash.to_hex().to_string())
    }

    /// Seals a place in a list: whoever holds it learns nothing of it, and it opens for the same list
    /// alone.
    pub(crate) fn seal_marker(
        &self,
        list: &str,
        place: &[u8],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Vec<u8>, Error> {
        let payload = Payload { msg: place, aad: list.as_bytes() };
        let sealed = XChaCha20Poly1305::new((&*self.markers).into())
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::Fault("a marker could not be sealed"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens a place in a list that was sealed for it.
    pub(crate) fn open_marker(&self, list: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
        let nonce = <[u8; NONCE_BYTES]>::try_from(nonce).ok()?;
        let payload = Payload { msg: sealed, aad: list.as_bytes() };
        let markers = XChaCha20Poly1305::new((&*self.markers).into());
        markers.decrypt(&XNonce::from(nonce), payload).ok()
    }

    /// Signs a form in which a user consents, so that no other page and no other user can send it.
    pub fn sign_consent(&self, text: &[u8]) -> String {
        blake3::keyed_hash(&self.consents, text).to_hex().to_string()
    }

    /// What lets its bearer do one thing to one subscription: confirm it, or end it.
    pub(crate) fn subscription_token(
        &self,
        purpose: SubscriptionPurpose,
        organization: &OrganizationId,
        id: &SubscriptionId,
    ) -> String {
        let word = match purpose {
            SubscriptionPurpose::Confirm => "confirm",
            SubscriptionPurpose::Unsubscribe => "unsubscribe",
        };
        let text = format!("{word}|{organization}|{id}");
        let mac = blake3::keyed_hash(&self.subscriptions, text.as_bytes());
        format!("{}{}", id.as_str().replace('-', ""), mac.to_hex())
    }

    /// The subscription that a token is for, if it is for this purpose.
    pub(crate) fn subscription_of(
        &self,
        purpose: SubscriptionPurpose,
        organization: &OrganizationId,
        token: &str,
    ) -> Option<SubscriptionId> {
        let is_hex = token.bytes().all(|b| b.is_ascii_hexdigit());
        let digits = token.get(..32).filter(|_| is_hex)?;
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
        let id = SubscriptionId::new(parts.join("-"));
        let ours = blake3::hash(self.subscription_token(purpose, organization, &id).as_bytes());
        // Hashes are compared in constant time.
        (ours == blake3::hash(token.as_bytes())).then_some(id)
    }

    /// Seals the key that signs a site's notifications.
    pub(crate) fn seal_notification_key(
        &self,
        organization: &OrganizationId,
        pkcs8: &[u8],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<String, Error> {
        let text = Zeroizing::new(hex::encode(pkcs8));
        self.seal(organization, &notification_key(), &text, nonce)
    }

    /// Opens the key that signs a site's notifications.
    pub(crate) fn open_notification_key(
        &self,
        organization: &OrganizationId,
        sealed: &str,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        const FAULT: Error = Error::Fault("a stored notification key is none");
        let text = self.open(organization, &notification_key(), sealed)?;
        hex::decode(text.as_bytes()).map(Zeroizing::new).map_err(|_| FAULT)
    }

    /// Seals an access key's secret for the database. It opens only for the same key of the same
    /// organization.
    pub(crate) fn seal(
        &self,
        organization: &OrganizationId,
        id: &AccessKeyId,
        secret: &str,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<String, Error> {
        let bound = format!("access_key|{organization}|{id}");
        let payload = Payload { msg: secret.as_bytes(), aad: bound.as_bytes() };
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::Fault("an access key's secret could not be sealed"))?;
        Ok(format!("{}{}", hex::encode(nonce), hex::encode(sealed)))
    }

    /// Opens a sealed secret.
    pub(crate) fn open(
        &self,
        organization: &OrganizationId,
        id: &AccessKeyId,
        sealed: &str,
    ) -> Result<Zeroizing<String>, Error> {
        const FAULT: Error = Error::Fault(
            "a stored access key does not open: the master key is not the one it was sealed with",
        );
        let bytes = hex::decode(sealed).map_err(|_| FAULT)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES).ok_or(FAULT)?;
        let nonce = <[u8; NONCE_BYTES]>::try_from(nonce).map_err(|_| FAULT)?;
        let bound = format!("access_key|{organization}|{id}");
        let payload = Payload { msg: sealed, aad: bound.as_bytes() };
        let secret = self.cipher().decrypt(&XNonce::from(nonce), payload).map_err(|_| FAULT)?;
        String::from_utf8(secret).map(Zeroizing::new).map_err(|_| FAULT)
    }

    /// Seals the password a directory is asked with.
    pub(crate) fn seal_directory(
        &self,
        organization: &OrganizationId,
        password: &str,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<String, Error> {
        self.seal(organization, &directory_key(), password, nonce)
    }

    /// Opens the password a directory is asked with.
    pub(crate) fn open_directory(
        &self,
        organization: &OrganizationId,
        sealed: &str,
    ) -> Result<Zeroizing<String>, Error> {
        self.open(organization, &directory_key(), sealed)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.sealing).into())
    }
}

/// The name the password of a directory is sealed under; no access key has it.
fn directory_key() -> AccessKeyId {
    AccessKeyId::new("directory")
}

/// The name a key that signs notifications is sealed under; no access key has it.
fn notification_key() -> AccessKeyId {
    AccessKeyId::new("notification")
}

/// What a subscription's token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubscriptionPurpose {
    /// To confirm it.
    Confirm,
    /// To end it.
    Unsubscribe,
}

/// The prefix by which a secret scanner knows a user's token.
const TOKEN_PREFIX: &str = "dh_";

/// Makes a token's text: prefix, 256 random bits, and a checksum by which a scanner tells a real one.
pub(crate) fn token_text(random: [u8; 32]) -> Zeroizing<String> {
    let body = hex::encode(random);
    let checksum = token_checksum(&body);
    Zeroizing::new(format!("{TOKEN_PREFIX}{body}{checksum}"))
}

/// Whether a text could be a token: everybody can reckon that, so it proves nothing.
pub(crate) fn has_token_form(text: &str) -> bool {
    let parts = text.strip_prefix(TOKEN_PREFIX).and_then(|rest| rest.split_at_checked(64));
    parts.is_some_and(|(body, checksum)| token_checksum(body) == checksum)
}

fn token_checksum(body: &str) -> String {
    hex::encode(&blake3::hash(body.as_bytes()).as_bytes()[..4])
}

/// What is kept of a token: enough to know it again, too little to use it.
pub(crate) fn token_hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_only_for_its_own_key_under_its_own_master_key() {
        let ring = Keyring::new(&MasterKey::new([1; 32]));
        let other = Keyring::new(&MasterKey::new([2; 32]));
        let organization = OrganizationId::new("d-0000000000");
        let id = AccessKeyId::new("AKIA1");
        let sealed = ring.seal(&organization, &id, "hush", [7; 24]).unwrap();
        assert!(!sealed.contains("hush"));
        assert_eq!(*ring.open(&organization, &id, &sealed).unwrap(), "hush");
        assert!(other.open(&organization, &id, &sealed).is_err());
        assert!(ring.open(&organization, &AccessKeyId::new("AKIA2"), &sealed).is_err());
        assert!(ring.open(&OrganizationId::new("d-1111111111"), &id, &sealed).is_err());
        for broken in ["", "zz", "00", &sealed[..sealed.len() - 2]] {
            assert!(ring.open(&organization, &id, broken).is_err());
        }
    }

    #[test]
    fn a_marker_opens_for_its_own_list_and_tells_nothing_to_who_holds_it() {
        let ring = Keyring::new(&MasterKey::new([1; 32]));
        let other = Keyring::new(&MasterKey::new([2; 32]));
        let sealed = ring.seal_marker("list a", b"place 7", [7; 24]).unwrap();
        assert_eq!(ring.open_marker("list a", &sealed).unwrap(), b"place 7");
        assert_eq!(ring.open_marker("list b", &sealed), None);
        assert_eq!(other.open_marker("list a", &sealed), None);
        assert!(!sealed.windows(5).any(|bytes| bytes == b"place"));
        // The same place another time cannot be told from another place.
        assert_ne!(sealed[24..], ring.seal_marker("list a", b"place 7", [8; 24]).unwrap()[24..]);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(ring.open_marker("list a", &changed), None);
            assert_eq!(ring.open_marker("list a", &sealed[..at]), None);
        }
    }

    #[test]
    fn a_subscriptions_token_is_for_one_purpose_of_one_site() {
        use SubscriptionPurpose::{Confirm, Unsubscribe};
        let ring = Keyring::new(&MasterKey::new([1; 32]));
        let organization = OrganizationId::new("d-0000000000");
        let id = SubscriptionId::from_random([7; 16]);
        let token = ring.subscription_token(Confirm, &organization, &id);
        assert_eq!(ring.subscription_of(Confirm, &organization, &token), Some(id));
        assert_eq!(ring.subscription_of(Unsubscribe, &organization, &token), None);
        let other = OrganizationId::new("d-1111111111");
        assert_eq!(ring.subscription_of(Confirm, &other, &token), None);
        for broken in ["", "é", "00", &token[..token.len() - 1], &format!("{token}0")] {
            assert_eq!(ring.subscription_of(Confirm, &organization, broken), None);
        }
    }

    #[test]
    fn a_token_has_the_scanners_prefix_and_its_hash_is_not_its_text() {
        let token = token_text([9; 32]);
        assert!(token.starts_with("dh_"));
        assert_eq!(token.len(), 3 + 64 + 8);
        assert!(!token_hash(&token).contains(&token[3..20]));
    }

    #[test]
    fn a_token_with_a_slip_anywhere_has_not_the_form_of_one() {
        let token = token_text([9; 32]);
        assert!(has_token_form(&token));
        for at in 0..token.len() {
            let other = if &token[at..=at] == "a" { "b" } else { "a" };
            assert!(!has_token_form(&format!("{}{other}{}", &token[..at], &token[at + 1..])));
            assert!(!has_token_form(&token[..at]));
        }
        for other in [format!("{}0", *token), format!("{}é", &token[..66]), "dh_".repeat(25)] {
            assert!(!has_token_form(&other), "{other}");
        }
    }
}
