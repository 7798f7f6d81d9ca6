//! What somebody typed into a search, as phrases of tokens: nothing of it is ever query syntax.

use docharbor_domain::{SEARCH_WORDS_MAX, SearchPhrase, SearchQuery, SearchScope};
use thiserror::Error;

use super::{Class, Tail, Tokens};

/// Letters a word needs for its last one to stand for all that begin like it: one alone would be
/// the beginning of a good part of all words.
const PREFIX_CHARS_MIN: usize = 2;

/// A search for more words than anybody types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a search may have {SEARCH_WORDS_MAX} words")]
pub struct TooManyWords;

/// What somebody typed, piece by piece.
enum Piece<'a> {
    /// Between double quotes.
    Quoted(&'a str),
    /// A word between blanks.
    Word(&'a str),
    /// `AND`, which is what stands between words anyway.
    And(&'a str),
    /// `OR`.
    Or(&'a str),
}

/// Reads a query: words that must all be there, the last one also as the beginning of a longer one;
/// double quotes around words that stand one behind the other; `OR` between alternatives and `AND`
/// within them. Nothing where it has no word: then nothing can be found.
pub fn query(text: &str, scope: SearchScope) -> Result<Option<SearchQuery>, TooManyWords> {
    let pieces = pieces(text);
    let mut alternatives: Vec<Vec<SearchPhrase>> = vec![Vec::new()];
    let mut words = 0;
    for (at, piece) in pieces.iter().enumerate() {
        let is_last = at + 1 == pieces.len();
        // An operator needs something on either side; elsewhere it is a word like any other.
        let joins =
            !is_last && at > 0 && !matches!(pieces.get(at - 1), Some(Piece::Or(_) | Piece::And(_)));
        let (text, may_go_on) = match piece {
            Piece::Or(_) if joins => {
                alternatives.push(Vec::new());
                continue;
            }
            Piece::And(_) if joins => continue,
            Piece::Quoted(text) => (text, false),
            Piece::Word(text) | Piece::And(text) | Piece::Or(text) => (text, is_last),
        };
        let Some(phrase) = phrase(text, may_go_on) else { continue };
        words += phrase.tokens.len();
        if words > SEARCH_WORDS_MAX {
            return Err(TooManyWords);
        }
        if let Some(alternative) = alternatives.last_mut() {
            alternative.push(phrase);
        }
    }
    alternatives.retain(|alternative| !alternative.is_empty());
    Ok((!alternatives.is_empty()).then_some(SearchQuery { alternatives, scope }))
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let is_quote = |c| matches!(c, '"' | '\u{201C}'..='\u{201F}' | '\u{FF02}');
    let mut pieces = Vec::new();
    let parts: Vec<&str> = text.split(is_quote).collect();
    let last = parts.len() - 1;
    for (at, part) in parts.into_iter().enumerate() {
        // The parts between quotes are every second one; a quote that is not closed says nothing.
        if at % 2 == 1 && at < last {
            pieces.push(Piece::Quoted(part));
        } else {
            pieces.extend(part.split_whitespace().map(|word| match word {
                "AND" => Piece::And(word),
                "OR" => Piece::Or(word),
                word => Piece::Word(word),
            }));
        }
    }
    pieces
}

fn phrase(text: &str, may_go_on: bool) -> Option<SearchPhrase> {
    let tokens: Vec<_> = Tokens::of(text, Tail::UnlessLast).take(SEARCH_WORDS_MAX + 1).collect();
    let last = tokens.last()?;
    let is_word = last.text.chars().next().is_some_and(|c| Class::of(c) == Class::Word);
    let is_long = last.text.chars().nth(PREFIX_CHARS_MIN - 1).is_some();
    let is_prefix = last.is_lone || (may_go_on && is_word && is_long);
    Some(SearchPhrase { is_prefix, tokens: tokens.into_iter().map(|token| token.text).collect() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::analyse;

    /// A query as one reads it: phrases with `+` between them, alternatives with `|`.
    fn read(text: &str) -> String {
        let Some(query) = query(text, SearchScope::All).unwrap() else { return String::new() };
        let phrase = |phrase: &SearchPhrase| {
            phrase.tokens.join(" ") + if phrase.is_prefix { "*" } else { "" }
        };
        let alternatives = query
            .alternatives
            .iter()
            .map(|alternative| alternative.iter().map(phrase).collect::<Vec<_>>().join(" + "));
        alternatives.collect::<Vec<_>>().join(" | ")
    }

    fn finds(typed: &str, in_text: &str) -> bool {
        let query = query(typed, SearchScope::All).unwrap();
        query.is_some_and(|query| query.score("", &analyse::text(in_text).tokens).is_some())
    }

    #[test]
    fn words_phrases_and_operators_are_told_apart() {
        for (typed, expected) in [
            ("Annual Report", "annual + report*"),
            ("\"Annual Report\"", "annual report"),
            ("\u{201C}annual report\u{201D} 20", "annual report + 20*"),
            ("a b", "a + b"),
            ("cats OR dogs AND mice", "cats | dogs + mice*"),
            ("cats or dogs", "cats + or + dogs*"),
            ("OR", "or*"),
            ("AND cats OR", "and + cats + or*"),
            ("cats OR OR dogs", "cats | or + dogs*"),
            ("annual_report.pdf", "annual report pdf*"),
            ("\"unclosed words", "unclosed + words*"),
            ("\"\" x1", "x1*"),
            ("NEAR(a b) -c ^d e*", "near a + b + c + d + e"),
            ("name:x {content}: y", "name x + content + y"),
            ("四半期報告", "四半 半期 期報 報告"),
            ("書", "書*"),
            ("\"報告 2025\"", "報告 告 2025"),
            ("!?", ""),
            ("   ", ""),
        ] {
            assert_eq!(read(typed), expected, "{typed}");
        }
    }

    #[test]
    fn what_is_there_is_found() {
        for (typed, in_text) in [
            ("報告", "第2四半期報告書"),
            ("予算", "東京都の予算案と見積書"),
            ("書", "四半期報告書"),
            ("四", "四半期報告書"),
            ("期", "四半期報告書"),
            ("\"報告 2025\"", "四半期報告 2025年"),
            ("第2四半期", "第2四半期報告書"),
            ("strasse", "Straße"),
            ("STRAẞE", "strasse"),
            ("cafe", "Café"),
            ("café", "cafe"),
            ("report", "quarterly_report_2024.xlsx"),
            ("quart", "quarterly_report_2024.xlsx"),
            ("\"report 2024\"", "quarterly_report_2024.xlsx"),
        ] {
            assert!(finds(typed, in_text), "{typed} in {in_text}");
        }
        for (typed, in_text) in [
            ("報書", "四半期報告書"),
            ("\"quart\"", "quarterly"),
            ("quart report", "report quarterly thing x"),
            ("\"2024 report\"", "report 2024"),
        ] {
            assert!(!finds(typed, in_text), "{typed} in {in_text}");
        }
    }

    #[test]
    fn a_search_for_too_many_words_is_refused() {
        let words = |count: usize| "ab ".repeat(count);
        assert!(query(&words(SEARCH_WORDS_MAX), SearchScope::All).is_ok());
        assert_eq!(query(&words(SEARCH_WORDS_MAX + 1), SearchScope::All), Err(TooManyWords));
        assert_eq!(query(&"東".repeat(512), SearchScope::All), Err(TooManyWords));
    }

    proptest! {
        #[test]
        fn no_input_makes_a_token_with_anything_but_letters_digits_and_marks(typed in any::<String>()) {
            if let Ok(Some(query)) = query(&typed, SearchScope::All) {
                for token in query.alternatives.iter().flatten().flat_map(|phrase| &phrase.tokens) {
                    prop_assert!(!token.is_empty());
                    prop_assert!(token.chars().all(|c| Class::of(c) != Class::Gap));
                }
                prop_assert!(query.alternatives.iter().all(|phrases| !phrases.is_empty()));
                prop_assert_eq!(SearchQuery::decode(&query.encode()), Some(query));
            }
        }

        #[test]
        fn every_text_is_found_by_itself(text in "[a-zA-Zßéø0-9東京都報告 ._-]{1,30}") {
            let words = analyse::text(&text);
            if !words.tokens.is_empty() {
                prop_assert!(finds(&text.replace(" OR ", " "), &text), "{}", text);
                prop_assert!(finds(&format!("\"{text}\""), &text), "{}", text);
            }
        }
    }
}
