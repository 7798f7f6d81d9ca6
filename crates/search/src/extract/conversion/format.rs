//! Which documents an office program is asked about, and as what.

/// A kind of document as an office program knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfficeFormat {
    /// How the names of such files end.
    ending: &'static str,
    pub(super) filters: Filters,
    /// The content type, where it has one of its own.
    content_type: &'static str,
}

/// What reads a document, and what writes it as PDF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Filters {
    /// Named, because a program that may choose takes any file for a text when it is nothing better.
    pub(super) reader: &'static str,
    pub(super) writer: &'static str,
}

const fn filters(reader: &'static str, writer: &'static str) -> Filters {
    Filters { reader, writer }
}

const WORD: Filters = filters("MS Word 2007 XML", "writer_pdf_Export");
const OPEN_TEXT: Filters = filters("writer8", "writer_pdf_Export");
const RICH_TEXT: Filters = filters("Rich Text Format", "writer_pdf_Export");
const EXCEL: Filters = filters("Calc MS Excel 2007 XML", "calc_pdf_Export");
const OPEN_SHEET: Filters = filters("calc8", "calc_pdf_Export");
const POWER_POINT: Filters = filters("Impress MS PowerPoint 2007 XML", "impress_pdf_Export");
const OPEN_SLIDES: Filters = filters("impress8", "impress_pdf_Export");

const FORMATS: [(&str, Filters, &str); 17] = [
    ("docx", WORD, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("docm", WORD, ""),
    ("dotx", WORD, "application/vnd.openxmlformats-officedocument.wordprocessingml.template"),
    ("odt", OPEN_TEXT, "application/vnd.oasis.opendocument.text"),
    ("ott", OPEN_TEXT, "application/vnd.oasis.opendocument.text-template"),
    ("rtf", RICH_TEXT, "application/rtf"),
    ("xlsx", EXCEL, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("xlsm", EXCEL, ""),
    ("xltx", EXCEL, "application/vnd.openxmlformats-officedocument.spreadsheetml.template"),
    ("ods", OPEN_SHEET, "application/vnd.oasis.opendocument.spreadsheet"),
    ("ots", OPEN_SHEET, "application/vnd.oasis.opendocument.spreadsheet-template"),
    (
        "pptx",
        POWER_POINT,
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    ("pptm", POWER_POINT, ""),
    ("ppsx", POWER_POINT, "application/vnd.openxmlformats-officedocument.presentationml.slideshow"),
    ("potx", POWER_POINT, "application/vnd.openxmlformats-officedocument.presentationml.template"),
    ("odp", OPEN_SLIDES, "application/vnd.oasis.opendocument.presentation"),
    ("otp", OPEN_SLIDES, "application/vnd.oasis.opendocument.presentation-template"),
];

impl OfficeFormat {
    /// The kind of a document with this content type and this ending of its name.
    pub(super) fn of(content_type: &str, extension: Option<&str>) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let by_extension = extension.and_then(|ending| Self::named(&ending.to_ascii_lowercase()));
        by_extension.or_else(|| {
            all().find(|format| {
                !essence.is_empty() && format.content_type.eq_ignore_ascii_case(essence)
            })
        })
    }

    /// The kind whose files' names end like this, by which the parent names it to the child.
    pub fn named(ending: &str) -> Option<Self> {
        all().find(|format| format.ending == ending)
    }

    pub(super) fn name(self) -> &'static str {
        self.ending
    }

    /// What the document is called for the office program. Its own name is nobody's business.
    pub(super) fn document(self) -> String {
        format!("document.{}", self.ending)
    }
}

fn all() -> impl Iterator<Item = OfficeFormat> {
    FORMATS.into_iter().map(|(ending, filters, content_type)| OfficeFormat {
        ending,
        filters,
        content_type,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::Format;
    use super::*;

    #[test]
    fn an_office_program_is_asked_about_what_is_read_as_an_office_file() {
        for format in all() {
            let read_as = [
                Format::of("", Some(format.ending)),
                Some(format.content_type)
                    .filter(|kind| !kind.is_empty())
                    .map_or(Some(Format::Office), |kind| Format::of(kind, None)),
            ];
            for read_as in read_as {
                assert!(matches!(read_as, Some(Format::Office | Format::Rtf)), "{format:?}");
            }
            assert_eq!(OfficeFormat::of("text/plain", Some(format.ending)), Some(format));
        }
        assert_eq!(OfficeFormat::of("text/plain", Some("txt")), None);
        assert_eq!(OfficeFormat::of("", None), None);
        let by_type = OfficeFormat::of("Application/RTF; charset=x", Some("unheard-of"));
        assert_eq!(by_type, OfficeFormat::named("rtf"));
    }
}
