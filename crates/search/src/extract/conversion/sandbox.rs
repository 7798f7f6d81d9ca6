//! Locking an office program in: it computes, reads what it is made of, and writes into one directory.
//!
//! It is far larger than a parser of ours, so the walls are wider; what it cannot do is read other
//! files, start a process, reach anything over a socket, or touch another process.

use std::collections::BTreeMap;
use std::path::Path;

use landlock::{
    AccessFs, BitFlags, RulesetCreated, RulesetCreatedAttr as _, RulesetError, make_bitflags,
    path_beneath_rules,
};
use rustix::process::Resource;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule,
};

use super::super::DOCUMENT_MAX_BYTES;
use super::super::sandbox::{Confinement, NoSandbox, landlocked, limit, raise};

/// Addresses that one document may take, libraries included.
const MEMORY_MAX_BYTES: u64 = 1024 * 1024 * 1024;
/// Time of a processor that one document may take.
const CPU_MAX_SECONDS: u64 = 40;
const OPEN_FILES_MAX: u64 = 256;

/// Where programs, their libraries and fonts lie.
const PROGRAMS: [&str; 4] = ["/usr", "/bin", "/lib", "/lib64"];
/// What an office program looks up besides.
const LOOKED_UP: [&str; 11] = [
    "/dev/random",
    "/dev/urandom",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/libreoffice",
    "/etc/localtime",
    "/etc/papersize",
    "/var/cache/fontconfig",
    // Debian's place for what LibreOffice's installation learned of its extensions.
    "/var/spool/libreoffice",
];

/// Gives up all that turning one document into a PDF does not need. There is no way back.
pub(super) fn enter(
    confinement: Confinement,
    program: &Path,
    directory: &Path,
) -> Result<(), NoSandbox> {
    raise(limits(), confinement)?;
    raise(landlocked(|rules| allow(rules, program, directory)), confinement)?;
    raise(system_calls(), confinement)
}

fn limits() -> Result<(), NoSandbox> {
    limit(&[
        (Resource::As, (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES)),
        (Resource::Cpu, (CPU_MAX_SECONDS, CPU_MAX_SECONDS + 1)),
        (Resource::Nofile, (OPEN_FILES_MAX, OPEN_FILES_MAX)),
        // More than this is no PDF that is looked at.
        (Resource::Fsize, (DOCUMENT_MAX_BYTES, DOCUMENT_MAX_BYTES)),
        (Resource::Core, (0, 0)),
    ])
}

fn allow(
    rules: RulesetCreated,
    program: &Path,
    directory: &Path,
) -> Result<RulesetCreated, RulesetError> {
    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let run: BitFlags<AccessFs> = read | AccessFs::Execute;
    // No links, which the server might follow, and no moving of directories into each other.
    let write = read
        | make_bitflags!(AccessFs::{WriteFile | Truncate | MakeReg | MakeDir | RemoveFile | RemoveDir});
    rules
        .add_rules(path_beneath_rules(PROGRAMS, run))?
        .add_rules(path_beneath_rules([installation(program)], run))?
        .add_rules(path_beneath_rules(LOOKED_UP, read))?
        .add_rules(path_beneath_rules(["/dev/null"], read | AccessFs::WriteFile))?
        .add_rules(path_beneath_rules([directory], write))
}

/// What the program brings with it: its directory, or the one above where that is called `program`,
/// as LibreOffice has it.
fn installation(program: &Path) -> &Path {
    let is_below_the_root = |path: &&Path| path.parent().is_some();
    let Some(own) = program.parent().filter(is_below_the_root) else { return program };
    match own.parent().filter(is_below_the_root) {
        Some(above) if own.ends_with("program") => above,
        Some(_) | None => own,
    }
}

fn system_calls() -> Result<(), NoSandbox> {
    for filter in [pretence(), allowed()] {
        let filter = filter.map_err(|_| NoSandbox)?;
        seccompiler::apply_filter(&filter).map_err(|_| NoSandbox)?;
    }
    Ok(())
}

/// LibreOffice gives up without a socket in `/tmp` by which a second one would find it. Nobody is to
/// find it: it is told that it has one.
fn pretence() -> Result<BpfProgram, BackendError> {
    let rules = [libc::SYS_bind, libc::SYS_listen].map(|call| (call, vec![]));
    let arch = std::env::consts::ARCH.try_into()?;
    let done = SeccompAction::Errno(0);
    SeccompFilter::new(rules.into(), SeccompAction::Allow, done, arch)?.try_into()
}

/// Whatever is not named is answered as by a kernel that does not have it, which programs expect.
fn allowed() -> Result<BpfProgram, BackendError> {
    let is = |argument, value: u64| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, value)
    };
    let has = |argument, mask: u64| {
        let operator = SeccompCmpOp::MaskedEq(mask);
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, mask)
    };
    let flag = |flag: i32| u64::from(flag.unsigned_abs());
    let only = |conditions| Ok::<_, BackendError>(vec![SeccompRule::new(conditions)?]);
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ANYHOW.iter().chain(ANYHOW_OF_OLD).map(|call| (*call, vec![])).collect();
    // Threads, and no processes.
    rules.insert(libc::SYS_clone, only(vec![has(0, flag(libc::CLONE_THREAD))?])?);
    // Landlock says which files; truncating one is writing, which older Landlock does not know of, and
    // no more of an access mode that neither reads nor writes.
    let masked = |at, mask: i32, value: i32| {
        let operator = SeccompCmpOp::MaskedEq(flag(mask));
        SeccompCondition::new(at, SeccompCmpArgLen::Dword, operator, flag(value))
    };
    let opened = |at| {
        Ok::<_, BackendError>(vec![
            SeccompRule::new(vec![masked(at, libc::O_ACCMODE | libc::O_TRUNC, libc::O_RDONLY)?])?,
            SeccompRule::new(vec![masked(at, libc::O_ACCMODE, libc::O_WRONLY)?])?,
            SeccompRule::new(vec![masked(at, libc::O_ACCMODE, libc::O_RDWR)?])?,
        ])
    };
    rules.insert(libc::SYS_openat, opened(2)?);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_open, opened(1)?);
    // Sockets that lead nowhere: there is no call to connect one.
    for call in [libc::SYS_socket, libc::SYS_socketpair] {
        rules.insert(call, only(vec![is(0, flag(libc::AF_UNIX))?])?);
    }
    // Every directory can be removed again: its owner may look into it.
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_mkdir, only(vec![has(1, u64::from(libc::S_IRWXU))?])?);
    let here = SeccompCondition::new(
        0,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Eq,
        u64::from(libc::AT_FDCWD.cast_unsigned()),
    )?;
    rules.insert(libc::SYS_mkdirat, only(vec![here, has(2, u64::from(libc::S_IRWXU))?])?);
    // Not the one by which the kernel is made to send signals to others.
    let about_files = FCNTL.iter().map(|command| SeccompRule::new(vec![is(1, flag(*command))?]));
    rules.insert(libc::SYS_fcntl, about_files.collect::<Result<_, _>>()?);
    rules.insert(libc::SYS_prctl, only(vec![is(0, flag(libc::PR_SET_NAME))?])?);
    // To read its own limits: others' could be changed, the server's too.
    rules.insert(libc::SYS_prlimit64, only(vec![is(0, 0)?, is(2, 0)?])?);
    let arch = std::env::consts::ARCH.try_into()?;
    let absent = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    SeccompFilter::new(rules, absent, SeccompAction::Allow, arch)?.try_into()
}

const FCNTL: [i32; 9] = [
    libc::F_DUPFD,
    libc::F_DUPFD_CLOEXEC,
    libc::F_GETFD,
    libc::F_GETFL,
    libc::F_GETLK,
    libc::F_SETFD,
    libc::F_SETFL,
    libc::F_SETLK,
    libc::F_SETLKW,
];

/// System calls that may have any argument: what files they reach is Landlock's to say. None that
/// sends a signal or changes the mode of a file, for older kernels' Landlock knows nothing of these.
const ANYHOW: &[i64] = &[
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_eventfd2,
    libc::SYS_execve,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fadvise64,
    libc::SYS_fdatasync,
    libc::SYS_flock,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_futex,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_getuid,
    libc::SYS_listen,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_msync,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_newfstatat,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_pselect6,
    libc::SYS_pwrite64,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_renameat2,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_shutdown,
    libc::SYS_sigaltstack,
    libc::SYS_statfs,
    libc::SYS_statx,
    libc::SYS_sysinfo,
    libc::SYS_times,
    libc::SYS_uname,
    libc::SYS_unlinkat,
    libc::SYS_write,
    libc::SYS_writev,
];

/// Calls that newer architectures no longer have.
#[cfg(target_arch = "x86_64")]
const ANYHOW_OF_OLD: &[i64] = &[
    libc::SYS_access,
    libc::SYS_arch_prctl,
    libc::SYS_dup2,
    libc::SYS_lstat,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_readlink,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_rmdir,
    libc::SYS_select,
    libc::SYS_stat,
    libc::SYS_unlink,
];
/// `renameat`, which this architecture still has, though libc's list does not name it.
#[cfg(target_arch = "aarch64")]
const ANYHOW_OF_OLD: &[i64] = &[38];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ANYHOW_OF_OLD: &[i64] = &[];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_brings_its_installation_and_never_the_whole_machine() {
        let of = |program| installation(Path::new(program)).to_str().unwrap();
        assert_eq!(of("/opt/office/program/soffice.bin"), "/opt/office");
        assert_eq!(of("/opt/office/soffice"), "/opt/office");
        assert_eq!(of("/program/soffice"), "/program");
        assert_eq!(of("/soffice"), "/soffice");
    }
}
