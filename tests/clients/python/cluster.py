"""A PostgreSQL cluster of the tests' own: on a free port of the loopback, gone with the run."""

import glob
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import psycopg

from ports import reserve_port
from waiting import until


def programs():
    """The directory with initdb and postgres."""
    named = os.environ.get("DOCHARBOR_TEST_POSTGRES_BIN")
    found = [named] if named else sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    if not found:
        raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql")
    return pathlib.Path(found[0])


def unprivileged(*command):
    """PostgreSQL refuses to run as root; and it must not outlive the tests."""
    nobody = ("--reuid=nobody", "--regid=nogroup", "--clear-groups")
    return ("setpriv", *(nobody if os.geteuid() == 0 else ()), "--pdeathsig=QUIT", *command)


class Cluster:
    """One PostgreSQL server that a test may stop, freeze and start again."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="docharbor-postgres-"))
        self.directory.chmod(0o777)
        self.data = self.directory / "data"
        self._run("initdb", "-D", str(self.data), "-U", "stories", "-A", "trust", "-N", "-E", "UTF8")
        # Kept while the server is stopped as well, so that it is found again where it was.
        self.kept = reserve_port()
        self.port = self.kept.getsockname()[1]
        self.process = None
        self.databases = 0
        self.start()

    def _run(self, program, *arguments):
        command = unprivileged(str(programs() / program), *arguments)
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.directory)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self):
        log = open(self.directory / "log", "ab")
        self.process = subprocess.Popen(
            unprivileged(
                str(programs() / "postgres"), "-D", str(self.data), "-p", str(self.port),
                "-h", "127.0.0.1", "-k", "", "-c", "fsync=off", "-c", "max_connections=200",
            ),
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.directory,
        )
        log.close()
        until("PostgreSQL answers", self._answers, seconds=60)

    def _answers(self):
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            assert self.process.poll() is None, (self.directory / "log").read_text()
            return False
        return True

    def stop(self):
        """Ends the server at once, as its host would by going down."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(timeout=30)

    def freeze(self):
        """Stops all processes where they are: connections stay open, nothing answers."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self):
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number):
        listed = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in [self.process.pid, *map(int, listed.read_text().split())]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def url(self, database="postgres"):
        return f"postgres://stories@127.0.0.1:{self.port}/{database}"

    def execute(self, statement):
        with psycopg.connect(self.url(), autocommit=True, connect_timeout=30) as connection:
            connection.execute(statement)

    def fresh_database(self):
        """Makes an empty database and gives its URL."""
        self.databases += 1
        name = f"stories_{self.databases}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def remove(self):
        self.thaw()
        self.stop()
        self.kept.close()
        shutil.rmtree(self.directory)
