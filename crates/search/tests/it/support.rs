//! Documents on their way through the real child process.

use std::path::PathBuf;

use bytes::Bytes;
use docharbor_search::extract::{
    Confinement, Document, ExtractError, Extracted, Extractor as _, ProcessExtractor, Reason,
};
use futures::StreamExt as _;
use futures::stream;

/// Children at once; the tests of one binary share two processors.
const AT_ONCE: usize = 2;

pub(crate) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_docharbor-extract-probe"))
}

pub(crate) fn extractor() -> ProcessExtractor {
    ProcessExtractor::new(program(), &["extract"], AT_ONCE, Confinement::Required)
}

pub(crate) async fn extract_with(
    extractor: &ProcessExtractor,
    name: &str,
    bytes: &[u8],
) -> Result<Extracted, ExtractError> {
    let chunks: Vec<_> =
        bytes.chunks(256 * 1024).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    let document = Document {
        size_bytes: u64::try_from(bytes.len()).unwrap(),
        bytes: stream::iter(chunks).boxed(),
        content_type: "application/octet-stream",
        extension: name.rsplit_once('.').map(|(_, extension)| extension),
    };
    extractor.extract(document).await
}

pub(crate) async fn extract(name: &str, bytes: &[u8]) -> Result<Extracted, ExtractError> {
    extract_with(&extractor(), name, bytes).await
}

/// The words of a document's text, each parted from the next by one space.
pub(crate) async fn words(name: &str, bytes: &[u8]) -> String {
    let extracted = extract(name, bytes).await.unwrap();
    let text = extracted.text.unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Why a document gives nothing.
pub(crate) async fn reason(name: &str, bytes: &[u8]) -> Reason {
    match extract(name, bytes).await {
        Err(ExtractError::NotExtractable { reason }) => reason,
        other => panic!("{name} gave {other:?}"),
    }
}
