//! The directory in which one document is turned into a PDF, and an end to it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::super::DOCUMENT_MAX_BYTES;

/// What an office program may write for one document, its profile included.
const WRITTEN_MAX_BYTES: u64 = 256 * 1024 * 1024;
/// Files and directories it may make.
const FILES_MAX: usize = 2_000;

/// A directory of the server's alone, which is gone when it is dropped.
pub(super) struct Workplace {
    directory: PathBuf,
}

impl Workplace {
    pub(super) fn make(directory: PathBuf) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(&directory)?;
        Ok(Self { directory })
    }

    pub(super) fn path(&self) -> &Path {
        &self.directory
    }

    /// Whether the program that works here has written more than a document needs.
    pub(super) fn is_overfull(&self, process: u32) -> bool {
        let written = written_bytes(process);
        written.is_none_or(|bytes| WRITTEN_MAX_BYTES < bytes) || has_too_many_files(&self.directory)
    }

    /// Opens a file that the program has left here, if it is one: it must not lead anywhere else.
    pub(super) fn open(&self, name: &str) -> io::Result<File> {
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let path = self.directory.join(name);
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || DOCUMENT_MAX_BYTES < metadata.len() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(file)
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // What is left over is removed at the next start.
        remove(&self.directory).ok();
    }
}

/// Makes a directory for workplaces, without what an earlier process has left there.
pub(super) fn make_empty(directory: &Path) -> io::Result<()> {
    match remove(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    DirBuilder::new().mode(0o700).create(directory)
}

/// Removes a directory and all below it. What stands deeper is brought up first: somebody may have made
/// it so deep that no path leads there, and each level would cost a descriptor.
fn remove(directory: &Path) -> io::Result<()> {
    let mut number = 0;
    loop {
        let mut is_flat = true;
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if !entry.file_type()?.is_dir() {
                fs::remove_file(entry.path())?;
                continue;
            }
            is_flat = false;
            for inner in fs::read_dir(entry.path())? {
                let inner = inner?;
                if inner.file_type()?.is_dir() {
                    fs::rename(inner.path(), unused(directory, &mut number))?;
                } else {
                    fs::remove_file(inner.path())?;
                }
            }
            fs::remove_dir(entry.path())?;
        }
        if is_flat {
            return fs::remove_dir(directory);
        }
    }
}

/// A path in a directory at which there is nothing.
fn unused(directory: &Path, number: &mut u64) -> PathBuf {
    loop {
        *number += 1;
        let path = directory.join(format!(".{number}"));
        if path.symlink_metadata().is_err() {
            return path;
        }
    }
}

/// What a process has written so far, by the kernel's count: also what it has removed again.
fn written_bytes(process: u32) -> Option<u64> {
    let counts = fs::read_to_string(format!("/proc/{process}/io")).ok()?;
    let count = |name: &str| {
        let number = counts.lines().find_map(|line| line.strip_prefix(name))?;
        number.trim().parse::<u64>().ok()
    };
    // By system calls, and by memory that is written back.
    count("wchar:").max(count("write_bytes:"))
}

fn has_too_many_files(directory: &Path) -> bool {
    let mut directories = vec![directory.to_owned()];
    let mut files = 0;
    while let Some(directory) = directories.pop() {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            // What vanishes meanwhile counts no more.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            // It is deeper than a path is long.
            Err(_) => return true,
        };
        for entry in entries.flatten() {
            files += 1;
            if FILES_MAX < files {
                return true;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                directories.push(entry.path());
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deeper_than_a_path_is_long_is_found_and_removed() {
        let place = tempfile::tempdir().unwrap();
        let top = place.path().join("top");
        fs::create_dir(&top).unwrap();
        fs::write(top.join(".1"), "in the way").unwrap();
        let (inner, outer) = (top.join("inner"), top.join("outer"));
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("file"), "deepest").unwrap();
        // Each is moved, with all below it, into another one.
        for _ in 0..40 {
            fs::create_dir(&outer).unwrap();
            fs::rename(&inner, outer.join("d".repeat(255))).unwrap();
            fs::rename(&outer, &inner).unwrap();
        }
        assert!(has_too_many_files(&top));
        remove(&top).unwrap();
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_workplace_with_few_files_has_not_too_many() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir_all(place.path().join("a/b/c")).unwrap();
        fs::write(place.path().join("a/file"), "").unwrap();
        assert!(!has_too_many_files(place.path()));
    }
}
