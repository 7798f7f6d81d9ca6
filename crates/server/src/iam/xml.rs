//! Answers in XML, as the query protocol has them.

use std::fmt::Write as _;

/// A piece of XML under construction. Tags are ours; only texts come from outside.
#[derive(Debug, Default)]
pub(super) struct Xml(String);

impl Xml {
    /// An element with a text.
    #[must_use]
    pub(super) fn text(mut self, tag: &str, text: impl AsRef<str>) -> Self {
        let _ = write!(self.0, "<{tag}>");
        for character in text.as_ref().chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\r' => self.0.push_str("&#13;"),
                '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => {
                    self.0.push(character);
                }
                // XML has no way to write it.
                _ => self.0.push(char::REPLACEMENT_CHARACTER),
            }
        }
        let _ = write!(self.0, "</{tag}>");
        self
    }

    /// An element with other elements.
    #[must_use]
    pub(super) fn element(mut self, tag: &str, inner: &Self) -> Self {
        let _ = write!(self.0, "<{tag}>{}</{tag}>", inner.0);
        self
    }

    /// A list, each member in its own element.
    #[must_use]
    pub(super) fn list(self, tag: &str, members: impl IntoIterator<Item = Self>) -> Self {
        let all = members.into_iter().fold(Self::default(), |all, m| all.element("member", &m));
        self.element(tag, &all)
    }

    /// Several texts as a list.
    #[must_use]
    pub(super) fn names(self, tag: &str, names: &[String]) -> Self {
        let all = names.iter().fold(Self::default(), |all, name| all.text("member", name));
        self.element(tag, &all)
    }

    /// The text of the first element of a tag, as it is written.
    pub(super) fn value(&self, tag: &str) -> Option<&str> {
        let (_, rest) = self.0.split_once(&format!("<{tag}>"))?;
        rest.split('<').next()
    }

    /// The whole document, in the namespace of its service.
    pub(super) fn document(&self, tag: &str, namespace: &str) -> String {
        format!("<{tag} xmlns=\"{namespace}\">{}</{tag}>\n", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ever_ends_its_element() {
        let xml = Xml::default().text("A", "</A><B x=\"1\">&\u{0}\r\u{ffff}é");
        assert_eq!(xml.0, "<A>&lt;/A&gt;&lt;B x=&quot;1&quot;&gt;&amp;\u{fffd}&#13;\u{fffd}é</A>");
    }

    #[test]
    fn a_list_has_a_member_for_each() {
        let members = ["a", "b"].map(|name| Xml::default().text("N", name));
        let xml = Xml::default().list("L", members).document("R", "urn:x");
        assert_eq!(
            xml,
            "<R xmlns=\"urn:x\"><L><member><N>a</N></member><member><N>b</N></member></L></R>\n"
        );
    }
}
