"""The real server, started as its users start it."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import requests

from ports import reserve_port
from waiting import until

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
BINARY = os.environ.get("DOCHARBOR_BIN", str(REPOSITORY / "target/debug/docharbor"))
BINARY_WITH_FAILPOINTS = os.environ.get(
    "DOCHARBOR_BIN_FAILPOINTS", str(REPOSITORY / "target/failpoints/docharbor")
)

# An endpoint that may be called, and at which nobody answers.
NOBODY_ENDPOINT = "https://localhost:9/nobody"
NOBODY = {"DOCHARBOR_NOTIFICATION_ALLOW": "localhost:9"}

# Thumbnails come when there is time: only stories about them have answers change by themselves.
UNSEEN = {"DOCHARBOR_EXTRACTION": "off"}

ROOT_KEY = "AKIASTORYSTORYSTORY2"
ROOT_SECRET = "CANARYrootSecretCANARYrootSecretCANARYrs"


class Server:
    """One data directory, and the process that serves it."""

    root = ROOT_KEY, ROOT_SECRET

    def __init__(self, cluster=None, settings=None, directory=None, binary=BINARY):
        self.cluster = cluster
        self.database_url = cluster.fresh_database() if cluster else None
        self.own_directory = directory is None
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="docharbor-story-"))
        self.data = self.directory / "data"
        self.binary = binary
        self.settings = settings or {}
        self.log_path = self.directory / "stderr.log"
        self.process = None
        # Kept while the process is gone as well, so that it is found again where it was.
        self.kept = reserve_port()
        self.port = self.kept.getsockname()[1]
        self.url = None
        self.variables = None
        try:
            self.start()
        except BaseException:
            self.remove()
            raise

    def environment(self):
        """What the server and the commands beside it are told; nothing of the test's own."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        root = {
            "DOCHARBOR_ROOT_ACCESS_KEY_ID": ROOT_KEY,
            "DOCHARBOR_ROOT_SECRET_ACCESS_KEY": ROOT_SECRET,
        }
        database = {"DOCHARBOR_DATABASE_URL": self.database_url} if self.database_url else {}
        return kept | root | database | NOBODY | UNSEEN | self.settings

    def start(self):
        """Starts the process, always on the same port."""
        endpoint = self.data / "endpoint"
        endpoint.unlink(missing_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                # It must not outlive the tests, however they end.
                ["setpriv", "--pdeathsig=KILL", self.binary, "serve", str(self.data),
                 "--listen", f"127.0.0.1:{self.port}"],
                env=self.environment(), cwd=self.directory,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        self.url = until("the endpoint file", lambda: self._endpoint(endpoint)).rstrip("/")
        until("the server is ready", lambda: self.health("ready") == 200)
        if self.variables is None:
            self.variables = json.loads(self.run("env", str(self.data), "--shell", "json").stdout)

    def _endpoint(self, path):
        assert self.process.poll() is None, f"the server ended:\n{self.log()}"
        return path.exists() and path.read_text().strip()

    def health(self, kind):
        """The status of /health/live or /health/ready; none where nothing listens."""
        try:
            return requests.get(f"{self.url}/health/{kind}", timeout=15).status_code
        except requests.ConnectionError:
            return None

    def run(self, *arguments, expect=0, stdin=""):
        """Runs a command of the binary on this server's data, in a shell that knows the site."""
        done = subprocess.run(
            [self.binary, *arguments], env=self.environment() | self.known(), cwd=self.directory,
            input=stdin, capture_output=True, text=True, timeout=120,
        )
        assert done.returncode == expect, f"{arguments[0]}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def terminate(self):
        """Asks the process to stop; it drains, and ends well."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self):
        status = self.process.wait(timeout=60)
        assert status == 0, f"the server ended with {status}:\n{self.log()}"

    def stop(self):
        self.terminate()
        self.wait()

    def kill(self):
        """Ends the process without a word."""
        self.process.kill()
        self.process.wait()

    def restart(self):
        self.stop()
        self.start()

    def verify(self):
        """Holds the data to every invariant."""
        self.run("verify", str(self.data), "--deep", "--json")

    def remove(self):
        if self.process and self.process.poll() is None:
            self.kill()
        self.kept.close()
        if self.own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def log(self):
        """Everything the server has written to its terminal."""
        return self.log_path.read_text(errors="replace")

    def known(self):
        """What a shell has of `env` that commands look at."""
        name = "DOCHARBOR_ORGANIZATION_ID"
        return {name: self.variables[name]} if self.variables else {}

    @property
    def organization_id(self):
        return self.variables["DOCHARBOR_ORGANIZATION_ID"]

    def another_site(self, *arguments):
        """Makes a further site, and answers the same server as that site's people see it."""
        done = self.run("site", "create", *arguments, str(self.data))
        return OtherSite(self, json.loads(done.stdout))

    def token(self, username, *arguments):
        """Makes a token for a user."""
        done = self.run("token", "create", "--user", username, *arguments, str(self.data))
        return done.stdout.strip()

    def key(self, name, policy=None):
        """Makes an access key, with a policy if one is given; answers its id and its secret."""
        options = []
        if policy is not None:
            path = self.directory / f"{name}.policy.json"
            path.write_text(json.dumps(policy))
            options = ["--policy", str(path)]
        done = self.run("key", "create", "--name", name, *options, str(self.data))
        made = json.loads(done.stdout)
        return made["AccessKeyId"], made["SecretAccessKey"]


class OtherSite(Server):
    """Another site of a server that runs; whatever is no site's own is the server's."""

    def __init__(self, server, made):
        self.server = server
        self.root = made["AccessKeyId"], made["SecretAccessKey"]
        self.variables = {"DOCHARBOR_ORGANIZATION_ID": made["OrganizationId"]}

    def __getattr__(self, name):
        return getattr(self.server, name)
