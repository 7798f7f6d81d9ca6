//! The parent's side: a process for each document, and an end to it whatever the document is.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Once;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;

use super::child::NO_SANDBOX;
use super::conversion::{Copy, OfficeProgram};
use super::frames::{Heard, OUTPUT_MAX_BYTES, heard};
use super::{
    Confinement, DOCUMENT_MAX_BYTES, Document, ExtractError, Extracted, Extractor, Fault, Format,
    Reason, Thumbnails,
};

/// The longest that one document is waited for.
const WALL_CLOCK_MAX: Duration = Duration::from_secs(30);

/// Looks into documents in processes of their own.
pub struct ProcessExtractor {
    program: PathBuf,
    arguments: Vec<String>,
    places: Semaphore,
    confinement: Confinement,
    wall_clock_max: Duration,
    office: Option<OfficeProgram>,
    told: Once,
}

impl ProcessExtractor {
    /// Starts `program` with `arguments`, the format's name and the confinement's for each document,
    /// which is to call [`serve`](super::serve); at most `at_once` at a time.
    pub fn new(
        program: PathBuf,
        arguments: &[&str],
        at_once: usize,
        confinement: Confinement,
    ) -> Self {
        Self {
            program,
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            places: Semaphore::new(at_once),
            confinement,
            wall_clock_max: WALL_CLOCK_MAX,
            office: None,
            told: Once::new(),
        }
    }

    /// Waits for each document at most this long.
    #[must_use]
    pub fn with_wall_clock_max(self, wall_clock_max: Duration) -> Self {
        Self { wall_clock_max, ..self }
    }

    /// Draws the first page of office files by an office program, as far as that is able to.
    #[must_use]
    pub fn with_office(self, office: OfficeProgram) -> Self {
        Self { office: Some(office), ..self }
    }

    async fn look_into(&self, document: Document<'_>) -> Result<Extracted, ExtractError> {
        let format = Format::of(document.content_type, document.extension)
            .ok_or(ExtractError::NotExtractable { reason: Reason::UnknownFormat })?;
        if DOCUMENT_MAX_BYTES < document.size_bytes {
            return Err(ExtractError::NotExtractable { reason: Reason::TooLarge });
        }
        let _place = self.places.acquire().await.map_err(|_| fault(Fault::NoAnswer))?;
        let office = self.office.as_ref().filter(|_| format.is_of_an_office());
        let Some(office) = office else { return self.read(format, document.bytes, None).await };
        let begun = office.begin(document.content_type, document.extension).transpose();
        let mut copy = begun.unwrap_or_else(|error| without_office(&error));
        let read = self.read(format, document.bytes, copy.as_mut()).await;
        match (read, copy) {
            (Err(ExtractError::Fault(fault)), _) => Err(ExtractError::Fault(fault)),
            (read, None) => read,
            (read, Some(copy)) => match self.draw(office, copy).await {
                Some(thumbnails) => {
                    let text = read.ok().and_then(|read| read.text);
                    Ok(Extracted { text, thumbnails: Some(thumbnails) })
                }
                None => read,
            },
        }
    }

    /// The first page as the office program prints it.
    async fn draw(&self, office: &OfficeProgram, copy: Copy) -> Option<Thumbnails> {
        let pdf = office.pdf(&self.program, copy, self.confinement).await;
        let pdf = pdf.map_or_else(|error| without_office(&error), Some)?;
        let read = self.read(Format::Pdf, pdf.bytes(), None).await;
        read.ok()?.thumbnails
    }

    /// What a process of its own finds in a document, which is copied on its way there if it is to be.
    async fn read(
        &self,
        format: Format,
        bytes: BoxStream<'_, io::Result<Bytes>>,
        copy: Option<&mut Copy>,
    ) -> Result<Extracted, ExtractError> {
        let (mut child, stdin, stdout) = self.start(format).map_err(fault)?;
        let work = async {
            let (fed, output) = futures::join!(feed(stdin, bytes, copy), listen(stdout));
            fed?;
            Ok::<_, Fault>((output?, child.wait().await?))
        };
        let ended = tokio::time::timeout(self.wall_clock_max, work).await;
        // Dropping a child that still runs ends it, but nobody would wait for it.
        child.kill().await.ok();
        let (output, status) = ended.map_err(|_| fault(Fault::NoAnswer))?.map_err(fault)?;
        self.judge(heard(&output), status)
    }

    fn start(&self, format: Format) -> Result<(Child, ChildStdin, ChildStdout), Fault> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(format.name())
            .arg(self.confinement.name())
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(stdin), Some(stdout)) => Ok((child, stdin, stdout)),
            _ => Err(Fault::NoAnswer),
        }
    }

    /// What to make of what the child said and how it ended.
    fn judge(&self, heard: Heard, status: ExitStatus) -> Result<Extracted, ExtractError> {
        if status.code() == Some(i32::from(NO_SANDBOX)) {
            self.told.call_once(|| {
                tracing::warn!(
                    "documents are not looked into: this kernel or container offers no Landlock or \
                     no seccomp; use one that has both, or set extraction to without-sandbox or off"
                );
            });
            return Err(fault(Fault::NoSandbox));
        }
        let Heard { extracted, is_whole } = heard;
        if extracted != Extracted::default() {
            return Ok(extracted);
        }
        let reason = match status.signal() {
            // Whoever sends this one is not the document: the machine is short of memory.
            Some(libc::SIGKILL) => return Err(fault(Fault::NoAnswer)),
            Some(libc::SIGXCPU) => Reason::TooCostly,
            None if is_whole => Reason::Damaged,
            Some(_) | None => Reason::Broken,
        };
        Err(ExtractError::NotExtractable { reason })
    }
}

impl Extractor for ProcessExtractor {
    fn reads(&self, content_type: &str, extension: Option<&str>) -> bool {
        Format::of(content_type, extension).is_some()
    }

    fn extract<'a>(
        &'a self,
        document: Document<'a>,
    ) -> BoxFuture<'a, Result<Extracted, ExtractError>> {
        self.look_into(document).boxed()
    }
}

/// Hands the document over, and a copy of it to whoever wants one. A child that wants no more of it has
/// seen enough.
async fn feed(
    stdin: ChildStdin,
    mut document: BoxStream<'_, io::Result<Bytes>>,
    mut copy: Option<&mut Copy>,
) -> Result<(), Fault> {
    let mut stdin = Some(stdin);
    while let Some(bytes) = document.next().await {
        let bytes = bytes?;
        if let Some(copy) = &mut copy {
            copy.write(&bytes).await;
        }
        if let Some(open) = &mut stdin
            && open.write_all(&bytes).await.is_err()
        {
            stdin = None;
        }
        if stdin.is_none() && copy.is_none() {
            break;
        }
    }
    Ok(())
}

/// What the child says, as far as anybody listens. Going on to talk gets it a broken pipe.
async fn listen(stdout: ChildStdout) -> Result<Vec<u8>, Fault> {
    let mut output = Vec::new();
    let limit = u64::try_from(OUTPUT_MAX_BYTES).unwrap_or(u64::MAX);
    stdout.take(limit).read_to_end(&mut output).await?;
    Ok(output)
}

fn fault(fault: impl Into<Fault>) -> ExtractError {
    ExtractError::Fault(fault.into())
}

/// The office program could not help, which makes the result no worse.
fn without_office<T>(error: &io::Error) -> Option<T> {
    tracing::debug!(%error, "no picture by the office program");
    None
}
