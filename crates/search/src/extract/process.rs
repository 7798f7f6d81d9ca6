//! The parent's side: a process for each document, and an end to it whatever the document is.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Once;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;

use super::child::NO_SANDBOX;
use super::frames::{Heard, OUTPUT_MAX_BYTES, heard};
use super::{
    Confinement, DOCUMENT_MAX_BYTES, Document, ExtractError, Extracted, Extractor, Fault, Format,
    Reason,
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
            told: Once::new(),
        }
    }

    /// Waits for each document at most this long.
    #[must_use]
    pub fn with_wall_clock_max(self, wall_clock_max: Duration) -> Self {
        Self { wall_clock_max, ..self }
    }

    async fn look_into(&self, document: Document<'_>) -> Result<Extracted, ExtractError> {
        let format = Format::of(document.content_type, document.extension)
            .ok_or(ExtractError::NotExtractable { reason: Reason::UnknownFormat })?;
        if DOCUMENT_MAX_BYTES < document.size_bytes {
            return Err(ExtractError::NotExtractable { reason: Reason::TooLarge });
        }
        let _place = self.places.acquire().await.map_err(|_| fault(Fault::NoAnswer))?;
        let (mut child, stdin, stdout) = self.start(format).map_err(fault)?;
        let work = async {
            let (fed, output) = futures::join!(feed(stdin, document), listen(stdout));
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
                     no seccomp; the setting extraction decides what to do"
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

/// Hands the document over. A child that wants no more of it has seen enough.
async fn feed(mut stdin: ChildStdin, mut document: Document<'_>) -> Result<(), Fault> {
    while let Some(bytes) = document.bytes.next().await {
        if stdin.write_all(&bytes?).await.is_err() {
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
