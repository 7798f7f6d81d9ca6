//! What a site asks of a password.

use std::fmt;

use crate::Refusal;

/// The shortest and the longest password the protocol knows, in characters.
pub const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 4..=32;

/// How many classes of characters there are.
pub const PASSWORD_CLASSES: usize = 4;

/// How long and how varied a password has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordRule {
    /// How many characters it has at least.
    pub min_chars: usize,
    /// How many of the four classes they are from: lower-case letters, upper-case letters, digits and
    /// all others.
    pub min_classes: usize,
}

impl Default for PasswordRule {
    fn default() -> Self {
        Self { min_chars: 8, min_classes: 3 }
    }
}

impl PasswordRule {
    /// Holds a password to the rule.
    pub fn check(self, password: &str) -> Result<(), Refusal> {
        let is_digit = |c: char| c.is_ascii_digit();
        let is_other = |c: char| !c.is_lowercase() && !c.is_uppercase() && !is_digit(c);
        let present: [bool; PASSWORD_CLASSES] = [
            password.chars().any(char::is_lowercase),
            password.chars().any(char::is_uppercase),
            password.chars().any(is_digit),
            password.chars().any(is_other),
        ];
        let classes = present.into_iter().filter(|is_present| *is_present).count();
        let length = password.chars().count();
        let fits = (self.min_chars..=*PASSWORD_CHARS.end()).contains(&length);
        if fits && classes >= self.min_classes { Ok(()) } else { Err(Refusal::WeakPassword(self)) }
    }
}

/// The rule as a person is told it: `8 to 32 characters, of at least three of these: …`.
impl fmt::Display for PasswordRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = *PASSWORD_CHARS.end();
        if self.min_chars < longest {
            write!(f, "{} to ", self.min_chars)?;
        }
        write!(f, "{longest} characters")?;
        f.write_str(match self.min_classes {
            0 | 1 => return Ok(()),
            2 => ", of at least two of these",
            3 => ", of at least three of these",
            _ => ", of all of these",
        })?;
        f.write_str(": lower-case letters, upper-case letters, digits, other characters")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(min_chars: usize, min_classes: usize) -> PasswordRule {
        PasswordRule { min_chars, min_classes }
    }

    #[test]
    fn a_password_needs_eight_characters_of_three_classes_unless_the_site_says_otherwise() {
        for (password, accepted) in [
            ("Passw0rd", true),
            ("passw0rd!", true),
            ("PASSW0RD!", true),
            ("Pässword!", true),
            ("Passw0r", false),
            ("password", false),
            ("passw0rd", false),
            ("PASSWORD1", false),
            ("12345678!", false),
            ("", false),
        ] {
            assert_eq!(PasswordRule::default().check(password).is_ok(), accepted, "{password}");
        }
        let long = |length: usize| format!("Aa1{}", "x".repeat(length - 3));
        assert!(PasswordRule::default().check(&long(32)).is_ok());
        assert!(PasswordRule::default().check(&long(33)).is_err());
    }

    #[test]
    fn each_length_and_number_of_classes_lets_in_just_what_has_them() {
        // Characters of the first so many classes, each as long as asked for.
        let password = |length: usize, classes: usize| -> String {
            "aA1!".chars().take(classes).cycle().take(length).collect()
        };
        for min_chars in PASSWORD_CHARS {
            for min_classes in 1..=PASSWORD_CLASSES {
                for length in PASSWORD_CHARS.start() - 1..=PASSWORD_CHARS.end() + 1 {
                    for classes in 1..=PASSWORD_CLASSES.min(length) {
                        let accepted = (min_chars..=32).contains(&length) && min_classes <= classes;
                        let checked =
                            rule(min_chars, min_classes).check(&password(length, classes));
                        assert_eq!(
                            checked.is_ok(),
                            accepted,
                            "{length} of {classes} for {min_chars} of {min_classes}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_letter_without_case_and_a_blank_are_other_characters() {
        for password in ["密码密码密码密码", "        ", "²²²²²²²²"] {
            assert!(rule(8, 1).check(password).is_ok(), "{password}");
            assert!(rule(8, 2).check(password).is_err(), "{password}");
        }
        assert!(rule(5, 4).check("aA1 ü").is_ok());
    }

    #[test]
    fn a_refusal_says_the_rule_in_words() {
        for (min_chars, min_classes, words) in [
            (8, 3, "8 to 32 characters, of at least three of these: lower-case letters, "),
            (12, 2, "12 to 32 characters, of at least two of these: lower-case letters, "),
            (32, 4, "32 characters, of all of these: lower-case letters, upper-case letters, "),
            (4, 1, "4 to 32 characters"),
        ] {
            let refusal = rule(min_chars, min_classes).check("").unwrap_err().to_string();
            assert!(refusal.starts_with(&format!("Password: must have {words}")), "{refusal}");
            assert_eq!(refusal.contains("digits"), min_classes > 1, "{refusal}");
        }
    }
}
