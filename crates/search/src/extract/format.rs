//! Which parser a document is for, by what its uploader said of it.

/// A family of formats that one parser reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// PDF.
    Pdf,
    /// Office Open XML and Open Document: a zip archive of XML files.
    Office,
    /// Rich Text Format.
    Rtf,
    /// HTML.
    Html,
    /// SVG.
    Svg,
    /// Pictures made of pixels.
    Image,
    /// Plain text in any encoding, Markdown and source code.
    Text,
}

/// Endings of names, which say more than the content type: many programs upload everything as
/// `application/octet-stream`.
const EXTENSIONS: &[(Format, &[&str])] = &[
    (Format::Pdf, &["pdf"]),
    (
        Format::Office,
        &[
            "docx", "docm", "dotx", "pptx", "pptm", "ppsx", "potx", "xlsx", "xlsm", "xltx", "odt",
            "ott", "odp", "otp", "ods", "ots",
        ],
    ),
    (Format::Rtf, &["rtf"]),
    (Format::Html, &["html", "htm", "xhtml"]),
    (Format::Svg, &["svg"]),
    (Format::Image, &["png", "jpg", "jpeg", "gif", "webp", "bmp", "tif", "tiff"]),
    (
        Format::Text,
        &[
            "adoc",
            "asm",
            "bash",
            "bat",
            "bib",
            "c",
            "cc",
            "cfg",
            "clj",
            "cmake",
            "conf",
            "cpp",
            "cs",
            "css",
            "csv",
            "cxx",
            "dart",
            "diff",
            "el",
            "erl",
            "ex",
            "exs",
            "f90",
            "go",
            "gradle",
            "groovy",
            "h",
            "hpp",
            "hs",
            "ini",
            "java",
            "js",
            "json",
            "jsonl",
            "jsx",
            "kt",
            "kts",
            "less",
            "lisp",
            "log",
            "lua",
            "m",
            "markdown",
            "md",
            "ml",
            "mjs",
            "nix",
            "org",
            "pas",
            "patch",
            "php",
            "pl",
            "pm",
            "properties",
            "proto",
            "ps1",
            "py",
            "r",
            "rb",
            "rs",
            "rst",
            "sass",
            "scala",
            "scss",
            "sh",
            "sql",
            "swift",
            "tex",
            "toml",
            "ts",
            "tsv",
            "tsx",
            "txt",
            "vb",
            "vue",
            "xml",
            "yaml",
            "yml",
            "zig",
            "zsh",
        ],
    ),
];

/// Content types that are not text and say what they are.
const CONTENT_TYPES: &[(Format, &[&str])] = &[
    (Format::Pdf, &["application/pdf"]),
    (Format::Rtf, &["application/rtf", "text/rtf"]),
    (Format::Html, &["text/html", "application/xhtml+xml"]),
    (Format::Svg, &["image/svg+xml"]),
    (
        Format::Image,
        &["image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/tiff"],
    ),
    (
        Format::Text,
        &[
            "application/json",
            "application/xml",
            "application/javascript",
            "application/x-sh",
            "application/yaml",
            "application/toml",
            "application/sql",
        ],
    ),
];

impl Format {
    /// The parser for a document with this content type and this ending of its name.
    pub fn of(content_type: &str, extension: Option<&str>) -> Option<Self> {
        let by_extension = extension
            .map(str::to_ascii_lowercase)
            .and_then(|extension| find(EXTENSIONS, &extension));
        by_extension.or_else(|| {
            let essence = content_type.split(';').next().unwrap_or_default();
            Self::of_content_type(&essence.trim().to_ascii_lowercase())
        })
    }

    fn of_content_type(essence: &str) -> Option<Self> {
        let office = essence.starts_with("application/vnd.openxmlformats-officedocument.")
            || essence.starts_with("application/vnd.oasis.opendocument.");
        find(CONTENT_TYPES, essence)
            .or_else(|| office.then_some(Self::Office))
            .or_else(|| essence.starts_with("text/").then_some(Self::Text))
    }

    /// Whether an office program reads it, which makes more of its looks than we do.
    pub(super) fn is_of_an_office(self) -> bool {
        matches!(self, Self::Office | Self::Rtf)
    }

    /// The word by which the parent names it to the child.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Office => "office",
            Self::Rtf => "rtf",
            Self::Html => "html",
            Self::Svg => "svg",
            Self::Image => "image",
            Self::Text => "text",
        }
    }

    /// The format of that name.
    pub fn named(name: &str) -> Option<Self> {
        EXTENSIONS.iter().map(|(format, _)| *format).find(|format| format.name() == name)
    }
}

fn find(table: &[(Format, &[&str])], word: &str) -> Option<Format> {
    table.iter().find(|(_, words)| words.contains(&word)).map(|(format, _)| *format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_more_than_a_content_type() {
        let of = Format::of;
        assert_eq!(of("application/octet-stream", Some("PDF")), Some(Format::Pdf));
        assert_eq!(of("text/html; charset=utf-8", None), Some(Format::Html));
        assert_eq!(of("text/x-anything", Some("unheard-of")), Some(Format::Text));
        assert_eq!(of("application/octet-stream", Some("exe")), None);
        let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        assert_eq!(of(docx, None), Some(Format::Office));
    }

    #[test]
    fn every_format_is_found_by_its_name() {
        for (format, _) in EXTENSIONS {
            assert_eq!(Format::named(format.name()), Some(*format));
        }
    }
}
