"""A disk of the test's own, which can be cut off from its power or be too small."""

import fcntl
import os
import shutil
import struct
import subprocess

import pytest

# FS_IOC_SHUTDOWN: everything fails from now on, and what was not flushed is lost.
SHUTDOWN = 0x8004587D
WITHOUT_FLUSHING_THE_LOG = 2


class Disk:
    """A file system in a file, mounted through a loop device."""

    def __init__(self, directory, kind, size_bytes):
        make = {"ext4": ["-q", "-m", "0"], "xfs": ["-q", "-f"]}[kind]
        program = shutil.which(f"mkfs.{kind}", path=os.defpath + ":/usr/sbin:/sbin")
        if os.geteuid() != 0:
            pytest.skip("only root may mount a disk of its own")
        if program is None:
            pytest.skip(f"mkfs.{kind} is not installed")
        self.image = directory / f"{kind}.image"
        self.place = directory / "disk"
        self.place.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(size_bytes)
        subprocess.run([program, *make, str(self.image)], check=True, capture_output=True)
        self.mounted = False
        done = self._mount()
        if done.returncode != 0:
            self.image.unlink()
            pytest.skip(f"loop devices are not to be had: {done.stderr.strip()}")

    def _mount(self):
        done = subprocess.run(
            ["mount", "-o", "loop", str(self.image), str(self.place)],
            capture_output=True, text=True,
        )
        self.mounted = done.returncode == 0
        return done

    def cut(self):
        """Cuts the power: nothing reaches the disk any more."""
        place = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(place, SHUTDOWN, struct.pack("I", WITHOUT_FLUSHING_THE_LOG))
        finally:
            os.close(place)

    def come_back(self):
        """Mounts what reached the disk before the power was cut."""
        self.unmount()
        done = self._mount()
        assert done.returncode == 0, done.stderr

    def unmount(self):
        subprocess.run(["umount", str(self.place)], check=True, capture_output=True)
        self.mounted = False

    def remove(self):
        if self.mounted:
            self.unmount()
        self.image.unlink()
