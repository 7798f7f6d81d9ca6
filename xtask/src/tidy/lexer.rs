//! Tells Rust's code, string literals and comments apart, so that a rule about one of them is
//! not misled by the others.

use std::ops::Range;

/// A Rust source taken apart. Offsets are bytes of the original text.
pub(super) struct Source<'a> {
    /// As long as the original, with everything blanked that is not code.
    pub(super) code: String,
    /// The contents of string literals, as written.
    pub(super) literals: Vec<(usize, &'a str)>,
    /// Comments of every kind, with their slashes.
    pub(super) comments: Vec<(usize, &'a str)>,
    tests: Vec<Range<usize>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut source = Self {
            code: String::with_capacity(text.len()),
            literals: Vec::new(),
            comments: Vec::new(),
            tests: Vec::new(),
        };
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            at += source.step(at, rest);
        }
        source.tests = test_items(&source.code);
        source
    }

    /// Whether the byte at `offset` is inside an item that only tests compile.
    pub(super) fn in_test(&self, offset: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&offset))
    }

    /// Where `word` stands in the code, as a whole word that does not continue a path.
    pub(super) fn words(&self, word: &str) -> Vec<usize> {
        let is_name = |character: char| character.is_alphanumeric() || character == '_';
        self.code
            .match_indices(word)
            .filter(|(offset, found)| {
                let before = self.code.get(..*offset).and_then(|text| text.chars().next_back());
                let after = self.code.get(offset + found.len()..).and_then(|t| t.chars().next());
                let begun = before.is_some_and(|it| is_name(it) || it == ':');
                let goes_on = found.ends_with(is_name) && after.is_some_and(is_name);
                !begun && !goes_on
            })
            .map(|(offset, _)| offset)
            .collect()
    }

    /// Takes one token off the front of `rest` and returns its length.
    fn step(&mut self, at: usize, rest: &'a str) -> usize {
        if rest.starts_with("//") {
            let length = rest.find('\n').unwrap_or(rest.len());
            return self.comment(at, rest, length);
        }
        if rest.starts_with("/*") {
            return self.comment(at, rest, block_comment_length(rest));
        }
        if let Some((open, hashes)) = raw_string_start(&self.code, rest) {
            let close = format!("\"{}", "#".repeat(hashes));
            let body = rest.get(open..).and_then(|body| body.find(&close));
            let body = body.unwrap_or(rest.len() - open);
            return self.literal(at, rest, open, body, close.len());
        }
        if rest.starts_with('"') {
            return self.literal(at, rest, 1, string_length(rest), 1);
        }
        let length = character_literal_length(rest);
        if let Some(length) = length {
            self.blank(rest, length);
            return length;
        }
        let first = rest.chars().next().map_or(1, char::len_utf8);
        self.code.push_str(rest.get(..first).unwrap_or_default());
        first
    }

    fn comment(&mut self, at: usize, rest: &'a str, length: usize) -> usize {
        self.comments.push((at, rest.get(..length).unwrap_or_default()));
        self.blank(rest, length);
        length
    }

    fn literal(
        &mut self,
        at: usize,
        rest: &'a str,
        open: usize,
        body: usize,
        close: usize,
    ) -> usize {
        let length = (open + body + close).min(rest.len());
        self.literals.push((at + open, rest.get(open..open + body).unwrap_or_default()));
        self.blank(rest, length);
        length
    }

    fn blank(&mut self, rest: &str, length: usize) {
        let bytes = rest.bytes().take(length);
        self.code.extend(bytes.map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
    }
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(here) = rest.get(at..).filter(|here| !here.is_empty()) {
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of `r##"` and its number of hashes, when `rest` begins a raw string.
fn raw_string_start(code_before: &str, rest: &str) -> Option<(usize, usize)> {
    let after = rest.strip_prefix('r')?;
    // `br"` and `cr"` are raw strings too; any other letter before makes it the end of a name.
    let mut before = code_before.chars().rev();
    let prefix = before.next().filter(|it| it.is_alphanumeric() || *it == '_');
    let name = before.next().is_some_and(|it| it.is_alphanumeric() || it == '_');
    if prefix.is_some_and(|it| name || !matches!(it, 'b' | 'c')) {
        return None;
    }
    let hashes = after.bytes().take_while(|byte| *byte == b'#').count();
    after.get(hashes..)?.starts_with('"').then_some((1 + hashes + 1, hashes))
}

/// The length of what stands between the quotes that `rest` begins with.
fn string_length(rest: &str) -> usize {
    let mut escaped = false;
    for (offset, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return offset - 1,
            _ => {}
        }
    }
    rest.len() - 1
}

/// The length of a character literal; nothing for a lifetime or a label.
fn character_literal_length(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    if let Some(escape) = inside.strip_prefix('\\') {
        let first = escape.chars().next()?.len_utf8();
        return Some(1 + 1 + first + escape.get(first..)?.find('\'')? + 1);
    }
    let first = inside.chars().next()?.len_utf8();
    inside.get(first..)?.starts_with('\'').then_some(1 + first + 1)
}

/// The items behind `#[cfg(test)]`, from the attribute to the closing brace or the semicolon.
fn test_items(code: &str) -> Vec<Range<usize>> {
    code.match_indices("#[cfg(test)]").map(|(start, _)| start..item_end(code, start)).collect()
}

fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return offset + 1,
            b'}' => depth -= 1,
            b';' if depth == 0 => return offset + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_literals_and_comments_are_told_apart() {
        let text = r##"
            let a = "in \" a literal // no comment"; // in a comment "no literal"
            let b = r#"raw " literal"#; /* block /* nested */ still */ let c = '"';
            fn d<'a>(e: &'a str) -> char { '\'' }
            let f = br"bytes"; let bar = "after a name";
        "##;
        let source = Source::new(text);
        let literals: Vec<_> = source.literals.iter().map(|(_, literal)| *literal).collect();
        assert_eq!(
            literals,
            ["in \\\" a literal // no comment", "raw \" literal", "bytes", "after a name"]
        );
        let comments: Vec<_> = source.comments.iter().map(|(_, comment)| *comment).collect();
        assert_eq!(comments, ["// in a comment \"no literal\"", "/* block /* nested */ still */"]);
        assert_eq!(source.code.len(), text.len());
        assert!(source.code.contains("fn d<'a>(e: &'a str) -> char {"));
    }

    #[test]
    fn an_unfinished_source_is_taken_apart_all_the_same() {
        for text in ["\"open", "/* open", "r#\"open", "'", "'\\", "é\"é", "r", "\"\\"] {
            assert_eq!(Source::new(text).code.len(), text.len(), "{text}");
        }
    }

    #[test]
    fn a_test_module_ends_at_its_brace() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { c() } }\nfn d() {}";
        let source = Source::new(text);
        let in_test = |word: &str| source.in_test(text.find(word).unwrap());
        assert!(!in_test("a()"));
        assert!(in_test("c()"));
        assert!(!in_test("d()"));
    }

    #[test]
    fn a_word_is_found_whole_and_at_the_start_of_its_path() {
        let source = Source::new("use http::Uri; use crate::http::Uri; let http_x = myhttp::y();");
        assert_eq!(source.words("http::"), [4]);
        assert_eq!(Source::new("tokio_util tokio").words("tokio"), [11]);
    }
}
