//! Texts and queries as words, the same for both: without regard to case, accents and width.
//!
//! A word ends at whatever is neither letter, digit nor mark, so `annual_report.pdf` is three words.
//! What is written without blanks, as Chinese, Japanese and Thai are, is cut into overlapping pairs of
//! characters instead, and the last character stands alone too: every character begins one token.

mod query;

use docharbor_domain::{Script, SearchText};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

pub use query::{TooManyWords, query};

/// How much of a text is read, in bytes.
pub const TEXT_MAX_BYTES: usize = 1 << 20;

/// How much the tokens of a text take at the most, in bytes: PostgreSQL keeps no more than 1 MiB with
/// their places.
pub const TOKENS_MAX_BYTES: usize = 256 << 10;

/// Characters of a token; what a longer word has beyond them is left out.
const TOKEN_CHARS_MAX: usize = 64;

/// Characters that are counted to tell the script of a text.
const SCRIPT_CHARS_MAX: usize = 10_000;

/// The words of a text: as much of it as is read, and as many of them as are kept.
pub fn text(text: &str) -> SearchText {
    let end = text.floor_char_boundary(TEXT_MAX_BYTES);
    let text = text.get(..end).unwrap_or_default();
    let mut tokens = String::new();
    for token in Tokens::of(text, Tail::Always) {
        // One more for the blank behind the last.
        if tokens.len() + token.text.len() + 2 > TOKENS_MAX_BYTES {
            break;
        }
        tokens.push(' ');
        tokens.push_str(&token.text);
    }
    if !tokens.is_empty() {
        tokens.push(' ');
    }
    SearchText { tokens, script: script(text) }
}

/// The text without regard to case, accents and width.
fn folded(text: &str) -> impl Iterator<Item = char> {
    text.nfkd()
        .filter(|c| !is_accent(*c) && !is_invisible(*c))
        .flat_map(char::to_lowercase)
        // Only capitals tell that ß is two letters, and that ς is a σ.
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .flat_map(|c| plain(c).unwrap_or([Some(c), None]).into_iter().flatten())
        .nfkd()
        .filter(|c| !is_accent(*c))
        .nfc()
}

/// Letters with a stroke or tied together, which Unicode does not take for accented ones.
fn plain(c: char) -> Option<[Option<char>; 2]> {
    Some(match c {
        'æ' => [Some('a'), Some('e')],
        'œ' => [Some('o'), Some('e')],
        'þ' => [Some('t'), Some('h')],
        'ø' => [Some('o'), None],
        'đ' | 'ð' => [Some('d'), None],
        'ħ' => [Some('h'), None],
        'ł' => [Some('l'), None],
        'ŧ' => [Some('t'), None],
        _ => return None,
    })
}

/// Marks that readers leave out when they look for a word: accents, and vowels of Arabic and Hebrew.
fn is_accent(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36F}'
            | '\u{591}'..='\u{5C7}'
            | '\u{610}'..='\u{61A}'
            | '\u{640}'
            | '\u{64B}'..='\u{65F}'
            | '\u{670}'
            | '\u{1AB0}'..='\u{1AFF}'
            | '\u{1DC0}'..='\u{1DFF}'
            | '\u{20D0}'..='\u{20FF}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FE20}'..='\u{FE2F}'
    )
}

/// What stands inside words and is not seen: places to break them, and joiners.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}')
}

/// What a character is to a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Part of a word that blanks set apart.
    Word,
    /// Written without blanks.
    Unspaced,
    /// Between words.
    Gap,
}

impl Class {
    fn of(c: char) -> Self {
        if !c.is_alphanumeric() && !is_combining_mark(c) {
            return Self::Gap;
        }
        match c {
            // Thai, Lao; Myanmar; Hangul's letters; Khmer; Chinese, Japanese and Korean; Hangul's
            // syllables; more Chinese.
            '\u{E00}'..='\u{EFF}'
            | '\u{1000}'..='\u{109F}'
            | '\u{1100}'..='\u{11FF}'
            | '\u{1780}'..='\u{17FF}'
            | '\u{3005}'..='\u{9FFF}'
            | '\u{A960}'..='\u{A97F}'
            | '\u{AC00}'..='\u{D7FF}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{1B000}'..='\u{1B16F}'
            | '\u{20000}'..='\u{3FFFF}' => Self::Unspaced,
            _ => Self::Word,
        }
    }
}

/// Whether the last character of a run without blanks stands alone too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// As in a text: every character begins one token.
    Always,
    /// As in a query: the text may go on where the query ends.
    UnlessLast,
}

/// A token, and whether a longer one may be meant.
struct Token {
    text: String,
    /// A lone character of what is written without blanks: whatever begins with it has it.
    is_lone: bool,
}

/// The tokens of a text, one after the other.
struct Tokens<I: Iterator<Item = char>> {
    chars: std::iter::Peekable<I>,
    tail: Tail,
    /// The character of a run that stands before the next one.
    before: Option<char>,
    /// Whether the run began with it.
    is_first: bool,
}

impl Tokens<std::iter::Empty<char>> {
    fn of(text: &str, tail: Tail) -> Tokens<impl Iterator<Item = char>> {
        Tokens { chars: folded(text).peekable(), tail, before: None, is_first: false }
    }
}

impl<I: Iterator<Item = char>> Tokens<I> {
    fn word(&mut self, first: char) -> Token {
        let mut text = String::from(first);
        let mut length = 1;
        while let Some(c) = self.chars.next_if(|c| Class::of(*c) == Class::Word) {
            if length < TOKEN_CHARS_MAX {
                text.push(c);
                length += 1;
            }
        }
        Token { text, is_lone: false }
    }

    /// The last character of a run, if it stands alone too.
    fn end_of_run(&mut self, last: char) -> Option<Token> {
        if !self.is_first && self.tail == Tail::UnlessLast && self.is_last_token() {
            return None;
        }
        Some(Token { text: String::from(last), is_lone: true })
    }

    fn is_last_token(&mut self) -> bool {
        while self.chars.next_if(|c| Class::of(*c) == Class::Gap).is_some() {}
        self.chars.peek().is_none()
    }
}

impl<I: Iterator<Item = char>> Iterator for Tokens<I> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            if let Some(before) = self.before {
                if let Some(c) = self.chars.next_if(|c| Class::of(*c) == Class::Unspaced) {
                    self.before = Some(c);
                    self.is_first = false;
                    return Some(Token { text: [before, c].iter().collect(), is_lone: false });
                }
                self.before = None;
                if let Some(token) = self.end_of_run(before) {
                    return Some(token);
                }
                continue;
            }
            let first = self.chars.next()?;
            match Class::of(first) {
                Class::Gap => {}
                Class::Word => return Some(self.word(first)),
                Class::Unspaced => {
                    self.before = Some(first);
                    self.is_first = true;
                }
            }
        }
    }
}

/// The script most letters of a text are of. A few kana or Hangul among Chinese characters tell the
/// language, however few they are.
fn script(text: &str) -> Option<Script> {
    let mut counts: [(Script, usize); 10] = [
        (Script::Latin, 0),
        (Script::Cyrillic, 0),
        (Script::Greek, 0),
        (Script::Arabic, 0),
        (Script::Devanagari, 0),
        (Script::Bengali, 0),
        (Script::Thai, 0),
        (Script::Hangul, 0),
        (Script::Kana, 0),
        (Script::Han, 0),
    ];
    for script in text.chars().filter_map(script_of).take(SCRIPT_CHARS_MAX) {
        for (counted, count) in &mut counts {
            *count += usize::from(*counted == script);
        }
    }
    let count_of =
        |script| counts.iter().find(|(counted, _)| *counted == script).map_or(0, |found| found.1);
    // The first of equals, which max_by_key would not give.
    let (most, count) = counts.into_iter().rev().max_by_key(|(_, count)| *count)?;
    if count == 0 {
        return None;
    }
    Some(match most {
        Script::Han if count_of(Script::Kana) > 0 => Script::Kana,
        Script::Han if count_of(Script::Hangul) > 0 => Script::Hangul,
        most => most,
    })
}

fn script_of(c: char) -> Option<Script> {
    if !c.is_alphabetic() {
        return None;
    }
    Some(match c {
        'A'..='Z' | 'a'..='z' | '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}' => Script::Latin,
        '\u{370}'..='\u{3FF}' | '\u{1F00}'..='\u{1FFF}' => Script::Greek,
        '\u{400}'..='\u{52F}' => Script::Cyrillic,
        '\u{600}'..='\u{6FF}' | '\u{750}'..='\u{77F}' | '\u{FB50}'..='\u{FEFC}' => Script::Arabic,
        '\u{900}'..='\u{97F}' => Script::Devanagari,
        '\u{980}'..='\u{9FF}' => Script::Bengali,
        '\u{E00}'..='\u{E7F}' => Script::Thai,
        '\u{1100}'..='\u{11FF}' | '\u{3130}'..='\u{318F}' | '\u{AC00}'..='\u{D7AF}' => {
            Script::Hangul
        }
        '\u{3040}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' | '\u{FF66}'..='\u{FF9D}' => Script::Kana,
        '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}' => {
            Script::Han
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(of: &str) -> String {
        text(of).tokens.trim().to_owned()
    }

    #[test]
    fn case_accents_and_width_make_no_difference() {
        for (one, other) in [
            ("Straße STRASSE", "strasse strasse"),
            ("STRAẞE", "strasse"),
            ("Café", "cafe"),
            ("cafe\u{301}", "cafe"),
            ("ＡＢＣ １２", "abc 12"),
            ("ﬁnance", "finance"),
            ("Σίσυφος ΣΊΣΥΦΟΣ", "σισυφοσ σισυφοσ"),
            ("İstanbul ısı", "istanbul isi"),
            ("Ærø Œuvre Łódź Đà", "aero oeuvre lodz da"),
            ("co\u{AD}operate", "cooperate"),
            ("Ёлка Йод", "елка иод"),
            ("مُحَمَّد", "محمد"),
        ] {
            assert_eq!(tokens(one), other, "{one}");
        }
    }

    #[test]
    fn a_word_ends_at_whatever_is_no_letter_and_no_digit() {
        assert_eq!(tokens("annual_report-2024.final.PDF"), "annual report 2024 final pdf");
        assert_eq!(tokens("can't e.g. 3.14 a@b.c"), "can t e g 3 14 a b c");
        assert_eq!(tokens(" \t\n!\"'*():^-+ "), "");
        assert_eq!(text("").tokens, "");
        assert_eq!(text("a b").tokens, " a b ");
    }

    #[test]
    fn what_has_no_blanks_is_cut_into_pairs_and_its_last_character() {
        assert_eq!(tokens("四半期報告書"), "四半 半期 期報 報告 告書 書");
        assert_eq!(tokens("第3四半期"), "第 3 四半 半期 期");
        assert_eq!(tokens("ｶﾞｲﾄﾞ"), tokens("ガイド"));
        assert_eq!(tokens("보고서"), "보고 고서 서");
        assert_eq!(tokens("ab東京cd"), "ab 東京 京 cd");
    }

    #[test]
    fn long_words_and_long_texts_are_cut() {
        let long = "x".repeat(1_000);
        assert_eq!(tokens(&long), "x".repeat(TOKEN_CHARS_MAX));
        let many = "word ".repeat(400_000);
        let found = text(&many);
        assert!(found.tokens.len() <= TOKENS_MAX_BYTES);
        assert!(found.tokens.len() > TOKENS_MAX_BYTES - 16);
        assert!(found.tokens.ends_with(" word "));
        // The end of what is read may lie within a character.
        assert!(text(&"é".repeat(TEXT_MAX_BYTES)).tokens.len() < TOKENS_MAX_BYTES);
    }

    #[test]
    fn the_script_of_a_text_is_that_of_most_letters() {
        for (of, expected) in [
            ("plain words, 12", Some(Script::Latin)),
            ("Привет мир OK", Some(Script::Cyrillic)),
            ("東京都の予算案", Some(Script::Kana)),
            ("預算案", Some(Script::Han)),
            ("보고서 書", Some(Script::Hangul)),
            ("مرحبا", Some(Script::Arabic)),
            ("42 !", None),
        ] {
            assert_eq!(text(of).script, expected, "{of}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_token_that_is_no_word(of in any::<String>()) {
            let found = text(&of).tokens;
            for token in found.split_terminator(' ').skip(1) {
                prop_assert!(!token.is_empty());
                prop_assert!(token.chars().count() <= TOKEN_CHARS_MAX);
                prop_assert!(token.chars().all(|c| Class::of(c) != Class::Gap), "{token:?}");
            }
            prop_assert!(found.is_empty() || (found.starts_with(' ') && found.ends_with(' ')));
        }

        #[test]
        fn folding_what_is_folded_changes_nothing(of in "\\PC{0,40}") {
            let once: String = folded(&of).collect();
            let twice: String = folded(&once).collect();
            prop_assert_eq!(once, twice);
        }
    }
}
