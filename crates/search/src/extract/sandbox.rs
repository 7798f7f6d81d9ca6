//! Locking the child in: limits, no files, no network, and of the system calls those that compute.

use std::collections::BTreeMap;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetCreated, RulesetError,
    RulesetStatus, Scope,
};
use rustix::process::{Resource, Rlimit, nice, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

/// Memory that one document may take, the program's own included.
const MEMORY_MAX_BYTES: u64 = 512 * 1024 * 1024;
/// Time of a processor that one document may take.
const CPU_MAX_SECONDS: u64 = 20;
const OPEN_FILES_MAX: u64 = 16;
/// Requests of users come first.
const NICENESS: i32 = 19;
/// The newest Landlock that is asked for; older kernels forbid what they can.
pub(super) const LANDLOCK: ABI = ABI::V6;

/// How much must stand between a document and the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// Without Landlock and seccomp no document is looked into.
    Required,
    /// What the kernel offers, if only the limits; somebody decided that this is enough.
    WhatThereIs,
}

impl Confinement {
    /// The word by which the parent names it to the child.
    pub fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::WhatThereIs => "what-there-is",
        }
    }

    /// The confinement of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Required, Self::WhatThereIs].into_iter().find(|one| one.name() == name)
    }
}

/// The kernel does not let this process be locked in.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox cannot be entered")]
pub struct NoSandbox;

/// Gives up all that looking into a document does not need. There is no way back.
///
/// To be called before the first byte of the document is read, by a process of one thread.
pub fn enter(confinement: Confinement) -> Result<(), NoSandbox> {
    raise(limits(), confinement)?;
    raise(no_files_and_network(), confinement)?;
    raise(no_system_calls(), confinement)
}

/// Whether it goes on after one of the walls was to be raised.
pub(super) fn raise(
    wall: Result<(), NoSandbox>,
    confinement: Confinement,
) -> Result<(), NoSandbox> {
    match confinement {
        Confinement::Required => wall,
        Confinement::WhatThereIs => Ok(()),
    }
}

fn limits() -> Result<(), NoSandbox> {
    let none = (0, 0);
    limit(&[
        (Resource::As, (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES)),
        // The signal at the first of the two can be told from the others.
        (Resource::Cpu, (CPU_MAX_SECONDS, CPU_MAX_SECONDS + 1)),
        (Resource::Nofile, (OPEN_FILES_MAX, OPEN_FILES_MAX)),
        (Resource::Fsize, none),
        (Resource::Nproc, none),
        (Resource::Core, none),
    ])
}

/// Sets each limit and the most to which it can be raised again.
pub(super) fn limit(limits: &[(Resource, (u64, u64))]) -> Result<(), NoSandbox> {
    // Being nicer is a courtesy, not a wall.
    nice(NICENESS).ok();
    for (resource, (current, maximum)) in limits {
        let limit = Rlimit { current: Some(*current), maximum: Some(*maximum) };
        setrlimit(*resource, limit).map_err(|_| NoSandbox)?;
    }
    Ok(())
}

/// Landlock: nothing is allowed of all that this kernel can forbid. Also sets `no_new_privs`.
fn no_files_and_network() -> Result<(), NoSandbox> {
    landlocked(Ok)
}

/// Landlock: of all that this kernel can forbid, only what `allow` adds is allowed.
pub(super) fn landlocked(
    allow: impl FnOnce(RulesetCreated) -> Result<RulesetCreated, RulesetError>,
) -> Result<(), NoSandbox> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(LANDLOCK)))
        .and_then(|rules| rules.scope(Scope::from_all(LANDLOCK)))
        .and_then(Ruleset::create)
        .and_then(allow)
        .and_then(RulesetCreated::restrict_self)
        .map_err(|_| NoSandbox)?;
    // Kernels that know Landlock but not its rules for networks have those of seccomp below.
    if status.ruleset == RulesetStatus::NotEnforced || !status.no_new_privs {
        return Err(NoSandbox);
    }
    Ok(())
}

/// seccomp: memory, stdin, stdout and the end. Anything else ends the process.
fn no_system_calls() -> Result<(), NoSandbox> {
    let filter = filter().map_err(|_| NoSandbox)?;
    seccompiler::apply_filter(&filter).map_err(|_| NoSandbox)
}

fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let is = |argument, value: u64| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
    };
    let has = |argument, mask: u64, value: u64| {
        let operator = SeccompCmpOp::MaskedEq(mask);
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
    };
    let flag = |flag: i32| u64::from(flag.unsigned_abs());
    let not_executable = || has(2, flag(libc::PROT_EXEC), 0);
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ANYHOW.iter().map(|c| (*c, vec![])).collect();
    // The program's own descriptors, whatever others it was born with.
    rules.insert(libc::SYS_read, vec![SeccompRule::new(vec![is(0, 0)?])?]);
    let write = [1, 2].into_iter().map(|fd| SeccompRule::new(vec![is(0, fd)?]));
    rules.insert(libc::SYS_write, write.collect::<Result<_, _>>()?);
    let anonymous = has(3, flag(libc::MAP_ANONYMOUS), flag(libc::MAP_ANONYMOUS))?;
    rules.insert(libc::SYS_mmap, vec![SeccompRule::new(vec![not_executable()?, anonymous])?]);
    rules.insert(libc::SYS_mprotect, vec![SeccompRule::new(vec![not_executable()?])?]);
    let arch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, arch)?.try_into()
}

/// System calls that may have any argument. None that sends a signal: the server runs under the same
/// user, and older kernels' Landlock knows nothing of signals. Giving up ends the process as well.
const ANYHOW: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_sigaltstack,
];
