//! A document's name as a download's: RFC 6266, with a name for clients that know only ASCII.

use axum::http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What RFC 5987 lets stand for itself, without `'`, `(`, `)` and `*`.
const NOT_PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// `Content-Disposition` for a name. A name never opens a document in the browser and never ends
/// the header.
pub(super) fn attachment(name: &str) -> HeaderValue {
    let fallback: String = name.chars().map(plain).collect();
    let encoded = utf8_percent_encode(name, NOT_PLAIN);
    let value = format!("attachment; filename=\"{fallback}\"; filename*=UTF-8''{encoded}");
    HeaderValue::from_str(&value).unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

fn plain(c: char) -> char {
    match c {
        '"' | '\\' | '/' | '%' | ';' => '_',
        c if c.is_ascii_graphic() || c == ' ' => c,
        _ => '_',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_parameter_of_one_header() {
        for (name, value) in [
            ("plan.txt", "attachment; filename=\"plan.txt\"; filename*=UTF-8''plan.txt"),
            ("a b.txt", "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt"),
            ("é.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%A9.txt"),
            ("😀", "attachment; filename=\"_\"; filename*=UTF-8''%F0%9F%98%80"),
            ("a\"; x=\"", "attachment; filename=\"a__ x=_\"; filename*=UTF-8''a%22%3B%20x%3D%22"),
            ("../x", "attachment; filename=\".._x\"; filename*=UTF-8''..%2Fx"),
            ("a\u{85}b", "attachment; filename=\"a_b\"; filename*=UTF-8''a%C2%85b"),
        ] {
            assert_eq!(attachment(name), value);
        }
    }
}
