//! Taking a body in: the network, the disk and the hashes work side by side.
//!
//! No thread is held while a client is slow: bytes are gathered into batches first, and each batch
//! visits a thread for writing and a thread for MD5, which is the slowest part and runs alone.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use md5::{Digest as _, Md5};
use sha2::Sha256;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use super::staging::Staged;
use super::{Folders, blocking};
use crate::{BlobError, BlobKey, Body, Digest, Expected, ReceiveError, Stored};

/// How much is gathered before it goes to the threads; a body below it visits one thread, once.
const BATCH_BYTES: usize = 256 * 1024;

/// Chunks below this are copied together, so that a body of tiny chunks costs no more memory.
const CHUNK_MIN_BYTES: usize = 16 * 1024;

/// The unit in which bytes in flight are counted.
const UNIT_BYTES: usize = BATCH_BYTES;

/// The most units one upload has in flight: 8 MiB.
const UPLOAD_UNITS: usize = 32;

/// The most units all uploads have in flight: 32 MiB.
pub(super) const STORE_UNITS: usize = 128;

/// How much is written before the disk is asked to catch up, so that the last sync is short.
const SYNC_STRETCH_BYTES: u64 = 64 * 1024 * 1024;

pub(super) async fn receive(
    folders: &Arc<Folders>,
    key: &BlobKey,
    body: Body<'_>,
    expected: Expected,
) -> Result<Stored, ReceiveError> {
    let mut intake = Intake::new(body, &expected)?;
    let first = intake.batch().await?;
    if !intake.ended {
        return receive_large(folders, key, intake, first, expected).await;
    }
    let (folders, key) = (Arc::clone(folders), key.clone());
    blocking(move || {
        let mut md5 = Md5::new();
        for chunk in &first {
            md5.update(chunk);
        }
        Writing::create(&folders, &key, &expected)?.write(&first)?.finish(
            &key,
            &expected,
            md5.finalize().into(),
        )
    })
    .await
}

async fn receive_large(
    folders: &Arc<Folders>,
    key: &BlobKey,
    intake: Intake<'_>,
    first: Vec<Bytes>,
    expected: Expected,
) -> Result<Stored, ReceiveError> {
    let (to_writer, for_writer) = mpsc::unbounded_channel();
    let (to_md5, for_md5) = mpsc::unbounded_channel();
    let lanes = Lanes {
        writer: to_writer,
        md5: to_md5,
        upload_room: Arc::new(Semaphore::new(UPLOAD_UNITS)),
        store_room: Arc::clone(&folders.in_flight),
    };
    let (taken, written, md5) = tokio::join!(
        take_in(intake, first, lanes),
        write_lane(folders, key, &expected, for_writer),
        md5_lane(for_md5),
    );
    // When the writer failed, the intake only stopped because of that.
    let writing = written?;
    let key = key.clone();
    blocking(move || match taken {
        Ok(()) => writing.finish(&key, &expected, md5),
        Err(error) => {
            writing.staged.discard();
            Err(error)
        }
    })
    .await
}

/// A body on its way in, held to the sizes that are expected of it.
struct Intake<'a> {
    body: Body<'a>,
    size_bytes: Option<u64>,
    size_max_bytes: u64,
    received: u64,
    ended: bool,
}

impl<'a> Intake<'a> {
    fn new(body: Body<'a>, expected: &Expected) -> Result<Self, ReceiveError> {
        let (size_bytes, size_max_bytes) = (expected.size_bytes, expected.size_max_bytes);
        if size_bytes.is_some_and(|size| size > size_max_bytes) {
            return Err(ReceiveError::TooLarge { max: size_max_bytes });
        }
        Ok(Self { body, size_bytes, size_max_bytes, received: 0, ended: false })
    }

    /// Gathers a batch, which is smaller than [`BATCH_BYTES`] only at the end of the body.
    async fn batch(&mut self) -> Result<Vec<Bytes>, ReceiveError> {
        let mut batch = Vec::new();
        let mut small = BytesMut::new();
        let mut gathered = 0;
        while gathered < BATCH_BYTES {
            let Some(chunk) = self.body.next().await else {
                self.end()?;
                break;
            };
            let chunk = chunk.map_err(ReceiveError::Body)?;
            self.count(chunk.len())?;
            gathered += chunk.len();
            if chunk.len() < CHUNK_MIN_BYTES {
                small.extend_from_slice(&chunk);
                continue;
            }
            if !small.is_empty() {
                batch.push(small.split().freeze());
            }
            batch.push(chunk);
        }
        if !small.is_empty() {
            batch.push(small.freeze());
        }
        Ok(batch)
    }

    fn count(&mut self, len_bytes: usize) -> Result<(), ReceiveError> {
        self.received = self.received.saturating_add(len_bytes as u64);
        if let Some(expected) = self.size_bytes.filter(|expected| self.received > *expected) {
            return Err(ReceiveError::Long { expected });
        }
        if self.received > self.size_max_bytes {
            return Err(ReceiveError::TooLarge { max: self.size_max_bytes });
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), ReceiveError> {
        self.ended = true;
        match self.size_bytes.filter(|expected| self.received < *expected) {
            Some(expected) => Err(ReceiveError::Short { expected, received: self.received }),
            None => Ok(()),
        }
    }
}

/// Bytes on their way through both lanes, with the room they take up.
struct Batch {
    chunks: Vec<Bytes>,
    _room: [OwnedSemaphorePermit; 2],
}

/// The ways to the threads, bounded by the room for bytes in flight.
struct Lanes {
    writer: UnboundedSender<Arc<Batch>>,
    md5: UnboundedSender<Arc<Batch>>,
    upload_room: Arc<Semaphore>,
    store_room: Arc<Semaphore>,
}

impl Lanes {
    /// Hands a batch to both lanes as soon as there is room, and tells whether anybody took it.
    ///
    /// Only whole batches ask for room, so nobody keeps room while waiting for a client.
    async fn send(&self, chunks: Vec<Bytes>) -> bool {
        let len_bytes: usize = chunks.iter().map(Bytes::len).sum();
        let units = len_bytes.div_ceil(UNIT_BYTES).min(UPLOAD_UNITS);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let (Ok(upload), Ok(store)) = (
            Arc::clone(&self.upload_room).acquire_many_owned(units).await,
            Arc::clone(&self.store_room).acquire_many_owned(units).await,
        ) else {
            return false;
        };
        let batch = Arc::new(Batch { chunks, _room: [upload, store] });
        self.writer.send(Arc::clone(&batch)).is_ok() && self.md5.send(batch).is_ok()
    }
}

/// Takes the body in until it ends, breaks, or the writer has failed.
async fn take_in(
    mut intake: Intake<'_>,
    first: Vec<Bytes>,
    lanes: Lanes,
) -> Result<(), ReceiveError> {
    let mut batch = first;
    while lanes.send(batch).await && !intake.ended {
        batch = tokio::select! {
            biased;
            () = lanes.writer.closed() => return Ok(()),
            batch = intake.batch() => batch?,
        };
    }
    Ok(())
}

/// Writes what comes; whatever goes wrong, the staged file is gone when this returns an error.
async fn write_lane(
    folders: &Arc<Folders>,
    key: &BlobKey,
    expected: &Expected,
    mut batches: UnboundedReceiver<Arc<Batch>>,
) -> Result<Writing, ReceiveError> {
    let (folders, key, expected) = (Arc::clone(folders), key.clone(), expected.clone());
    let mut writing = blocking(move || Writing::create(&folders, &key, &expected)).await?;
    let mut catching_up = CatchingUp::default();
    while let Some(batch) = batches.recv().await {
        let queued = all_queued(batch, &mut batches);
        writing = blocking(move || {
            queued.iter().try_fold(writing, |writing, batch| writing.write(&batch.chunks))
        })
        .await?;
        if let Err(error) = catching_up.follow(&writing).await {
            return Err(discard(writing, error).await);
        }
    }
    match catching_up.settle().await {
        Ok(()) => Ok(writing),
        Err(error) => Err(discard(writing, error).await),
    }
}

async fn md5_lane(mut batches: UnboundedReceiver<Arc<Batch>>) -> [u8; 16] {
    let mut md5 = Md5::new();
    while let Some(batch) = batches.recv().await {
        let queued = all_queued(batch, &mut batches);
        md5 = blocking(move || {
            for batch in queued {
                for chunk in &batch.chunks {
                    md5.update(chunk);
                }
            }
            md5
        })
        .await;
    }
    md5.finalize().into()
}

/// Everything that waits in a lane, so that a lane that fell behind changes threads less often.
fn all_queued(first: Arc<Batch>, batches: &mut UnboundedReceiver<Arc<Batch>>) -> Vec<Arc<Batch>> {
    let mut queued = vec![first];
    while let Ok(batch) = batches.try_recv() {
        queued.push(batch);
    }
    queued
}

async fn discard(writing: Writing, error: BlobError) -> ReceiveError {
    blocking(move || writing.staged.discard()).await;
    error.into()
}

/// Syncs of an unfinished file that run beside the writing of the rest.
#[derive(Default)]
struct CatchingUp {
    begun_bytes: u64,
    sync: Option<JoinHandle<Result<(), BlobError>>>,
}

impl CatchingUp {
    /// Begins a sync when enough has been written and none is under way.
    async fn follow(&mut self, writing: &Writing) -> Result<(), BlobError> {
        let behind = writing.size_bytes.saturating_sub(self.begun_bytes);
        let busy = self.sync.as_ref().is_some_and(|sync| !sync.is_finished());
        if behind < SYNC_STRETCH_BYTES || busy {
            return Ok(());
        }
        self.settle().await?;
        self.begun_bytes = writing.size_bytes;
        let file = Arc::clone(writing.staged.file());
        self.sync = Some(tokio::task::spawn_blocking(move || {
            file.sync_data().map_err(BlobError::sync("sync a blob"))
        }));
        Ok(())
    }

    /// Waits for the sync under way. Its failure must not be lost: a later sync would succeed.
    async fn settle(&mut self) -> Result<(), BlobError> {
        match self.sync.take() {
            None => Ok(()),
            Some(sync) => sync
                .await
                .map_err(std::io::Error::other)
                .map_err(BlobError::store("sync a blob"))?,
        }
    }
}

/// A staged file and the digests of what is in it, all but the MD5.
struct Writing {
    staged: Staged,
    size_bytes: u64,
    blake3: blake3::Hasher,
    sha256: Option<Sha256>,
    crc32: Option<crc32fast::Hasher>,
}

impl Writing {
    fn create(
        folders: &Arc<Folders>,
        key: &BlobKey,
        expected: &Expected,
    ) -> Result<Self, BlobError> {
        Ok(Self {
            staged: Staged::create(folders, key)?,
            size_bytes: 0,
            blake3: blake3::Hasher::new(),
            sha256: expected.sha256.map(|_| Sha256::new()),
            crc32: expected.crc32.map(|_| crc32fast::Hasher::new()),
        })
    }

    fn write(mut self, chunks: &[Bytes]) -> Result<Self, BlobError> {
        if let Err(error) = self.staged.write(chunks) {
            self.staged.discard();
            return Err(error);
        }
        for chunk in chunks {
            self.size_bytes += chunk.len() as u64;
            self.blake3.update(chunk);
            if let Some(sha256) = &mut self.sha256 {
                sha256.update(chunk);
            }
            if let Some(crc32) = &mut self.crc32 {
                crc32.update(chunk);
            }
        }
        Ok(self)
    }

    /// Checks the digests and puts the file in its place, or removes it.
    fn finish(
        self,
        key: &BlobKey,
        expected: &Expected,
        md5: [u8; 16],
    ) -> Result<Stored, ReceiveError> {
        let sha256 = self.sha256.map(|sha256| sha256.finalize().into());
        let crc32 = self.crc32.map(crc32fast::Hasher::finalize);
        let wrong = [
            (Digest::Md5, expected.md5.is_some_and(|sent| sent != md5)),
            (Digest::Sha256, expected.sha256 != sha256),
            (Digest::Crc32, expected.crc32 != crc32),
        ];
        if let Some((which, _)) = wrong.into_iter().find(|(_, differs)| *differs) {
            self.staged.discard();
            return Err(ReceiveError::Digest { which });
        }
        let stored =
            Stored { size_bytes: self.size_bytes, md5, blake3: self.blake3.finalize().into() };
        self.staged.commit(key)?;
        Ok(stored)
    }
}
