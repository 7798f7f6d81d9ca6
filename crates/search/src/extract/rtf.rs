//! The text of Rich Text Format.

use encoding_rs::Encoding;

/// Groups whose content is not text.
const UNSEEN: [&str; 22] = [
    "colortbl",
    "datafield",
    "datastore",
    "filetbl",
    "fldinst",
    "fonttbl",
    "footnotesep",
    "generator",
    "info",
    "latentstyles",
    "listoverridetable",
    "listtable",
    "nonshppict",
    "objdata",
    "pict",
    "revtbl",
    "rsidtbl",
    "stylesheet",
    "themedata",
    "xmlnstbl",
    "bkmkstart",
    "bkmkend",
];

/// Groups inside each other that are kept apart; deeper ones are taken for one.
const DEPTH_MAX: usize = 1_000;

#[derive(Clone, Copy)]
struct Group {
    is_unseen: bool,
    /// How many characters follow a `\u` for readers that do not know it.
    fallback: usize,
}

struct Reader {
    text: String,
    /// Bytes in the document's code page that are still to be decoded.
    pending: Vec<u8>,
    encoding: &'static Encoding,
    group: Group,
    outer: Vec<Group>,
    /// Groups beyond [`DEPTH_MAX`].
    beyond: usize,
    /// Characters still to be left out behind a `\u`.
    left_out: usize,
    /// The half of a character that `\u` gives in two.
    high: Option<u16>,
}

/// Takes the text out. None when it is not RTF.
pub(super) fn text(rtf: &[u8]) -> Option<String> {
    let mut rest = rtf.strip_prefix(b"{\\rtf").map(|_| rtf)?;
    let mut reader = Reader {
        text: String::new(),
        pending: Vec::new(),
        encoding: encoding_rs::WINDOWS_1252,
        group: Group { is_unseen: false, fallback: 1 },
        outer: Vec::new(),
        beyond: 0,
        left_out: 0,
        high: None,
    };
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'{' => reader.open(),
            b'}' => reader.close(),
            b'\\' => rest = reader.control(rest),
            b'\r' | b'\n' => {}
            byte => reader.byte(*byte),
        }
    }
    reader.flush();
    Some(reader.text)
}

impl Reader {
    fn open(&mut self) {
        self.flush();
        if self.outer.len() < DEPTH_MAX {
            self.outer.push(self.group);
        } else {
            self.beyond += 1;
        }
    }

    fn close(&mut self) {
        self.flush();
        if let Some(beyond) = self.beyond.checked_sub(1) {
            self.beyond = beyond;
        } else if let Some(group) = self.outer.pop() {
            self.group = group;
        }
    }

    /// Reads what follows a backslash and answers what follows that.
    fn control<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let letters = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let (word, behind) = rest.split_at(letters);
        if word.is_empty() {
            return self.symbol(rest);
        }
        let digits = behind
            .iter()
            .enumerate()
            .take_while(|(at, byte)| byte.is_ascii_digit() || (*at == 0 && **byte == b'-'))
            .count();
        let (number, behind) = behind.split_at(digits);
        let behind = behind.strip_prefix(b" ").unwrap_or(behind);
        let number = str::from_utf8(number).ok().and_then(|number| number.parse::<i64>().ok());
        self.word(str::from_utf8(word).unwrap_or_default(), number);
        if word == b"bin" {
            let length = number.and_then(|number| usize::try_from(number).ok()).unwrap_or_default();
            return behind.get(length..).unwrap_or_default();
        }
        behind
    }

    fn symbol<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let Some((symbol, behind)) = rest.split_first() else { return rest };
        match symbol {
            b'\'' => {
                let hex = behind.get(..2).and_then(|hex| str::from_utf8(hex).ok());
                if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                    self.byte(byte);
                }
                return behind.get(2..).unwrap_or_default();
            }
            b'*' => self.group.is_unseen = true,
            b'~' => self.push(' '),
            b'\\' | b'{' | b'}' => self.byte(*symbol),
            b'\r' | b'\n' => self.push('\n'),
            _ => {}
        }
        behind
    }

    fn word(&mut self, word: &str, number: Option<i64>) {
        match word {
            "par" | "line" | "row" | "sect" | "page" => self.push('\n'),
            "tab" | "cell" => self.push('\t'),
            "emdash" => self.push('—'),
            "endash" => self.push('–'),
            "lquote" => self.push('‘'),
            "rquote" => self.push('’'),
            "ldblquote" => self.push('“'),
            "rdblquote" => self.push('”'),
            "bullet" => self.push('•'),
            "uc" => {
                self.group.fallback =
                    number.and_then(|number| usize::try_from(number).ok()).unwrap_or(1);
            }
            "u" => self.unicode(number),
            "ansicpg" => self.encoding = code_page(number).unwrap_or(self.encoding),
            "mac" => self.encoding = encoding_rs::MACINTOSH,
            word if UNSEEN.contains(&word) => self.group.is_unseen = true,
            _ => {}
        }
    }

    fn unicode(&mut self, number: Option<i64>) {
        self.flush();
        // Above 32767 it is written as a negative number.
        let unit = number.and_then(|number| u16::try_from(number.rem_euclid(0x1_0000)).ok());
        let Some(unit) = unit else { return };
        let units = self.high.take().into_iter().chain([unit]);
        let mut decoded = char::decode_utf16(units);
        match decoded.next() {
            Some(Ok(character)) => self.push(character),
            _ => self.high = Some(unit),
        }
        self.left_out = self.group.fallback;
    }

    fn byte(&mut self, byte: u8) {
        if let Some(left_out) = self.left_out.checked_sub(1) {
            self.left_out = left_out;
        } else if !self.group.is_unseen {
            self.pending.push(byte);
        }
    }

    fn push(&mut self, character: char) {
        self.flush();
        if !self.group.is_unseen && (!character.is_control() || matches!(character, '\n' | '\t')) {
            self.text.push(character);
        }
    }

    fn flush(&mut self) {
        self.left_out = 0;
        let (text, _) = self.encoding.decode_without_bom_handling(&self.pending);
        self.text.extend(text.chars().filter(|c| !c.is_control() || *c == '\t'));
        self.pending.clear();
    }
}

fn code_page(number: Option<i64>) -> Option<&'static Encoding> {
    let label = match number? {
        932 => "shift_jis".to_owned(),
        936 => "gb18030".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        874 => "windows-874".to_owned(),
        65001 => "utf-8".to_owned(),
        page @ 1250..=1258 => format!("windows-{page}"),
        _ => return None,
    };
    Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_tables_are_not() {
        let rtf = br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\*\generator X;}
Gr\'fc\'dfe {\b aus} \u26085?\u26412? \u-10179?\u-8704?\par {\pict 0102\bin3 }}}}zwei\tab \{x\}}";
        assert_eq!(text(rtf).unwrap(), "Grüße aus 日本 😀\nzwei\t{x}");
    }

    #[test]
    fn a_code_page_of_two_bytes_a_character_is_read() {
        assert_eq!(text(br"{\rtf1\ansicpg932 \'93\'fa\'96\'7b}").unwrap(), "日本");
    }

    #[test]
    fn what_is_damaged_ends() {
        assert_eq!(text(b"plain"), None);
        let deep = [b"{\\rtf1 a".to_vec(), vec![b'{'; 100_000], b"b".to_vec()].concat();
        assert_eq!(text(&deep).unwrap(), "ab");
        for rtf in
            [&b"{\\rtf"[..], b"{\\rtf\\", b"{\\rtf\\'", b"{\\rtf\\'z", b"{\\rtf\\u}}}}\\bin9 "]
        {
            text(rtf).unwrap();
        }
    }
}
