//! What a search looks for, and what it looks through: words, already folded and set apart.

use std::fmt::Write as _;

/// Words a search may look for.
pub const SEARCH_WORDS_MAX: usize = 64;

/// The script most of a text is written in, where it tells something about its language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// Arabic, as Arabic and Persian have it.
    Arabic,
    /// Bengali.
    Bengali,
    /// Cyrillic.
    Cyrillic,
    /// Devanagari, as Hindi has it.
    Devanagari,
    /// Greek.
    Greek,
    /// Chinese characters without anything that is Japanese or Korean.
    Han,
    /// Hangul, as Korean has it.
    Hangul,
    /// Kana, as Japanese has them among Chinese characters.
    Kana,
    /// Latin.
    Latin,
    /// Thai.
    Thai,
}

impl Script {
    /// The word it is kept under.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Arabic => "ARABIC",
            Self::Bengali => "BENGALI",
            Self::Cyrillic => "CYRILLIC",
            Self::Devanagari => "DEVANAGARI",
            Self::Greek => "GREEK",
            Self::Han => "HAN",
            Self::Hangul => "HANGUL",
            Self::Kana => "KANA",
            Self::Latin => "LATIN",
            Self::Thai => "THAI",
        }
    }
}

/// The words of a text.
///
/// A token holds letters, digits and marks and nothing else, so it can stand inside any query.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SearchText {
    /// The tokens in their order, a blank before each and one behind the last.
    pub tokens: String,
    /// What most of it is written in.
    pub script: Option<Script>,
}

/// What documents and their names say must not reach a log.
impl std::fmt::Debug for SearchText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SearchText(…)")
    }
}

/// Tokens that stand one behind the other.
#[derive(Clone, PartialEq, Eq)]
pub struct SearchPhrase {
    /// The tokens; at least one.
    pub tokens: Vec<String>,
    /// Whether the last one may be the beginning of a longer one.
    pub is_prefix: bool,
}

/// What a search looks for: all phrases of one alternative at least.
#[derive(Clone, PartialEq, Eq)]
pub struct SearchQuery {
    /// The alternatives; at least one, and in each at least one phrase.
    pub alternatives: Vec<Vec<SearchPhrase>>,
    /// Where the phrases may stand.
    pub scope: SearchScope,
}

/// What people look for is their own business and must not reach a log.
impl std::fmt::Debug for SearchQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SearchQuery(…)")
    }
}

impl std::fmt::Debug for SearchPhrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SearchPhrase(…)")
    }
}

/// Which texts of an item are looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchScope {
    /// Its name and what it says; a phrase may stand in either.
    All,
    /// Its name alone.
    Name,
    /// What it says alone.
    Content,
}

impl SearchScope {
    const fn letter(self) -> &'static str {
        match self {
            Self::All => "A",
            Self::Name => "N",
            Self::Content => "C",
        }
    }
}

impl SearchQuery {
    /// Writes the query as one text that [`SearchQuery::decode`] reads back.
    pub fn encode(&self) -> String {
        let mut text = self.scope.letter().to_owned();
        for alternative in &self.alternatives {
            text.push('\n');
            for (at, phrase) in alternative.iter().enumerate() {
                let between = if at == 0 { "" } else { "\t" };
                let end = if phrase.is_prefix { "*" } else { "" };
                // Writing to a text cannot fail.
                let _infallible = write!(text, "{between}{}{end}", phrase.tokens.join(" "));
            }
        }
        text
    }

    /// Reads back what [`SearchQuery::encode`] wrote; nothing for any other text.
    pub fn decode(text: &str) -> Option<Self> {
        let mut lines = text.split('\n');
        let scope = [SearchScope::All, SearchScope::Name, SearchScope::Content]
            .into_iter()
            .zip(lines.next().map(|first| [first; 3])?)
            .find(|(scope, first)| scope.letter() == *first)?
            .0;
        let phrase = |text: &str| {
            let tokens = text.strip_suffix('*').unwrap_or(text);
            SearchPhrase {
                tokens: tokens.split(' ').map(str::to_owned).collect(),
                is_prefix: text.ends_with('*'),
            }
        };
        let alternatives: Vec<Vec<SearchPhrase>> =
            lines.map(|line| line.split('\t').map(phrase).collect()).collect();
        let is_whole = alternatives
            .iter()
            .flatten()
            .all(|phrase| phrase.tokens.iter().all(|token| !token.is_empty()));
        (is_whole && !alternatives.is_empty()).then_some(Self { alternatives, scope })
    }

    /// How well the tokens of a name and of a content match; nothing where they do not.
    pub fn score(&self, name: &str, content: &str) -> Option<i64> {
        self.alternatives
            .iter()
            .filter_map(|alternative| {
                let scores =
                    alternative.iter().map(|phrase| self.phrase_score(phrase, name, content));
                scores.sum::<Option<i64>>()
            })
            .max()
    }

    fn phrase_score(&self, phrase: &SearchPhrase, name: &str, content: &str) -> Option<i64> {
        let mut needle: String = phrase.tokens.iter().flat_map(|token| [" ", token]).collect();
        if !phrase.is_prefix {
            needle.push(' ');
        }
        let in_name = self.scope != SearchScope::Content && name.contains(&needle);
        let in_content = self.scope != SearchScope::Name && content.contains(&needle);
        // A name says what a document is about; a content may say it in passing.
        match (in_name, in_content) {
            (false, false) => None,
            (false, true) => Some(1),
            (true, false) => Some(10),
            (true, true) => Some(11),
        }
    }
}

/// What kind of content a document has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentCategory {
    /// A picture.
    Image,
    /// A text to read.
    Document,
    /// A PDF.
    Pdf,
    /// A table.
    Spreadsheet,
    /// Slides.
    Presentation,
    /// Something to hear.
    Audio,
    /// Something to watch.
    Video,
    /// A program's text.
    SourceCode,
    /// Anything else.
    Other,
}

impl ContentCategory {
    /// The protocol's word, under which it is kept too.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "IMAGE",
            Self::Document => "DOCUMENT",
            Self::Pdf => "PDF",
            Self::Spreadsheet => "SPREADSHEET",
            Self::Presentation => "PRESENTATION",
            Self::Audio => "AUDIO",
            Self::Video => "VIDEO",
            Self::SourceCode => "SOURCE_CODE",
            Self::Other => "OTHER",
        }
    }

    /// The category of a document, by the extension of its name, else by its media type: programs
    /// send `application/octet-stream` for most of what they upload.
    pub fn of(name: &str, content_type: &str) -> Self {
        let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        extension.as_deref().and_then(by_extension).unwrap_or_else(|| by_media_type(content_type))
    }
}

fn by_extension(extension: &str) -> Option<ContentCategory> {
    Some(match extension {
        "pdf" => ContentCategory::Pdf,
        "doc" | "docx" | "docm" | "dot" | "dotx" | "odt" | "ott" | "rtf" | "txt" | "md"
        | "markdown" | "pages" | "epub" | "htm" | "html" | "xhtml" | "eml" | "msg" | "tex" => {
            ContentCategory::Document
        }
        "xls" | "xlsx" | "xlsm" | "xlsb" | "ods" | "ots" | "csv" | "tsv" | "numbers" => {
            ContentCategory::Spreadsheet
        }
        "ppt" | "pptx" | "pptm" | "pps" | "ppsx" | "odp" | "otp" | "key" => {
            ContentCategory::Presentation
        }
        "png" | "jpg" | "jpeg" | "gif" | "bmp" | "tif" | "tiff" | "webp" | "svg" | "heic"
        | "avif" | "ico" | "psd" => ContentCategory::Image,
        "mp3" | "wav" | "flac" | "ogg" | "oga" | "opus" | "m4a" | "aac" | "wma" => {
            ContentCategory::Audio
        }
        "mp4" | "m4v" | "mov" | "avi" | "mkv" | "webm" | "wmv" | "mpg" | "mpeg" | "ogv" => {
            ContentCategory::Video
        }
        "c" | "h" | "cc" | "cpp" | "cxx" | "hpp" | "cs" | "go" | "rs" | "java" | "kt" | "swift"
        | "py" | "rb" | "pl" | "php" | "js" | "mjs" | "jsx" | "ts" | "tsx" | "css" | "scss"
        | "sh" | "bash" | "ps1" | "bat" | "sql" | "r" | "lua" | "scala" | "json" | "xml"
        | "yaml" | "yml" | "toml" => ContentCategory::SourceCode,
        _ => return None,
    })
}

fn by_media_type(content_type: &str) -> ContentCategory {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/pdf" => return ContentCategory::Pdf,
        "text/csv" | "text/tab-separated-values" => return ContentCategory::Spreadsheet,
        "application/json"
        | "application/javascript"
        | "application/xml"
        | "text/css"
        | "text/javascript"
        | "text/xml" => return ContentCategory::SourceCode,
        "application/rtf" | "application/msword" | "application/epub+zip" => {
            return ContentCategory::Document;
        }
        _ => {}
    }
    // Office formats carry what they are in their long names.
    let is_office = essence.starts_with("application/vnd.");
    let says = |word| is_office && essence.contains(word);
    if says("spreadsheet") || says("excel") {
        return ContentCategory::Spreadsheet;
    }
    if says("presentation") || says("powerpoint") {
        return ContentCategory::Presentation;
    }
    if says("wordprocessing") || says("opendocument.text") {
        return ContentCategory::Document;
    }
    match essence.split('/').next().unwrap_or_default() {
        "image" => ContentCategory::Image,
        "audio" => ContentCategory::Audio,
        "video" => ContentCategory::Video,
        "text" if essence.starts_with("text/x-") => ContentCategory::SourceCode,
        "text" => ContentCategory::Document,
        _ => ContentCategory::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrase(tokens: &[&str], is_prefix: bool) -> SearchPhrase {
        SearchPhrase { tokens: tokens.iter().map(|token| (*token).to_owned()).collect(), is_prefix }
    }

    fn query(alternatives: Vec<Vec<SearchPhrase>>) -> SearchQuery {
        SearchQuery { alternatives, scope: SearchScope::All }
    }

    #[test]
    fn a_query_is_read_back_as_it_was_written() {
        let mut query = query(vec![
            vec![phrase(&["annual", "report"], false), phrase(&["20"], true)],
            vec![phrase(&["予算"], false)],
        ]);
        for scope in [SearchScope::All, SearchScope::Name, SearchScope::Content] {
            query.scope = scope;
            assert!(SearchQuery::decode(&query.encode()) == Some(query.clone()));
        }
        for other in ["", "A", "X\na", "A\n", "A\na  b", "A\na\n"] {
            assert!(SearchQuery::decode(other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn a_phrase_stands_whole_and_in_its_order() {
        let (name, content) = (" annual report ", " all about reporting ");
        let finds = |alternatives| query(alternatives).score(name, content);
        assert_eq!(finds(vec![vec![phrase(&["annual", "report"], false)]]), Some(10));
        assert_eq!(finds(vec![vec![phrase(&["report", "annual"], false)]]), None);
        assert_eq!(finds(vec![vec![phrase(&["repor"], false)]]), None);
        assert_eq!(finds(vec![vec![phrase(&["repor"], true)]]), Some(11));
        assert_eq!(finds(vec![vec![phrase(&["report", "all"], true)]]), None);
        let both = vec![phrase(&["annual"], false), phrase(&["about"], false)];
        assert_eq!(finds(vec![both]), Some(11));
        let neither = vec![phrase(&["annual"], false), phrase(&["nothing"], false)];
        assert_eq!(finds(vec![neither.clone()]), None);
        assert_eq!(finds(vec![neither, vec![phrase(&["all"], false)]]), Some(1));
    }

    #[test]
    fn a_category_is_told_by_the_name_and_else_by_the_media_type() {
        let octets = "application/octet-stream";
        for (name, content_type, category) in [
            ("a.PDF", octets, ContentCategory::Pdf),
            ("a.docx", octets, ContentCategory::Document),
            ("a.tar.gz", octets, ContentCategory::Other),
            ("a", "text/plain; charset=utf-8", ContentCategory::Document),
            ("a", "image/png", ContentCategory::Image),
            ("a", "text/x-rust", ContentCategory::SourceCode),
            (
                "a",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                ContentCategory::Spreadsheet,
            ),
            ("a", "application/vnd.ms-powerpoint", ContentCategory::Presentation),
            ("", "", ContentCategory::Other),
        ] {
            assert_eq!(ContentCategory::of(name, content_type), category, "{name} {content_type}");
        }
    }
}
