//! The model's regular expressions, written as functions: each decides on a whole text.
//!
//! `\w` is ASCII. In a class, `+-.` and `+-/` are ranges, as the model's own engine reads them.

/// A character of `[\w+-.@]`.
fn is_id(c: char) -> bool {
    is_word(c) || matches!(c, '+'..='.' | '@')
}

/// A character of `[&\w+-.@]`.
fn is_id_or_ampersand(c: char) -> bool {
    is_id(c) || c == '&'
}

/// A character of `[a-zA-Z0-9._+-/=]`.
fn is_label(c: char) -> bool {
    is_word(c) || matches!(c, '+'..='/' | '=')
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// `[\w+-.@]+`
pub(crate) fn id(text: &str) -> bool {
    every(text, is_id)
}

/// `[&\w+-.@]+`
pub(crate) fn id_or_ampersand(text: &str) -> bool {
    every(text, is_id_or_ampersand)
}

/// `[&\w+-.@, ]+`
pub(crate) fn id_list(text: &str) -> bool {
    every(text, |c| is_id_or_ampersand(c) || c == ' ')
}

/// `[\w,]+`
pub(crate) fn word_list(text: &str) -> bool {
    every(text, |c| is_word(c) || c == ',')
}

/// `[\w-]+`
pub(crate) fn header_name(text: &str) -> bool {
    every(text, |c| is_word(c) || c == '-')
}

/// `[a-zA-Z0-9._+-/=][a-zA-Z0-9 ._+-/=]*`
pub(crate) fn label(text: &str) -> bool {
    text.starts_with(is_label) && every(text, |c| is_label(c) || c == ' ')
}

/// `[\u0020-\u00FF]+`
pub(crate) fn latin(text: &str) -> bool {
    every(text, |c| matches!(c, ' '..='\u{ff}'))
}

/// `[\d]+`
pub(crate) fn digits(text: &str) -> bool {
    every(text, |c| c.is_ascii_digit())
}

/// `[\u0000-\u00FF]+`
pub(crate) fn latin_or_control(text: &str) -> bool {
    every(text, |c| c <= '\u{ff}')
}

/// `[\u0020-\uFFFF]+` over UTF-16 units, so that what lies beyond U+FFFF matches as two of them.
pub(crate) fn printable(text: &str) -> bool {
    every(text, |c| c >= ' ')
}

/// `[\u0020-\u202D\u202F-\uFFFF]+` over UTF-16 units, as [`printable`].
pub(crate) fn resource_name(text: &str) -> bool {
    every(text, |c| c >= ' ' && c != '\u{202e}')
}

/// `[\w\-+.]+(@[a-zA-Z0-9.\-]+\.[a-zA-Z]+)?`
pub(crate) fn user_name(text: &str) -> bool {
    let is_local = |c| is_word(c) || matches!(c, '-' | '+' | '.');
    match text.split_once('@') {
        None => every(text, is_local),
        Some((local, domain)) => every(local, is_local) && is_domain(domain, 1),
    }
}

/// `[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}`
pub(crate) fn email_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        every(local, |c| is_word(c) || matches!(c, '.' | '%' | '+' | '-')) && is_domain(domain, 2)
    })
}

/// `[a-zA-Z0-9.-]+\.[a-zA-Z]{N,}`: the last dot of the text is the one before the last label.
fn is_domain(text: &str, last_label_min: usize) -> bool {
    text.rsplit_once('.').is_some_and(|(rest, last)| {
        every(rest, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
            && last.len() >= last_label_min
            && last.chars().all(|c| c.is_ascii_alphabetic())
    })
}

fn every(text: &str, is_allowed: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    type Matcher = fn(&str) -> bool;

    /// Each function with the model's text, where `\w` is spelled out because it is Unicode here.
    const PATTERNS: &[(Matcher, &str)] = &[
        (id, r"[0-9A-Za-z_+-.@]+"),
        (id_or_ampersand, r"[&0-9A-Za-z_+-.@]+"),
        (id_list, r"[&0-9A-Za-z_+-.@, ]+"),
        (word_list, r"[0-9A-Za-z_,]+"),
        (header_name, r"[0-9A-Za-z_-]+"),
        (label, r"[a-zA-Z0-9._+-/=][a-zA-Z0-9 ._+-/=]*"),
        (latin, r"[\u0020-\u00FF]+"),
        (latin_or_control, r"[\u0000-\u00FF]+"),
        (user_name, r"[0-9A-Za-z_\-+.]+(@[a-zA-Z0-9.\-]+\.[a-zA-Z]+)?"),
        (email_address, r"[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}"),
        (printable, r"[\u0020-\u{10FFFF}]+"),
        (resource_name, r"[\u0020-\u202D\u202F-\u{10FFFF}]+"),
    ];

    fn anchored(pattern: &str) -> Regex {
        Regex::new(&format!(r"\A(?:{pattern})\z")).unwrap()
    }

    #[test]
    fn a_function_and_its_pattern_agree_on_every_character() {
        for &(matcher, pattern) in PATTERNS {
            let regex = anchored(pattern);
            for c in (0..=0x1_0fff).filter_map(char::from_u32) {
                for text in [format!("{c}"), format!("a{c}"), format!("a@b.cd{c}")] {
                    assert_eq!(matcher(&text), regex.is_match(&text), "{pattern} {text:?}");
                }
            }
        }
    }

    #[test]
    fn a_function_and_its_pattern_agree_on_every_short_text_of_the_marked_characters() {
        const MARKED: &[char] = &['a', 'Z', '0', '_', '.', '-', '+', '@', '%', '&', ' ', ',', '/'];
        for &(matcher, pattern) in PATTERNS {
            let regex = anchored(pattern);
            let mut texts = vec![String::new()];
            for _ in 0..4 {
                texts = texts
                    .iter()
                    .flat_map(|text| MARKED.iter().map(move |c| format!("{text}{c}")))
                    .collect();
                for text in &texts {
                    assert_eq!(matcher(text), regex.is_match(text), "{pattern} {text:?}");
                    let address = format!("a@{text}.co");
                    assert_eq!(matcher(&address), regex.is_match(&address), "{pattern} {address}");
                }
            }
            assert!(!matcher(""), "{pattern}");
        }
    }
}
