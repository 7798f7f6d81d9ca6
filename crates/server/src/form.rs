//! Forms and query strings, decoded.

use percent_encoding::percent_decode_str;

/// The names and values of `application/x-www-form-urlencoded` in their order; nothing if it is not
/// UTF-8.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<(String, String)>> {
    let text = std::str::from_utf8(text).ok()?.trim_end_matches(['\r', '\n']);
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let decoded = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decode_text(name)?, decode_text(value)?))
    });
    decoded.collect()
}

fn decode_text(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(decoded.into_owned())
}
