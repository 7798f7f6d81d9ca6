"""A server that dies, and comes back on the same data with nobody's help."""

import pathlib
import subprocess

from server import BINARY, Server
from waiting import until

READY_WITHIN_SECONDS = 30


class CrashingServer(Server):
    """Keeps its log outside the data, which may be on a disk that fails."""

    def __init__(self, cluster=None, settings=None, data=None, binary=BINARY):
        self._data = data and pathlib.Path(data)
        self._default_data = None
        super().__init__(cluster, {"DOCHARBOR_GC_GRACE": "1s"} | (settings or {}), binary=binary)

    @property
    def data(self):
        return self._data or self._default_data

    @data.setter
    def data(self, value):
        self._default_data = value

    def start(self, **armed):
        """Starts the server; after the first time it finds everything as the dead one left it."""
        if self.variables is None:
            super().start()
            return
        self.begin(**armed)
        self.wait_until_ready()

    def begin(self, **armed):
        """Starts the process and does not wait for it."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", self.binary, "serve", str(self.data),
                 "--listen", f"127.0.0.1:{self.port}"],
                env=self.environment() | armed, cwd=self.directory,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )

    def wait_until_ready(self):
        until("the server is ready again", self._is_ready, seconds=READY_WITHIN_SECONDS)

    def _is_ready(self):
        assert self.process.poll() is None, f"the server ended:\n{self.log()[-4000:]}"
        return self.health("ready") == 200

    def kill(self):
        assert self.process.poll() is None, f"it was dead already:\n{self.log()[-4000:]}"
        super().kill()

    def end(self):
        """Ends the process, if it has not ended itself."""
        self.process.kill()
        self.process.wait()

    def verify(self, grace="1d"):
        """Holds the data to every invariant; bytes of dead uploads may be as old as the grace."""
        kept = self.settings
        self.settings = kept | {"DOCHARBOR_GC_GRACE": grace}
        try:
            super().verify()
        finally:
            self.settings = kept

    def blobs(self):
        """The files of the blob store."""
        return [path for path in (self.data / "blobs").rglob("*") if path.is_file()]

    def staged(self):
        """The files of uploads on their way."""
        return list((self.data / "staging").iterdir())
