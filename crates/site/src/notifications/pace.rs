//! How fast messages go out: as fast as they can while nobody asks for anything, and no faster than need
//! be while somebody does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The time from one message to the next while requests are made. The thread that sends gives way to
/// them, but the database and whoever receives on this machine do not.
const GAP: Duration = Duration::from_micros(950);

/// How long after a request others are expected.
const BUSY_FOR: Duration = Duration::from_millis(100);

/// How far behind messages may be and still catch up: clocks wake nobody more exactly.
const BEHIND_MAX: Duration = Duration::from_millis(1);

/// What whoever asks and whoever sends share.
#[derive(Default)]
pub(super) struct Pace {
    requests: AtomicU64,
    schedule: Mutex<Option<Schedule>>,
}

struct Schedule {
    /// How many requests there were when they were last looked at, and until when more are expected.
    requests: u64,
    busy_until: Instant,
    /// When the next message may go.
    next: Instant,
}

impl Pace {
    /// Somebody asks for something.
    pub(super) fn asked(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until another message may go.
    pub(super) async fn turn(&self) {
        if let Some(moment) = self.next(Instant::now()) {
            sleep_until(moment).await;
        }
    }

    fn next(&self, now: Instant) -> Option<Instant> {
        let requests = self.requests.load(Ordering::Relaxed);
        let mut schedule = self.schedule.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Schedule { requests, busy_until: now, next: now };
        let schedule = schedule.get_or_insert_with(new);
        if schedule.requests != requests {
            schedule.requests = requests;
            schedule.busy_until = now + BUSY_FOR;
        }
        if schedule.busy_until <= now {
            return None;
        }
        let earliest = now.checked_sub(BEHIND_MAX).unwrap_or(now);
        schedule.next = schedule.next.max(earliest) + GAP;
        Some(schedule.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn messages_go_evenly_for_as_long_as_somebody_asks_and_at_once_when_nobody_does() {
        let pace = Pace::default();
        let began = Instant::now();
        let send = async |messages: u32| {
            for _ in 0..messages {
                pace.turn().await;
            }
        };
        send(10_000).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        let mut count = 0_u32;
        while began.elapsed() < Duration::from_secs(10) {
            pace.asked();
            send(20).await;
            count += 20;
        }
        assert!((10_000..=16_000).contains(&count), "{count} in ten seconds");
        // The last request is over soon, and what waits goes.
        send(10_000).await;
        assert!(began.elapsed() < Duration::from_secs(11));
    }
}
