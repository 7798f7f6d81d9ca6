"""The process: started, told its settings, stopped in the middle, looked at by its commands."""

import json
import os
import signal
import socket
import stat
import subprocess
from urllib.parse import urlsplit

import pytest

from client import refused, workdocs
from server import BINARY, ROOT_KEY, ROOT_SECRET
from waiting import until


def test_a_slow_upload_is_taken_to_its_end_before_the_server_stops(make_site):
    site = make_site()
    upload = site.initiate(ParentFolderId=site.person().root, Name="slow")
    parts = urlsplit(upload.url)
    # So much that the server does not keep it all in memory.
    half = b"12345" * 1_000_000
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall(
            f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Content-Length: {2 * len(half)}\r\n\r\n".encode() + half
        )
        staging = site.server.data / "staging"
        until("the server has begun with it", lambda: any(staging.iterdir()))
        site.server.terminate()
        until("nobody new is let in", lambda: site.server.health("live") is None)
        assert site.server.process.poll() is None
        connection.sendall(half)
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200")
    site.server.wait()
    site.server.start()
    upload.activate()
    assert site.download(upload) == 2 * half


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_well(make_site, number):
    site = make_site()
    site.server.process.send_signal(number)
    site.server.wait()


def test_everything_is_there_after_a_restart_and_after_a_kill(make_site):
    site = make_site()
    folder = site.person().root
    upload = site.upload(folder, b"kept", "kept")
    draft = site.initiate(ParentFolderId=folder, Name="draft")
    draft.put(b"draft")
    site.server.restart()
    assert site.download(upload) == b"kept"
    site.server.kill()
    site.server.start()
    assert site.download(upload) == b"kept"
    draft.activate()
    assert sorted(site.document_names(folder)) == ["draft", "kept"]


def test_the_data_directory_is_its_owner_s_alone(site):
    assert stat.S_IMODE(os.stat(site.server.data).st_mode) == 0o700


def test_readiness_and_liveness_are_answered_to_anybody(site):
    assert (site.server.health("live"), site.server.health("ready")) == (200, 200)


def test_a_second_server_does_not_take_the_same_data(site, engine):
    if engine == "postgres":
        pytest.skip("several servers may share one PostgreSQL")
    done = site.server.run("serve", str(site.server.data), "--listen", "127.0.0.1:0", expect=1)
    assert done.stderr


def test_verify_finds_nothing_on_a_live_server(site, ann):
    site.upload(ann.root, b"verified")
    site.initiate(ParentFolderId=ann.root, Name="draft").put(b"x")
    done = site.server.run("verify", str(site.server.data), "--deep", "--json")
    json.loads(done.stdout)


def test_verify_finds_a_byte_that_was_changed(make_site):
    site = make_site()
    upload = site.upload(site.person().root, b"the right content")
    site.server.stop()
    blobs = [
        path for path in (site.server.data / "blobs").rglob("*")
        if path.is_file() and path.read_bytes() == b"the right content"
    ]
    assert len(blobs) == 1
    blobs[0].chmod(0o600)
    blobs[0].write_bytes(b"the wrong content")
    done = site.server.run("verify", str(site.server.data), "--deep", "--json", expect=1)
    assert upload.version in done.stdout or blobs[0].name in done.stdout
    blobs[0].write_bytes(b"the right content")


def test_env_prints_what_each_shell_needs(site):
    names = {
        "AWS_ENDPOINT_URL_WORKDOCS", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_IAM",
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION",
        "DOCHARBOR_ORGANIZATION_ID",
    }
    data = str(site.server.data)
    told = json.loads(site.server.run("env", data, "--shell", "json").stdout)
    assert set(told) == names
    assert told["AWS_ENDPOINT_URL_WORKDOCS"].rstrip("/") == site.server.url
    assert (told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"]) == (ROOT_KEY, ROOT_SECRET)
    for shell in ("bash", "fish", "powershell", "dotenv"):
        printed = site.server.run("env", data, "--shell", shell).stdout
        assert all(name in printed for name in names)
    script = 'eval "$("$1" env "$2" --shell bash)" && env'
    done = subprocess.run(
        ["bash", "-c", script, "bash", BINARY, data], env=site.server.environment(),
        capture_output=True, text=True, check=True,
    )
    variables = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert {name: variables[name] for name in names} == told


def test_settings_come_by_flag_environment_and_file_and_unknown_ones_are_errors(site, tmp_path):
    done = site.server.run("serve", str(tmp_path / "d"), "--no-such-flag", expect=2)
    assert "no-such-flag" in done.stderr
    wrong = {"DOCHARBOR_UPLOAD_EXPIRY": "soon"}
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        [BINARY, "serve", str(tmp_path / "d"), "--listen", "127.0.0.1:0"],
        env=environment | wrong, cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )
    assert done.returncode in (1, 2)
    assert "upload" in done.stderr.lower() and "expiry" in done.stderr.lower()
    (tmp_path / "docharbor.toml").write_text('no_such_key = "x"\n')
    done = subprocess.run(
        [BINARY, "serve", str(tmp_path / "d"), "--listen", "127.0.0.1:0"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )
    assert done.returncode in (1, 2)
    assert "no_such_key" in done.stderr


def test_the_organization_s_id_may_be_chosen_at_the_first_start(make_site):
    site = make_site(DOCHARBOR_ORGANIZATION_ID="d-0123456789")
    assert site.server.organization_id == "d-0123456789"
    site.server.restart()
    assert site.person().id.endswith("&d-0123456789")


def test_dev_is_a_whole_site_in_one_line(engine):
    if engine == "postgres":
        pytest.skip("a throw-away server keeps its own database")
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    process = subprocess.Popen(
        [BINARY, "dev", "--port", "0"], env=environment, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )
    try:
        told = json.loads(process.stdout.readline())
        assert set(told) == {
            "ready", "endpoint", "organization_id", "access_key_id", "secret_access_key", "token"
        }
        assert told["ready"] is True

        class Dev:
            url = told["endpoint"]

        admin = workdocs(Dev, key=(told["access_key_id"], told["secret_access_key"]))
        users = admin.describe_users(OrganizationId=told["organization_id"])["Users"]
        by_token = workdocs(Dev, key=None, token=told["token"])
        own = []
        for user in users:
            try:
                by_token.get_folder(FolderId=user["RootFolderId"])
                own.append(user)
            except by_token.exceptions.UnauthorizedResourceAccessException:
                pass
        assert own, "the token is a demo user's"
        with refused("MissingAuthenticationTokenException"):
            workdocs(Dev, key=None).get_folder(FolderId=own[0]["RootFolderId"])
        process.terminate()
        assert process.wait(timeout=30) == 0
        assert process.stdout.read() == ""
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
