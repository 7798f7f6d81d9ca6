"""The commands of README and docs do what they say: each block is run as it stands, README's first."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import server as product
from waiting import until

REPOSITORY = Path(__file__).resolve().parents[3]
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# The page's own start and test commands: the first is started below, the second runs this very test.
SERVE = "cargo run --release -- serve\n"
TEST = "cargo xtask test\n"
TEN_LINES = "People, scripts and an Active Directory, in ten lines"


def blocks():
    pages = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
    return [block for page in pages for block in BLOCK.findall(page.read_text())]


def test_who_may_come_in_is_told_in_ten_lines():
    """The commands for a directory, which needs a server, are run in test_27_active_directory.py."""
    text = (REPOSITORY / "README.md").read_text()
    section = text.split(f"\n## {TEN_LINES}\n")[1].split("\n## ")[0]
    told = re.findall(r"^```\w+\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert len("".join(told).splitlines()) == 10


def test_the_first_command_means_the_server_and_no_other_program_of_the_workspace():
    """Built as for the tests: to build a release for it would take longer than all other stories."""
    cargo, run, release, dashes, serve = SERVE.split()
    assert (release, serve) == ("--release", "serve")
    command = [cargo, run, "--quiet", dashes, "--version"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.stdout.startswith("docharbor "), done.stderr


def surroundings(folder):
    """A shell as a newcomer has it, with the built binary where the page says it is."""
    built = folder / "target/release/docharbor"
    built.parent.mkdir(parents=True)
    shutil.copy(product.BINARY, built)
    here = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "DOCHARBOR_"))}
    tools = Path(sys.executable).parent
    return built, {**here, "PATH": f"{tools}:{here['PATH']}", "DOCHARBOR_LISTEN": "127.0.0.1:0"}


def test_the_commands_of_every_page_work_as_they_stand(tmp_path):
    built, environment = surroundings(tmp_path)
    found = blocks()
    commands = [text for kind, text in found if kind == "sh"]
    assert SERVE in commands and TEST in commands
    log = (tmp_path / "log").open("w")
    server = subprocess.Popen([built, "serve"], cwd=tmp_path, env=environment, stderr=log)
    try:
        until("the server is ready", (tmp_path / "docharbor-data/endpoint").exists)
        # Blocks share a shell's variables, so the shell's blocks are one script.
        script = "\n".join(text for text in commands if text not in (SERVE, TEST))
        client = {key: value for key, value in environment.items() if key != "DOCHARBOR_LISTEN"}
        shown = subprocess.run(
            [built, "env", "--shell", "json"], cwd=tmp_path, env=client, capture_output=True, check=True
        )
        site = {"DOCHARBOR_ORGANIZATION_ID": json.loads(shown.stdout)["DOCHARBOR_ORGANIZATION_ID"]}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path, env=client, capture_output=True, text=True, timeout=600,
        )
        assert done.returncode == 0, done.stderr
        assert '"hello.txt"' in done.stdout
        assert "no findings" in done.stdout
        for kind, text in found:
            if kind == "python":
                # A page makes a second site; whoever reads another one had chosen theirs before.
                run_python(text, tmp_path, client | site)
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0


def run_python(text, folder, environment):
    (folder / "block.py").write_text(text)
    script = f'eval "$(target/release/docharbor env)"; exec "{sys.executable}" block.py'
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
