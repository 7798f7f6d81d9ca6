//! The child's side: one document from stdin, what it gives to stdout.

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use super::frames::Sink;
use super::sandbox::{self, Confinement};
use super::{DOCUMENT_MAX_BYTES, Format, html, office, page, pdf, picture, rtf, text};

/// The exit code by which the parent learns that there is no sandbox.
pub(super) const NO_SANDBOX: u8 = 78;

/// Looks into the document on stdin and writes what it gives to stdout.
///
/// A process lives for one document. It locks itself in before it reads the first byte.
pub fn serve(format: Format, confinement: Confinement) -> ExitCode {
    if sandbox::enter(confinement).is_err() {
        return ExitCode::from(NO_SANDBOX);
    }
    // Parsers may panic over what they are fed; nobody wants to read of it.
    std::panic::set_hook(Box::new(|_| ()));
    match look_into(format, io::stdin().lock(), io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn look_into(format: Format, document: impl Read, out: impl Write) -> io::Result<()> {
    let mut bytes = Vec::new();
    document.take(DOCUMENT_MAX_BYTES).read_to_end(&mut bytes)?;
    let mut sink = Sink::new(out);
    // What was found before a panic counts.
    let found = catch_unwind(AssertUnwindSafe(|| parse(format, bytes, &mut sink)));
    found.unwrap_or(Ok(()))?;
    sink.end()
}

fn parse(format: Format, bytes: Vec<u8>, sink: &mut Sink<impl Write>) -> io::Result<()> {
    let text = match format {
        Format::Pdf => return pdf::parse(bytes, sink),
        Format::Svg => return picture::svg(&bytes, sink),
        Format::Image => return picture::image(&bytes, sink),
        Format::Office => office::text(&bytes),
        Format::Rtf => rtf::text(&bytes),
        Format::Html => {
            let declared = text::declared_by_html(&bytes).or_else(|| text::declared_by_xml(&bytes));
            text::decoded(&bytes, declared).map(|text| html::text(&text))
        }
        Format::Text => text::decoded(&bytes, text::declared_by_xml(&bytes)),
    };
    let Some(text) = text else { return Ok(()) };
    sink.text(&text)?;
    page::draw(&text, sink)
}
