//! Distinguished names in one form, so that two spellings of a name are equal.

/// Brings a distinguished name into the form by which names are compared: small letters, no space
/// around separators, escapes undone where they are not needed.
pub fn normalized_dn(dn: &str) -> String {
    let mut bytes: Vec<u8> = Vec::with_capacity(dn.len());
    let mut rest = dn.bytes().peekable();
    // Everything up to here is kept, though it be a space: an escape wrote it.
    let mut kept = 0;
    let mut after_separator = true;
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' => {
                let Some(first) = rest.next() else { break };
                let pair = hex_digit(first).zip(rest.peek().copied().and_then(hex_digit));
                let plain = pair.map_or(first, |(high, low)| {
                    rest.next();
                    (high << 4) | low
                });
                if matches!(plain, b',' | b'+' | b'=' | b'\\') {
                    bytes.push(b'\\');
                }
                bytes.push(plain);
                kept = bytes.len();
                after_separator = false;
            }
            b',' | b'+' | b'=' => {
                while kept < bytes.len() && bytes.last() == Some(&b' ') {
                    bytes.pop();
                }
                bytes.push(byte);
                kept = bytes.len();
                after_separator = true;
            }
            b' ' if after_separator => {}
            _ => {
                bytes.push(byte);
                after_separator = false;
            }
        }
    }
    while kept < bytes.len() && bytes.last() == Some(&b' ') {
        bytes.pop();
    }
    String::from_utf8_lossy(&bytes).to_lowercase()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_of_one_name_are_equal_and_two_names_are_not() {
        let name = normalized_dn("uid=ann,ou=people,dc=example,dc=com");
        assert_eq!(normalized_dn("UID=Ann, OU = People,dc=example , DC=com "), name);
        assert_eq!(normalized_dn(r"cn=Ex\2c Ann,dc=com"), normalized_dn(r"cn=Ex\, Ann,dc=com"));
        assert_eq!(normalized_dn(r"cn=J\c3\bcrgen,dc=com"), normalized_dn("cn=Jürgen,dc=com"));
        assert_ne!(normalized_dn(r"cn=a\,dc=com"), normalized_dn("cn=a,dc=com"));
        assert_ne!(normalized_dn(r"cn=a\ ,dc=com"), normalized_dn("cn=a,dc=com"));
        assert_eq!(normalized_dn("cn=a\\"), "cn=a");
    }
}
