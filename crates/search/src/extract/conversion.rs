//! Office files as an office program would print them: a process for each, and an end to it whatever
//! the document is.

mod format;
mod profile;
mod program;
mod sandbox;
mod workplace;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt as _};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::Confinement;
use workplace::Workplace;

pub use format::OfficeFormat;
pub use program::convert;

/// The longest that one document is waited for: its second and a half of a processor are long on a
/// machine that has other things to do.
const WALL_CLOCK_MAX: Duration = Duration::from_mins(2);
/// How often it is looked at what the program has written.
const LOOK: Duration = Duration::from_millis(100);
/// LibreOffice ends so when it has set up a profile and wants to be started again.
const START_AGAIN: i32 = 81;
const STARTS_MAX: usize = 2;

/// How much of the PDF is handed over at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// The profile's name in the directory of one document.
const PROFILE: &str = "profile";
/// What the program makes of the document.
const PDF: &str = "document.pdf";

/// An office program, and where it works.
pub struct OfficeProgram {
    program: PathBuf,
    arguments: Vec<String>,
    place: PathBuf,
    begun: AtomicU64,
    wall_clock_max: Duration,
    told: Once,
}

/// A document that is on its way to the office program.
pub(super) struct Copy {
    format: OfficeFormat,
    workplace: Workplace,
    file: File,
    failed: Option<io::Error>,
}

impl OfficeProgram {
    /// Works with `program` in the directory `place`, which is nobody else's: what an earlier process
    /// left there is removed. Our own program is started with `arguments`, the office program, a
    /// directory, the format's name and the confinement's, and is to call [`convert`].
    pub fn new(program: &Path, arguments: &[&str], place: PathBuf) -> io::Result<Self> {
        let program = std::fs::canonicalize(program)?;
        // The one that is called by people is a script that starts others, which are not let in.
        let bare = program.with_file_name("soffice.bin");
        workplace::make_empty(&place)?;
        Ok(Self {
            program: if bare.is_file() { bare } else { program },
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            place,
            begun: AtomicU64::new(0),
            wall_clock_max: WALL_CLOCK_MAX,
            told: Once::new(),
        })
    }

    /// Waits for each document at most this long.
    #[must_use]
    pub fn with_wall_clock_max(self, wall_clock_max: Duration) -> Self {
        Self { wall_clock_max, ..self }
    }

    /// Makes room for a document. None when the program is for other ones.
    pub(super) fn begin(
        &self,
        content_type: &str,
        extension: Option<&str>,
    ) -> Option<io::Result<Copy>> {
        let format = OfficeFormat::of(content_type, extension)?;
        Some(self.make_room(format))
    }

    fn make_room(&self, format: OfficeFormat) -> io::Result<Copy> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let workplace = Workplace::make(self.place.join(number.to_string()))?;
        profile::make(&workplace.path().join(PROFILE), &self.program)?;
        let file = std::fs::File::create_new(workplace.path().join(format.document()))?;
        Ok(Copy { format, workplace, file: file.into(), failed: None })
    }

    /// The document as PDF, its first page at least. `own` is our own program.
    pub(super) async fn pdf(
        &self,
        own: &Path,
        copy: Copy,
        confinement: Confinement,
    ) -> io::Result<Pdf> {
        let Copy { format, workplace, mut file, failed } = copy;
        failed.map_or(Ok(()), Err)?;
        file.flush().await?;
        let status = self.run(own, &workplace, format, confinement).await?;
        if status.is_some_and(|status| status.code() == Some(i32::from(program::NOT_STARTED))) {
            self.told.call_once(|| {
                tracing::warn!(
                    program = %self.program.display(),
                    "the office program cannot be started: office files show their text"
                );
            });
        }
        let file = workplace.open(PDF)?;
        Ok(Pdf { file: file.into(), _workplace: workplace })
    }

    /// Lets the program work until it is done, or has had enough time or room.
    async fn run(
        &self,
        own: &Path,
        workplace: &Workplace,
        format: OfficeFormat,
        confinement: Confinement,
    ) -> io::Result<Option<ExitStatus>> {
        let mut status = None;
        for _ in 0..STARTS_MAX {
            let mut child = Command::new(own)
                .args(&self.arguments)
                .arg(&self.program)
                .arg(workplace.path())
                .arg(format.name())
                .arg(confinement.name())
                .env_clear()
                .current_dir("/")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .process_group(0)
                .kill_on_drop(true)
                .spawn()?;
            let group = Group::of(&child);
            let ended = tokio::time::timeout(self.wall_clock_max, watch(&mut child, workplace));
            status = ended.await.unwrap_or(Ok(None))?;
            drop(group);
            child.kill().await.ok();
            if status.and_then(|status| status.code()) != Some(START_AGAIN) {
                break;
            }
        }
        Ok(status)
    }
}

impl Copy {
    /// Takes down a piece of the document. That it failed is said when the document is asked for.
    pub(super) async fn write(&mut self, bytes: &Bytes) {
        if self.failed.is_none() {
            self.failed = self.file.write_all(bytes).await.err();
        }
    }
}

/// What the program made, for as long as it is looked at.
pub(super) struct Pdf {
    file: File,
    _workplace: Workplace,
}

impl Pdf {
    pub(super) fn bytes(self) -> BoxStream<'static, io::Result<Bytes>> {
        let next = async |mut pdf: Self| {
            let mut bytes = BytesMut::with_capacity(CHUNK_BYTES);
            let read = pdf.file.read_buf(&mut bytes).await?;
            Ok((0 < read).then(|| (bytes.freeze(), pdf)))
        };
        stream::try_unfold(self, next).boxed()
    }
}

/// How the program ended. None when it has written too much.
async fn watch(child: &mut Child, workplace: &Workplace) -> io::Result<Option<ExitStatus>> {
    let process = child.id();
    let mut tick = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            biased;
            status = child.wait() => return status.map(Some),
            _ = tick.tick() => {
                if process.is_some_and(|process| workplace.is_overfull(process)) {
                    return Ok(None);
                }
            }
        }
    }
}

/// A child and all that it has started, which ends with this: without the sandbox, it may have.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|process| Pid::from_raw(i32::try_from(process).ok()?)))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Also when the child has ended by itself: its number is its group's for as long as one is there.
        if let Some(group) = self.0 {
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}
