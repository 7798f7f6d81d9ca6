//! Work that gives way: on a thread of its own, which has a core when nobody else wants one.

use std::io;
use std::time::Duration;

use rustix::process::{getpriority_process, setpriority_process};
use rustix::thread::gettid;
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};
use tokio::sync::oneshot;

use crate::THREAD_STACK_BYTES;

/// How far every such thread stands back: of a core that others want too it still gets a little.
const NICENESS: i32 = 19;

/// Lists that are read and names that are looked up at once; whoever makes more of them waits.
const BLOCKING_THREADS_MAX: usize = 12;

/// What becomes of the work where others want its core.
#[derive(Clone, Copy)]
pub(crate) enum Standing {
    /// It goes on a little, and so do the processes that it starts, which have time limits.
    Low,
    /// It is put off at once, where a low standing may keep the core for another slice. Messages are sent
    /// in many short pieces, between any two of which a request may come.
    Idle,
}

/// Work that goes on until it is told to end.
pub(crate) struct Aside {
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
}

impl Aside {
    /// Begins some work on a thread of this name.
    pub(crate) fn begin(
        name: &str,
        standing: Standing,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(BLOCKING_THREADS_MAX)
            .thread_stack_size(THREAD_STACK_BYTES)
            .enable_all()
            .build()?;
        let (stop, told) = oneshot::channel();
        let (done, stopped) = oneshot::channel();
        let run = move || {
            stand_back(standing);
            runtime.block_on(async {
                tokio::select! {
                    () = work => {}
                    _ = told => {}
                }
            });
            // What still waits for the system holds nobody up.
            runtime.shutdown_background();
            done.send(()).ok();
        };
        std::thread::Builder::new()
            .name(name.to_owned())
            .stack_size(THREAD_STACK_BYTES)
            .spawn(run)?;
        Ok(Self { stop, stopped })
    }

    /// Ends the work by itself within a time, or else where it waits for something next.
    pub(crate) async fn end_within(mut self, patience: Duration) {
        if tokio::time::timeout(patience, &mut self.stopped).await.is_err() {
            self.end().await;
        }
    }

    /// Ends the work where it waits for something next.
    pub(crate) async fn end(self) {
        self.stop.send(()).ok();
        self.stopped.await.ok();
    }
}

/// Lets other threads go first; those that this one starts stand back as far. Where that is not to be had,
/// nothing else differs.
fn stand_back(standing: Standing) {
    if matches!(standing, Standing::Idle) {
        let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy).ok();
    }
    let own = gettid();
    if getpriority_process(Some(own)).is_ok_and(|niceness| niceness < NICENESS) {
        setpriority_process(Some(own), NICENESS).ok();
    }
}

#[cfg(test)]
mod tests {
    use thread_priority::thread_schedule_policy;

    use super::*;

    /// The niceness and the policy of the thread that asks.
    fn standing() -> (i32, ThreadSchedulePolicy) {
        (getpriority_process(Some(gettid())).unwrap(), thread_schedule_policy().unwrap())
    }

    async fn holds(standing_back: Standing, policy: NormalThreadSchedulePolicy) {
        let before = standing();
        let (tell, told) = oneshot::channel();
        let aside = Aside::begin("aside", standing_back, async {
            let started = tokio::task::spawn_blocking(standing).await.unwrap();
            tell.send((standing(), started)).unwrap();
            std::future::pending::<()>().await;
        })
        .unwrap();
        let wanted = (before.0.max(NICENESS), ThreadSchedulePolicy::Normal(policy));
        assert_eq!(told.await.unwrap(), (wanted, wanted));
        aside.end().await;
        assert_eq!(standing(), before);
    }

    #[tokio::test]
    async fn the_work_and_what_it_starts_stand_back_and_nobody_else_does() {
        holds(Standing::Low, NormalThreadSchedulePolicy::Other).await;
        holds(Standing::Idle, NormalThreadSchedulePolicy::Idle).await;
    }
}
