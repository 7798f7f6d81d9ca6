//! The constrained texts of the protocol: one type each, so that a value that exists is valid.

use serde_json::Value;

use crate::patterns;
use crate::shape::{Bounds, Declared, Decoded, Shape, ShapeKind};
use crate::violation::Violations;

/// Declares the texts: name, whether it may reach a log (`plain`) or not (`sensitive` by the
/// model's word, `private` because it is what users write of their own), shortest and longest length, the unit
/// of length, and what every text has to match.
macro_rules! texts {
    ($(
        $(#[$doc:meta])*
        $name:ident $secrecy:ident $min:literal $max:literal $unit:ident [$($rule:tt)+];
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(String);

            impl $name {
                const RULES: Rules =
                    Rules { min: $min, max: $max, length: $unit, content: content!($($rule)+) };

                /// Takes a text that keeps the constraints; `member` names it in what is wrong.
                pub fn parse(member: &str, text: impl Into<String>) -> Result<Self, Violations> {
                    let text = text.into();
                    let mut violations = Violations::new();
                    if Self::RULES.check(&text, member, &mut violations) {
                        return Ok(Self(text));
                    }
                    Err(violations)
                }

                /// The text.
                pub fn as_str(&self) -> &str {
                    &self.0
                }

                /// The text, without a copy.
                pub fn into_inner(self) -> String {
                    self.0
                }
            }

            impl std::fmt::Debug for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    debug!($secrecy, self, f, stringify!($name))
                }
            }

            impl Declared for $name {
                const SHAPE: Shape = Shape {
                    name: stringify!($name),
                    kind: ShapeKind::Text {
                        bounds: Bounds { min: Some($min), max: Some($max) },
                        pattern: Self::RULES.content.pattern,
                        sensitive: is_sensitive!($secrecy),
                    },
                };
                type Output = String;
            }

            impl Decoded for $name {
                type Input = Self;

                fn from_text(text: &str, member: &str, out: &mut Violations) -> Option<Self> {
                    Self::RULES.check(text, member, out).then(|| Self(text.to_owned()))
                }

                fn from_json(value: &Value, member: &str, out: &mut Violations) -> Option<Self> {
                    let Some(text) = value.as_str() else {
                        out.add(member, "Member must be a string");
                        return None;
                    };
                    Self::from_text(text, member, out)
                }
            }
        )*

        /// The description of every text.
        pub(crate) static SHAPES: &[Shape] = &[$(<$name as Declared>::SHAPE),*];

        /// Every text's rules, for the tables of the tests.
        #[cfg(test)]
        const ALL_RULES: &[(&str, Rules)] = &[$((stringify!($name), $name::RULES)),*];
    };
}

/// The texts that the model gives no pattern still have one: what no store and no header can hold
/// is refused here, because nothing behind this door can refuse it as well.
macro_rules! content {
    (pattern $pattern:literal $matcher:ident) => {
        Content {
            pattern: Some($pattern),
            matches: patterns::$matcher,
            constraint: concat!("Member must satisfy regular expression pattern: ", $pattern),
        }
    };
    (storable) => {
        Content {
            pattern: None,
            matches: |text| !text.contains('\0'),
            constraint: "Member must not contain the character U+0000",
        }
    };
    (one_line) => {
        Content {
            pattern: None,
            matches: |text| !text.contains(char::is_control),
            constraint: "Member must not contain control characters",
        }
    };
}

macro_rules! is_sensitive {
    (plain) => {
        false
    };
    (private) => {
        false
    };
    (sensitive) => {
        true
    };
}

macro_rules! debug {
    (plain, $self:ident, $f:ident, $name:expr) => {
        $f.debug_tuple($name).field(&$self.0).finish()
    };
    ($hidden:ident, $self:ident, $f:ident, $name:expr) => {
        $f.write_str(concat!($name, "(…)"))
    };
}

texts! {
    /// Types of activities with commas between them.
    ActivityNamesFilterType plain 1 1024 chars [pattern r"[\w,]+" word_list];
    /// The header `Authentication`: a user's token.
    AuthenticationHeaderType sensitive 1 8199 chars [storable];
    /// The id of a comment.
    CommentIdType plain 1 128 chars [pattern r"[\w+-.@]+" id];
    /// What a comment says.
    CommentTextType sensitive 1 2048 chars [storable];
    /// The key of a custom metadata entry.
    CustomMetadataKeyType private 1 56 chars
        [pattern "[a-zA-Z0-9._+-/=][a-zA-Z0-9 ._+-/=]*" label];
    /// The value of a custom metadata entry.
    CustomMetadataValueType private 1 256 chars
        [pattern "[a-zA-Z0-9._+-/=][a-zA-Z0-9 ._+-/=]*" label];
    /// The media type of a document.
    DocumentContentType plain 1 128 chars [one_line];
    /// The id of a version.
    DocumentVersionIdType plain 1 128 chars [pattern r"[\w+-.@]+" id];
    /// A user's e-mail address.
    EmailAddressType sensitive 1 256 chars
        [pattern r"[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}" email_address];
    /// Words with commas between them.
    FieldNamesType plain 1 256 chars [pattern r"[\w,]+" word_list];
    /// The hash of a content.
    HashType plain 0 128 chars [pattern r"[&\w+-.@]+" id_or_ampersand];
    /// The name of a header that an upload must send.
    HeaderNameType plain 1 256 chars [pattern r"[\w-]+" header_name];
    /// The value of a header that an upload must send.
    HeaderValueType plain 1 1024 chars [one_line];
    /// The id of a user, a group, an organization; of a resource in a few operations.
    IdType plain 1 256 chars [pattern r"[&\w+-.@]+" id_or_ampersand];
    /// Where a list of comments goes on.
    MarkerType plain 1 2048 chars [pattern r"[\u0000-\u00FF]+" latin_or_control];
    /// What is said to those with whom something is shared.
    MessageType sensitive 0 2048 chars [storable];
    /// Where a search goes on.
    NextMarkerType plain 1 2048 chars [pattern r"[\d]+" digits];
    /// Where a list goes on.
    PageMarkerType plain 1 2048 chars [storable];
    /// A password.
    PasswordType sensitive 4 32 chars [pattern r"[\u0020-\u00FF]+" latin];
    /// The id of a folder or document.
    ResourceIdType plain 1 128 chars [pattern r"[\w+-.@]+" id];
    /// The name of a folder or document.
    ResourceNameType sensitive 1 255 utf16_units
        [pattern r"[\u0020-\u202D\u202F-\uFFFF]+" resource_name];
    /// Where a list of activities goes on.
    SearchMarkerType plain 1 12288 chars [pattern r"[\u0000-\u00FF]+" latin_or_control];
    /// Where a browser shows an item.
    ResponseItemWebUrl sensitive 1 512 chars [pattern r"[\u0020-\uFFFF]+" printable];
    /// The id of a folder above.
    SearchAncestorId plain 1 128 chars [one_line];
    /// A label that is looked for.
    SearchLabel private 1 128 chars [one_line];
    /// What a search looks for.
    SearchQueryType sensitive 1 512 chars [pattern r"[\u0020-\uFFFF]+" printable];
    /// A label.
    SharedLabel private 1 32 chars [pattern "[a-zA-Z0-9._+-/=][a-zA-Z0-9 ._+-/=]*" label];
    /// Where a subscriber is reached.
    SubscriptionEndPointType private 1 256 chars [one_line];
    /// A time zone's name.
    TimeZoneIdType plain 1 256 chars [storable];
    /// A presigned URL.
    UrlType sensitive 1 1024 chars [one_line];
    /// A user's given name or surname.
    UserAttributeValueType sensitive 1 64 chars [storable];
    /// User ids with commas between them.
    UserIdsType plain 1 2000 chars [pattern r"[&\w+-.@, ]+" id_list];
    /// The name a user signs in with.
    UsernameType sensitive 1 256 chars
        [pattern r"[\w\-+.]+(@[a-zA-Z0-9.\-]+\.[a-zA-Z]+)?" user_name];
}

/// What a text has to keep.
#[derive(Clone, Copy)]
struct Rules {
    min: usize,
    max: usize,
    length: fn(&str) -> usize,
    content: Content,
}

#[derive(Clone, Copy)]
struct Content {
    pattern: Option<&'static str>,
    matches: fn(&str) -> bool,
    constraint: &'static str,
}

impl Rules {
    fn check(&self, text: &str, member: &str, violations: &mut Violations) -> bool {
        let length = (self.length)(text);
        if length < self.min {
            violations.add(
                member,
                format!("Member must have length greater than or equal to {}", self.min),
            );
            // What is missing cannot match a pattern either; saying so twice helps nobody.
            if length == 0 {
                return false;
            }
        }
        if self.max < length {
            violations
                .add(member, format!("Member must have length less than or equal to {}", self.max));
        }
        let matches = (self.content.matches)(text);
        if !matches {
            violations.add(member, self.content.constraint);
        }
        matches && (self.min..=self.max).contains(&length)
    }
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

/// Programs on other systems count, and the model's range is written, in UTF-16 units.
fn utf16_units(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &Rules, text: &str) -> Vec<String> {
        let mut violations = Violations::new();
        let is_valid = rules.check(text, "M", &mut violations);
        assert_eq!(is_valid, violations.is_empty());
        violations.iter().map(|v| v.constraint.to_string()).collect()
    }

    /// A text of that many characters that every pattern but the e-mail address's matches.
    fn plain(length: usize) -> String {
        "1".repeat(length)
    }

    #[test]
    fn every_text_is_held_to_its_shortest_and_longest_length() {
        assert_eq!(ALL_RULES.len(), 33);
        for (name, rules) in ALL_RULES.iter().filter(|(name, _)| *name != "EmailAddressType") {
            let too_long = format!("Member must have length less than or equal to {}", rules.max);
            let too_short =
                format!("Member must have length greater than or equal to {}", rules.min);
            for length in [rules.min.max(1), rules.min + 1, rules.max - 1, rules.max] {
                assert!(check(rules, &plain(length)).is_empty(), "{name} at {length}");
            }
            assert_eq!(check(rules, &plain(rules.max + 1)), [too_long], "{name}");
            if rules.min > 0 {
                assert_eq!(check(rules, &plain(rules.min - 1)), [too_short], "{name}");
            }
        }
    }

    #[test]
    fn an_email_address_is_held_to_its_length() {
        let of_length = |length: usize| format!("{}@b.cd", plain(length - 5));
        let parse = |text: &str| EmailAddressType::parse("EmailAddress", text);
        assert!(parse(&of_length(6)).is_ok());
        assert!(parse(&of_length(255)).is_ok());
        assert!(parse(&of_length(256)).is_ok());
        assert!(parse(&of_length(257)).is_err());
        assert!(parse("").is_err());
        assert!(parse("ann@b.c").is_err());
    }

    #[test]
    fn every_text_refuses_a_character_outside_its_pattern() {
        for (name, rules) in ALL_RULES {
            let found = check(rules, "aaaa\0\u{100}");
            assert_eq!(found, [rules.content.constraint], "{name}");
        }
    }

    #[test]
    fn a_text_that_is_too_long_and_malformed_breaks_two_constraints() {
        let found = ResourceIdType::parse("Id", "é".repeat(129)).unwrap_err();
        assert_eq!(found.members().collect::<Vec<_>>(), ["Id", "Id"]);
        assert!(!found.message().contains('é'));
    }

    #[test]
    fn a_short_hash_cannot_be_empty_though_its_length_could() {
        assert_eq!(HashType::parse("Signature", "").unwrap_err().len(), 1);
    }

    #[test]
    fn the_length_of_a_name_is_counted_in_utf16_units() {
        let parse = |text: String| ResourceNameType::parse("Name", text);
        assert!(parse("😀".repeat(127)).is_ok());
        assert!(parse("😀".repeat(127) + "a").is_ok());
        assert!(parse("😀".repeat(128)).is_err());
        assert!(parse("é".repeat(255)).is_ok());
        assert!(parse("a\u{202e}b".to_owned()).is_err());
        assert!(parse("a\u{202d}\u{202f}b".to_owned()).is_ok());
        assert!(parse("a\nb".to_owned()).is_err());
    }

    #[test]
    fn other_lengths_are_counted_in_characters() {
        assert!(UserAttributeValueType::parse("Surname", "😀".repeat(64)).is_ok());
        assert!(UserAttributeValueType::parse("Surname", "😀".repeat(65)).is_err());
        assert!(SearchQueryType::parse("Query", "😀").is_ok());
    }

    #[test]
    fn a_content_type_is_one_line() {
        assert!(DocumentContentType::parse("ContentType", "text/plain").is_ok());
        assert!(DocumentContentType::parse("ContentType", "text/plain\r\nX: y").is_err());
    }

    #[test]
    fn a_sensitive_text_never_shows_in_debug_output() {
        let password = PasswordType::parse("Password", "correct horse").unwrap();
        assert_eq!(format!("{password:?}"), "PasswordType(…)");
        let label = SharedLabel::parse("Labels", "layoffs").unwrap();
        assert_eq!(format!("{label:?}"), "SharedLabel(…)");
        let id = IdType::parse("Id", "S-1-5&d-1").unwrap();
        assert_eq!(format!("{id:?}"), r#"IdType("S-1-5&d-1")"#);
        assert_eq!(id.as_str(), "S-1-5&d-1");
        assert_eq!(id.into_inner(), "S-1-5&d-1");
    }
}
