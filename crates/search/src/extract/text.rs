//! Text in the encodings people have.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

/// How much of a text its encoding is guessed from.
const GUESS_MAX_BYTES: usize = 256 * 1024;

/// How far into a file a declaration of its encoding may stand.
const DECLARATION_MAX_BYTES: usize = 1024;

/// Decodes a text, by the encoding that it declares if it does. None when it is none.
pub(super) fn decoded(bytes: &[u8], declared: Option<&'static Encoding>) -> Option<String> {
    let by_mark = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    // A declaration that the bytes refute was copied from somewhere.
    let declared = declared.filter(|encoding| {
        encoding.decode_without_bom_handling_and_without_replacement(bytes).is_some()
    });
    let encoding = match by_mark.or(declared).or_else(|| utf_16(bytes)) {
        Some(encoding) => encoding,
        // Whatever else has zeros is no text.
        None if bytes.contains(&0) => return None,
        None => guessed(bytes),
    };
    let (text, _, _) = encoding.decode(bytes);
    Some(without_controls(text))
}

/// The encoding in the declaration with which XML begins.
pub(super) fn declared_by_xml(bytes: &[u8]) -> Option<&'static Encoding> {
    let beginning = beginning(bytes);
    let (declaration, _) = beginning.strip_prefix("<?xml")?.split_once("?>")?;
    labelled(declaration, "encoding")
}

/// The encoding in the first of HTML's elements that names one, in either of their forms.
pub(super) fn declared_by_html(bytes: &[u8]) -> Option<&'static Encoding> {
    let beginning = beginning(bytes).to_ascii_lowercase();
    let elements = beginning.split("<meta").skip(1);
    elements.filter_map(|element| element.split('>').next()).find_map(|element| {
        let encoding = labelled(element, "charset")?;
        // What is read byte by byte up to here is not in UTF-16, whatever it says.
        let is_wide = encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE;
        Some(if is_wide { encoding_rs::UTF_8 } else { encoding })
    })
}

/// The part in which declarations stand, which are written in ASCII.
fn beginning(bytes: &[u8]) -> Cow<'_, str> {
    let part = bytes.get(..DECLARATION_MAX_BYTES).unwrap_or(bytes);
    encoding_rs::WINDOWS_1252.decode_without_bom_handling(part).0
}

/// The encoding that is named behind `name=`, with or without quotes.
fn labelled(declaration: &str, name: &str) -> Option<&'static Encoding> {
    let value = declaration.split_once(name)?.1.trim_start().strip_prefix('=')?.trim_start();
    let value = value.trim_start_matches(['"', '\'']);
    let end = value.find(['"', '\'', ';', ' ', '/', '?']).unwrap_or(value.len());
    Encoding::for_label(value.get(..end)?.as_bytes())
}

/// UTF-16 without a mark, if the bytes make sense as such in either order.
fn utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    let is_in_no_other_text = |byte: &u8| {
        matches!(byte, 0..=0x1f) && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)
    };
    let part = bytes.get(..GUESS_MAX_BYTES).unwrap_or(bytes);
    let (units, rest) = part.as_chunks::<2>();
    if !rest.is_empty() || !part.iter().any(is_in_no_other_text) {
        return None;
    }
    let little = common(units.iter().map(|unit| u16::from_le_bytes(*unit)));
    let big = common(units.iter().map(|unit| u16::from_be_bytes(*unit)));
    match (little.unwrap_or_default(), big.unwrap_or_default()) {
        (0, 0) => None,
        (little, big) if big < little => Some(encoding_rs::UTF_16LE),
        _ => Some(encoding_rs::UTF_16BE),
    }
}

/// How many of the characters are such as stand in many texts. None when one stands in none.
fn common(units: impl Iterator<Item = u16>) -> Option<usize> {
    let mut common = 0;
    let mut characters = char::decode_utf16(units).peekable();
    while let Some(character) = characters.next() {
        match character {
            Ok(' '..='~' | '\n' | '\r' | '\t' | '、' | '。' | '，' | '،') => common += 1,
            Ok('\u{fdd0}'..='\u{fdef}' | '\u{e000}'..='\u{f8ff}' | '\u{fffe}' | '\u{ffff}') => {
                return None;
            }
            Ok(character) if character.is_control() => return None,
            Ok(_) => {}
            // The last one may be half of one that goes on behind the part.
            Err(_) if characters.peek().is_none() => {}
            Err(_) => return None,
        }
    }
    Some(common)
}

fn guessed(bytes: &[u8]) -> &'static Encoding {
    // An old Japanese encoding changes its alphabet by what is ASCII for everybody else.
    if str::from_utf8(bytes).is_ok() && !bytes.contains(&0x1b) {
        return encoding_rs::UTF_8;
    }
    let part = bytes.get(..GUESS_MAX_BYTES).unwrap_or(bytes);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(part, part.len() == bytes.len());
    detector.guess(None, Utf8Detection::Allow)
}

/// Leaves out characters that neither a reader nor an index has a use for.
fn without_controls(text: Cow<'_, str>) -> String {
    let is_wanted = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    if text.chars().all(is_wanted) {
        return text.into_owned();
    }
    text.chars().filter(|c| is_wanted(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WESTERN: &str = "Größe, façade – naïve “Übermut” kostet 5 € in Málaga.";
    const LATIN: &str = "Un élève où l'œuvre coûte 5 € près de Besançon";
    const CZECH: &str = "Příliš žluťoučký kůň úpěl ďábelské ódy; zpráva bude hotová ve čtvrtek.";
    const RUSSIAN: &str =
        "Пожалуйста, отправьте квартальный отчёт до пятницы, встреча завтра днём.";
    const JAPANESE: &str = "四半期報告書を提出してください。会議は明日の午後三時からです。";
    const CHINESE: &str = "请在星期五之前提交季度报告，会议将于明天下午三点开始。";
    const TAIWANESE: &str = "請在星期五之前提交季度報告，會議將於明天下午三點開始。";
    const KOREAN: &str = "금요일까지 분기 보고서를 제출해 주세요. 회의는 내일 오후에 시작합니다.";

    fn cases() -> [(&'static Encoding, &'static str); 11] {
        [
            (encoding_rs::UTF_8, WESTERN),
            (encoding_rs::WINDOWS_1252, WESTERN),
            (encoding_rs::WINDOWS_1251, RUSSIAN),
            (encoding_rs::KOI8_R, RUSSIAN),
            (encoding_rs::ISO_8859_2, CZECH),
            (encoding_rs::SHIFT_JIS, JAPANESE),
            (encoding_rs::EUC_JP, JAPANESE),
            (encoding_rs::ISO_2022_JP, JAPANESE),
            (encoding_rs::GB18030, CHINESE),
            (encoding_rs::BIG5, TAIWANESE),
            (encoding_rs::EUC_KR, KOREAN),
        ]
    }

    fn encoded(encoding: &'static Encoding, text: &str) -> Vec<u8> {
        let (bytes, _, has_gaps) = encoding.encode(text);
        assert!(!has_gaps, "{} has not all of it", encoding.name());
        bytes.into_owned()
    }

    fn utf_16_bytes(text: &str) -> [Vec<u8>; 2] {
        [
            text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        ]
    }

    #[test]
    fn encodings_that_people_have_are_recognized() {
        for (encoding, text) in cases() {
            let bytes = encoded(encoding, text);
            assert_eq!(decoded(&bytes, None).unwrap(), text, "{}", encoding.name());
        }
    }

    #[test]
    fn a_declaration_is_obeyed() {
        let all = cases().into_iter().chain([(encoding_rs::ISO_8859_15, LATIN)]);
        for (encoding, text) in all {
            let name = encoding.name();
            for html in [
                format!("<html><head><META charset={name}><p>{text}"),
                format!("<meta name='a' content='b'><meta charset = \"{name}\"/><p>{text}"),
                format!(
                    "<meta http-equiv='Content-Type' content='text/html; charset={name}'>{text}"
                ),
            ] {
                let bytes = encoded(encoding, &html);
                assert_eq!(declared_by_html(&bytes), Some(encoding), "{html}");
                assert_eq!(decoded(&bytes, declared_by_html(&bytes)).unwrap(), html, "{name}");
            }
            let xml = format!(
                "<?xml version=\"1.0\" encoding='{name}' standalone=\"yes\"?><a>{text}</a>"
            );
            let bytes = encoded(encoding, &xml);
            assert_eq!(decoded(&bytes, declared_by_xml(&bytes)).unwrap(), xml, "{name}");
        }
    }

    #[test]
    fn a_declaration_that_the_bytes_refute_is_not_obeyed() {
        let bytes = encoded(encoding_rs::WINDOWS_1252, WESTERN);
        assert_eq!(decoded(&bytes, Some(encoding_rs::UTF_8)).unwrap(), WESTERN);
        let marked = [b"\xef\xbb\xbf", WESTERN.as_bytes()].concat();
        assert_eq!(decoded(&marked, Some(encoding_rs::WINDOWS_1252)).unwrap(), WESTERN);
        let wide = b"<meta charset=utf-16>";
        assert_eq!(declared_by_html(wide), Some(encoding_rs::UTF_8));
        for nothing in
            ["<meta charset=>", "<meta charset", "<p charset=koi8-r>", "<meta a=charset>"]
        {
            assert_eq!(declared_by_html(nothing.as_bytes()), None, "{nothing}");
        }
        assert_eq!(declared_by_xml(b"<a encoding='koi8-r'?>"), None);
        assert_eq!(declared_by_xml(b"<?xml encoding='koi8-r'"), None);
    }

    #[test]
    fn utf_16_is_read_with_a_mark_and_without() {
        for text in ["Bericht über 報告 😀", RUSSIAN, JAPANESE, CHINESE, KOREAN, "a\r\nb"] {
            let [little, big] = utf_16_bytes(text);
            for bytes in [
                [&[0xff, 0xfe], &little[..]].concat(),
                [&[0xfe, 0xff], &big[..]].concat(),
                little,
                big,
            ] {
                assert_eq!(decoded(&bytes, None).unwrap(), text.replace('\r', ""), "{bytes:02x?}");
            }
        }
        // However long it is, and wherever the part that is looked at ends.
        let long = format!("x{}", "😀".repeat(GUESS_MAX_BYTES));
        for bytes in utf_16_bytes(&long) {
            assert_eq!(decoded(&bytes, None).unwrap(), long);
        }
    }

    #[test]
    fn what_is_no_text_is_none() {
        for bytes in [&b"\x7fELF\0\0\0"[..], b"\x7fELF\0\0\0\0", b"\0a\0\x01", b"ab\0\xd8", b"\0\0"]
        {
            assert_eq!(decoded(bytes, None), None, "{bytes:?}");
        }
        assert_eq!(decoded(b"a\x07b\r\nc", None).unwrap(), "ab\nc");
        let coloured = "\x1b[31mröd\x1b[0m";
        assert_eq!(decoded(coloured.as_bytes(), None).unwrap(), "[31mröd[0m");
    }
}
