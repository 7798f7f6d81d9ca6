//! Page markers: opaque, signed, and bound to the very list they continue.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use docharbor_domain::Refusal;
use docharbor_site::Keyring;
use docharbor_wire::PageMarkerType;
use serde::Serialize;
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;

use super::error::Problem;

const TAG_BYTES: usize = 16;

/// Writes the marker of a place in a list. `list` names the list: operation, organization and all
/// that orders or filters it.
pub(super) fn write(
    keyring: &Keyring,
    list: &str,
    place: &impl Serialize,
) -> Result<String, Problem> {
    let mut bytes =
        serde_json::to_vec(place).map_err(|_| Problem::fault("a marker could not be written"))?;
    bytes.extend(tag(keyring, list, &bytes));
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Reads a marker back; one that was made up, or made for another list, is refused.
pub(super) fn read<T: DeserializeOwned>(
    keyring: &Keyring,
    list: &str,
    marker: Option<&PageMarkerType>,
) -> Result<Option<T>, Problem> {
    read_text(keyring, list, marker.map(PageMarkerType::as_str))
}

/// Reads back a marker whose shape has another name in the protocol.
pub(super) fn read_text<T: DeserializeOwned>(
    keyring: &Keyring,
    list: &str,
    marker: Option<&str>,
) -> Result<Option<T>, Problem> {
    let Some(marker) = marker else { return Ok(None) };
    let place = URL_SAFE_NO_PAD.decode(marker).ok().and_then(|bytes| {
        let (place, signature) = bytes.split_at_checked(bytes.len().checked_sub(TAG_BYTES)?)?;
        let is_ours = bool::from(tag(keyring, list, place).ct_eq(signature));
        is_ours.then(|| serde_json::from_slice(place).ok())?
    });
    match place {
        Some(place) => Ok(Some(place)),
        None => Err(Refusal::InvalidArgument {
            member: "Marker",
            reason: "does not continue this list; begin again without it, or send it unchanged \
                     with the parameters it was given for",
        }
        .into()),
    }
}

fn tag(keyring: &Keyring, list: &str, place: &[u8]) -> [u8; TAG_BYTES] {
    let mut text = Vec::with_capacity(list.len() + 1 + place.len());
    text.extend_from_slice(list.as_bytes());
    text.push(0);
    text.extend_from_slice(place);
    keyring.sign_marker(&text)
}

#[cfg(test)]
mod tests {
    use docharbor_site::MasterKey;

    use super::*;

    fn parse(text: &str) -> PageMarkerType {
        PageMarkerType::parse("Marker", text).unwrap()
    }

    #[test]
    fn a_marker_is_read_only_for_its_own_list_and_only_unchanged() {
        let ring = Keyring::new(&MasterKey::new([1; 32]));
        let marker = write(&ring, "list a", &("place", 7)).unwrap();
        let read_back = read::<(String, i64)>(&ring, "list a", Some(&parse(&marker))).unwrap();
        assert_eq!(read_back, Some(("place".to_owned(), 7)));
        assert!(read::<(String, i64)>(&ring, "list b", Some(&parse(&marker))).is_err());
        let other = Keyring::new(&MasterKey::new([2; 32]));
        assert!(read::<(String, i64)>(&other, "list a", Some(&parse(&marker))).is_err());
        for at in 0..marker.len() {
            let mut changed = marker.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(read::<(String, i64)>(&ring, "list a", Some(&parse(&changed))).is_err());
        }
        for made_up in ["x", "AAAA", "%%%", "1"] {
            assert!(read::<(String, i64)>(&ring, "list a", Some(&parse(made_up))).is_err());
        }
    }
}
