//! Page markers: sealed, and bound to the very list they continue.
//!
//! A place may lie at what the caller does not see, so a marker tells nothing of it, not even whether
//! it is the place of another marker.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use docharbor_domain::Refusal;
use docharbor_site::Site;
use docharbor_wire::PageMarkerType;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Problem;

/// Writes the marker of a place in a list. `list` names the list: operation, organization and all
/// that orders or filters it.
pub(super) fn write(site: &Site, list: &str, place: &impl Serialize) -> Result<String, Problem> {
    let place =
        serde_json::to_vec(place).map_err(|_| Problem::fault("a marker could not be written"))?;
    Ok(URL_SAFE_NO_PAD.encode(site.seal_marker(list, &place)?))
}

/// Reads a marker back; one that was made up, or made for another list, is refused.
pub(super) fn read<T: DeserializeOwned>(
    site: &Site,
    list: &str,
    marker: Option<&PageMarkerType>,
) -> Result<Option<T>, Problem> {
    read_text(site, list, marker.map(PageMarkerType::as_str))
}

/// Reads back a marker whose shape has another name in the protocol.
pub(super) fn read_text<T: DeserializeOwned>(
    site: &Site,
    list: &str,
    marker: Option<&str>,
) -> Result<Option<T>, Problem> {
    let Some(marker) = marker else { return Ok(None) };
    let sealed = URL_SAFE_NO_PAD.decode(marker).ok();
    let place = sealed.and_then(|sealed| site.open_marker(list, &sealed));
    match place.and_then(|place| serde_json::from_slice(&place).ok()) {
        Some(place) => Ok(Some(place)),
        None => Err(no_place().into()),
    }
}

/// Writes the marker of a place as digits, for the one operation whose markers have nothing else.
/// Places of one list are to be of one length, or the length would tell of them.
pub(super) fn write_digits(site: &Site, list: &str, place: &[u8]) -> Result<String, Problem> {
    let sealed = site.seal_marker(list, place)?;
    let digits: Vec<String> = sealed.iter().map(|byte| format!("{byte:03}")).collect();
    Ok(digits.concat())
}

/// Reads back a marker of digits.
pub(super) fn read_digits(site: &Site, list: &str, marker: &str) -> Result<Vec<u8>, Refusal> {
    let (bytes, []) = marker.as_bytes().as_chunks::<3>() else { return Err(no_place()) };
    let sealed: Option<Vec<u8>> = bytes
        .iter()
        .map(|digits| str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()))
        .collect();
    sealed.and_then(|sealed| site.open_marker(list, &sealed)).ok_or_else(no_place)
}

fn no_place() -> Refusal {
    Refusal::InvalidArgument {
        member: "Marker",
        reason: "does not continue this list; begin again without it, or send it unchanged with the \
                 parameters it was given for",
    }
}
