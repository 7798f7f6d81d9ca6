//! Percent-decoding of paths and query strings, which refuses what it cannot decode.

use crate::Violations;

/// Decodes a raw query string into its parameters, in their order.
///
/// A plus sign is a plus sign: SDKs write a space as `%20`.
pub fn decode_query(raw: &str) -> Result<Vec<(String, String)>, Violations> {
    let mut parameters = Vec::new();
    let mut violations = Violations::new();
    for (at, parameter) in raw.split('&').filter(|text| !text.is_empty()).enumerate() {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match (decode(name), decode(value)) {
            (Some(name), Some(value)) => parameters.push((name, value)),
            _ => violations
                .add("QueryString", format!("Parameter {} must be percent-encoded UTF-8", at + 1)),
        }
    }
    if violations.is_empty() { Ok(parameters) } else { Err(violations) }
}

/// Decodes what stands between two slashes of a raw path; `member` names it in what is wrong.
pub fn decode_path_segment(member: &str, raw: &str) -> Result<String, Violations> {
    decode(raw).ok_or_else(|| Violations::of(member, "Member must be percent-encoded UTF-8"))
}

fn decode(raw: &str) -> Option<String> {
    if !raw.contains('%') {
        return Some(raw.to_owned());
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            bytes.push(hex_digit(rest.next()?)? << 4 | hex_digit(rest.next()?)?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn parameters_keep_their_order_and_their_repetitions() {
        assert_eq!(
            decode_query("userIds=S-1%265%26d-1&a=1&&a=2&flag&e=&x=y=z"),
            Ok(vec![
                pair("userIds", "S-1&5&d-1"),
                pair("a", "1"),
                pair("a", "2"),
                pair("flag", ""),
                pair("e", ""),
                pair("x", "y=z"),
            ])
        );
        assert_eq!(decode_query(""), Ok(Vec::new()));
    }

    #[test]
    fn a_plus_sign_is_a_plus_sign() {
        assert_eq!(decode_query("q=a+b%2Bc%20d"), Ok(vec![pair("q", "a+b+c d")]));
    }

    #[test]
    fn every_parameter_that_cannot_be_decoded_is_named_by_its_place() {
        let violations = decode_query("a=1&b=%zz&c=%ff&%e2%82=secret").unwrap_err();
        let constraints: Vec<_> = violations.iter().map(|v| v.constraint.as_ref()).collect();
        assert_eq!(
            constraints,
            [
                "Parameter 2 must be percent-encoded UTF-8",
                "Parameter 3 must be percent-encoded UTF-8",
                "Parameter 4 must be percent-encoded UTF-8",
            ]
        );
        assert!(!violations.message().contains("secret"));
    }

    #[test]
    fn a_path_segment_is_decoded_once() {
        assert_eq!(decode_path_segment("UserId", "S%2526%C3%A9"), Ok("S%26é".to_owned()));
        for raw in ["%", "%2", "%2g", "%c3", "é%", "%+1"] {
            let violations = decode_path_segment("UserId", raw).unwrap_err();
            assert_eq!(violations.members().collect::<Vec<_>>(), ["UserId"], "{raw}");
        }
    }
}
