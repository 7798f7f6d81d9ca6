//! The text of HTML, as a reader sees it.
//!
//! Not a parser of HTML: nothing is rendered, so it is enough to know where tags begin and end.

use quick_xml::escape::resolve_html5_entity;

/// Elements whose content is not text.
const UNSEEN: [&str; 6] = ["script", "style", "template", "noscript", "svg", "math"];

/// Elements inside a line.
const INLINE: [&str; 22] = [
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "img", "kbd", "mark", "q",
    "s", "small", "span", "strong", "sub", "sup", "u", "wbr",
];

/// The longest name of an entity that is looked for.
const ENTITY_MAX_BYTES: usize = 32;

/// Takes the text out.
pub(super) fn text(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        push_unescaped(&mut text, before);
        rest = behind_tag(tag, &mut text);
    }
    push_unescaped(&mut text, rest);
    text
}

/// What follows the tag, comment or element without text at the beginning.
fn behind_tag<'a>(tag: &'a str, text: &mut String) -> &'a str {
    if let Some(comment) = tag.strip_prefix("<!--") {
        return comment.split_once("-->").map_or("", |(_, rest)| rest);
    }
    let inner = tag.get(1..).unwrap_or_default();
    let is_tag =
        inner.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
    if !is_tag {
        text.push('<');
        return inner;
    }
    let name_end =
        inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '/')).unwrap_or(inner.len());
    let name = inner.get(..name_end).unwrap_or_default().to_ascii_lowercase();
    let rest = inner.get(end_of_tag(inner)..).unwrap_or_default();
    if !INLINE.contains(&name.trim_start_matches('/')) {
        text.push('\n');
    }
    if UNSEEN.contains(&name.as_str()) {
        return behind_end(rest, &name);
    }
    rest
}

/// Where a tag ends: at a `>` outside quotes.
fn end_of_tag(tag: &str) -> usize {
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at + 1,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    tag.len()
}

/// What follows the end tag of an element without text.
fn behind_end<'a>(html: &'a str, name: &str) -> &'a str {
    for (at, _) in html.match_indices("</") {
        let end = html.get(at + 2..).unwrap_or_default();
        if end.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return end.get(end_of_tag(end)..).unwrap_or_default();
        }
    }
    ""
}

/// Appends text in which entities stand for characters.
fn push_unescaped(text: &mut String, mut escaped: &str) {
    while let Some(at) = escaped.find('&') {
        let (before, entity) = escaped.split_at(at);
        text.push_str(before);
        escaped = entity.get(1..).unwrap_or_default();
        let end = escaped.bytes().take(ENTITY_MAX_BYTES).position(|byte| byte == b';');
        let Some((name, rest)) =
            end.and_then(|end| Some((escaped.get(..end)?, escaped.get(end + 1..)?)))
        else {
            text.push('&');
            continue;
        };
        let number = name.strip_prefix('#').and_then(number);
        match resolve_html5_entity(name) {
            Some(characters) => text.push_str(characters),
            None if number.is_some() => text.extend(number),
            None => {
                text.push('&');
                continue;
            }
        }
        escaped = rest;
    }
    text.push_str(escaped);
}

fn number(digits: &str) -> Option<char> {
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    code.ok().and_then(char::from_u32).filter(|c| !c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_sees_the_text_alone() {
        let html = "<!doctype html><title>T&auml;ter</title><style>p{}</style>\
                    <script>if (a </b) alert('</p>')</SCRIPT x>\
                    <!-- no > --><p class='a>b'>one <b>tw</b>o &#x20AC;&amp;&nope; 1 < 2";
        let words: Vec<String> = text(html).split_whitespace().map(str::to_owned).collect();
        assert_eq!(words.join(" "), "Täter one two €&&nope; 1 < 2");
    }

    #[test]
    fn what_never_ends_ends() {
        for html in ["<", "<!--", "<script>", "<a href=\"", "&", "&#", "<p", "</", "x<é"] {
            text(html);
        }
    }
}
