//! Text in the encodings people have.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

/// How much of a text its encoding is guessed from.
const GUESS_MAX_BYTES: usize = 256 * 1024;

/// Decodes a text. None when it is none.
pub(super) fn decoded(bytes: &[u8]) -> Option<String> {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        // Only UTF-16 and UTF-32 have zeros, and without a mark nobody writes them.
        None if bytes.contains(&0) => return None,
        None => guessed(bytes),
    };
    let (text, _, _) = encoding.decode(bytes);
    Some(without_controls(text))
}

fn guessed(bytes: &[u8]) -> &'static Encoding {
    if str::from_utf8(bytes).is_ok() {
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

    #[test]
    fn encodings_that_people_have_are_read() {
        let japanese = "四半期報告書を提出してください。会議は明日の午後三時からです。";
        let chinese = "请在星期五之前提交季度报告,会议将于明天下午三点开始。";
        let western = "Größe, façade – naïve “Übermut” kostet 5 € in Málaga.";
        let cases: [(&Encoding, &str); 5] = [
            (encoding_rs::UTF_8, western),
            (encoding_rs::WINDOWS_1252, western),
            (encoding_rs::SHIFT_JIS, japanese),
            (encoding_rs::EUC_JP, japanese),
            (encoding_rs::GB18030, chinese),
        ];
        for (encoding, text) in cases {
            let (bytes, _, _) = encoding.encode(text);
            assert_eq!(decoded(&bytes).unwrap(), text, "{}", encoding.name());
        }
    }

    #[test]
    fn utf_16_is_read_by_its_mark() {
        let text = "Bericht über 報告 😀";
        let little = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes));
        let big = [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes));
        assert_eq!(decoded(&little.collect::<Vec<_>>()).unwrap(), text);
        assert_eq!(decoded(&big.collect::<Vec<_>>()).unwrap(), text);
    }

    #[test]
    fn what_is_no_text_is_none() {
        assert_eq!(decoded(b"\x7fELF\0\0\0"), None);
        assert_eq!(decoded(b"a\x07b\r\nc").unwrap(), "ab\nc");
    }
}
