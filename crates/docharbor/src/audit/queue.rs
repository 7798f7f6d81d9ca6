//! Records on their way to the writer. Those that nobody waits for do not wake it one by one.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use docharbor_server::audit::{AuditRecord, Unrecorded};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// So long records are gathered for which nobody waits.
const GATHER: Duration = Duration::from_millis(20);

/// So many are not gathered any longer.
const GATHER_MAX: usize = 512;

/// What the writer is asked.
pub(super) enum Message {
    /// To write a record, and to say when it is on the disk if somebody waits for that.
    Record {
        record: AuditRecord,
        done: Option<oneshot::Sender<Result<(), Unrecorded>>>,
        _slot: OwnedSemaphorePermit,
    },
    /// To write everything and end.
    Close(oneshot::Sender<()>),
}

impl Message {
    fn is_urgent(&self) -> bool {
        !matches!(self, Self::Record { done: None, .. })
    }
}

/// The queue between the doors and the writer.
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

struct State {
    messages: Vec<Message>,
    is_urgent: bool,
    is_open: bool,
}

impl Queue {
    pub(super) fn new() -> Self {
        let state = State { messages: Vec::new(), is_urgent: false, is_open: true };
        Self { state: Mutex::new(state), wake: Condvar::new() }
    }

    /// Hands a message to the writer, unless it has ended.
    pub(super) fn push(&self, message: Message) -> Result<(), Unrecorded> {
        let mut state = self.lock();
        if !state.is_open {
            return Err(Unrecorded);
        }
        let becomes_urgent = !state.is_urgent && message.is_urgent();
        state.is_urgent |= becomes_urgent;
        state.messages.push(message);
        let wakes = becomes_urgent || matches!(state.messages.len(), 1 | GATHER_MAX);
        drop(state);
        if wakes {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// What has come, after `patience` at the latest, and whether more can come.
    pub(super) fn take(&self, patience: Duration) -> (Vec<Message>, bool) {
        let is_idle = |state: &mut State| state.messages.is_empty() && state.is_open;
        let waited = self.wake.wait_timeout_while(self.lock(), patience, is_idle);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let gathers = |state: &mut State| {
            let count = state.messages.len();
            !state.is_urgent && state.is_open && (1..GATHER_MAX).contains(&count)
        };
        let waited = self.wake.wait_timeout_while(state, GATHER, gathers);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_urgent = false;
        (std::mem::take(&mut state.messages), state.is_open)
    }

    /// Takes nothing any more.
    pub(super) fn close(&self) {
        self.lock().is_open = false;
        self.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
