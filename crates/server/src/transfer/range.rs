//! The Range header: one range of bytes, or the whole.

use std::ops::Range;

/// What part of the bytes is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of them: no range, one that cannot be read, or several at once.
    Whole,
    /// Some of them, at least one.
    Some(Range<u64>),
    /// A range beyond their end.
    Unsatisfiable,
}

/// Reads a Range header for `size_bytes` bytes, as RFC 9110 section 14 has it.
pub(super) fn part(header: Option<&str>, size_bytes: u64) -> Part {
    let Some(text) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else {
        return Part::Whole;
    };
    let Some((first, last)) = text.trim().split_once('-') else { return Part::Whole };
    match (number(first), number(last)) {
        (Some(first), None) if last.trim().is_empty() => from(first, size_bytes, size_bytes),
        (Some(first), Some(last)) if first <= last => {
            from(first, last.saturating_add(1).min(size_bytes), size_bytes)
        }
        (None, Some(0)) if first.trim().is_empty() => Part::Unsatisfiable,
        (None, Some(length)) if first.trim().is_empty() => {
            from(size_bytes.saturating_sub(length), size_bytes, size_bytes)
        }
        (_, _) => Part::Whole,
    }
}

fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn from(first: u64, end: u64, size_bytes: u64) -> Part {
    if first < size_bytes { Part::Some(first..end) } else { Part::Unsatisfiable }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_of_a_range_is_read_as_the_standard_says() {
        for (header, part_of_ten, part_of_none) in [
            ("bytes=0-0", Part::Some(0..1), Part::Unsatisfiable),
            ("bytes=0-9", Part::Some(0..10), Part::Unsatisfiable),
            ("bytes=2-", Part::Some(2..10), Part::Unsatisfiable),
            ("bytes=2-99", Part::Some(2..10), Part::Unsatisfiable),
            ("bytes=9-9", Part::Some(9..10), Part::Unsatisfiable),
            ("bytes=10-", Part::Unsatisfiable, Part::Unsatisfiable),
            ("bytes=10-20", Part::Unsatisfiable, Part::Unsatisfiable),
            ("bytes=-3", Part::Some(7..10), Part::Unsatisfiable),
            ("bytes=-99", Part::Some(0..10), Part::Unsatisfiable),
            ("bytes=-0", Part::Unsatisfiable, Part::Unsatisfiable),
            ("bytes=5-2", Part::Whole, Part::Whole),
            ("bytes=0-1,3-4", Part::Whole, Part::Whole),
            ("bytes=a-b", Part::Whole, Part::Whole),
            ("bytes=+1-2", Part::Whole, Part::Whole),
            ("bytes=-", Part::Whole, Part::Whole),
            ("bytes=18446744073709551616-", Part::Whole, Part::Whole),
            ("bytes=0-18446744073709551615", Part::Some(0..10), Part::Unsatisfiable),
            ("lines=0-1", Part::Whole, Part::Whole),
            ("", Part::Whole, Part::Whole),
        ] {
            assert_eq!(part(Some(header), 10), part_of_ten, "{header} of 10");
            assert_eq!(part(Some(header), 0), part_of_none, "{header} of 0");
        }
        assert_eq!(part(None, 10), Part::Whole);
    }

    proptest! {
        #[test]
        fn no_text_asks_for_bytes_that_are_not_there(
            text in "(bytes=)?[0-9 ,*=+-]{0,24}|bytes=[0-9]{0,21}-[0-9]{0,21}|\\PC*",
            size_bytes in prop_oneof![0_u64..20, any::<u64>()],
        ) {
            if let Part::Some(range) = part(Some(&text), size_bytes) {
                prop_assert!(range.start < range.end && range.end <= size_bytes, "{range:?}");
            }
        }
    }
}
