"""The quick start: the AWS CLI in a shell, with what `docharbor env` prints and nothing else."""

import json
import pathlib
import subprocess
import sys

import pytest
import requests

from server import BINARY


@pytest.fixture(scope="module")
def aws(site, tmp_path_factory):
    """Runs `aws workdocs …` in bash, the way the server's banner says."""
    home = tmp_path_factory.mktemp("home")
    program = str(pathlib.Path(sys.executable).with_name("aws"))
    script = 'eval "$("$DOCHARBOR" env "$DATA")"; exec "$AWS" workdocs "$@"'
    environment = site.server.environment() | {
        "HOME": str(home), "DOCHARBOR": BINARY, "DATA": str(site.server.data), "AWS": program,
        "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8",
    }

    def run(*arguments, expect=0):
        done = subprocess.run(
            ["bash", "-c", script, "aws", *arguments, "--output", "json"],
            env=environment, capture_output=True, text=True, timeout=120,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done

    return run


def told(done):
    return json.loads(done.stdout)


def test_users_are_described_with_the_variable_from_env(site, ann, aws):
    users = told(aws("describe-users", "--organization-id", site.server.organization_id))
    assert ann.id in [user["Id"] for user in users["Users"]]


def test_a_file_goes_up_and_comes_down(site, ann, aws):
    folder = told(aws("create-folder", "--parent-folder-id", ann.root, "--name", "Büro 🎉"))
    folder = folder["Metadata"]["Id"]
    begun = told(aws(
        "initiate-document-version-upload", "--parent-folder-id", folder, "--name", "ünï.txt",
        "--content-type", "text/plain", "--document-size-in-bytes", "5",
    ))
    document = begun["Metadata"]["Id"]
    version = begun["Metadata"]["LatestVersionMetadata"]["Id"]
    target = begun["UploadMetadata"]
    put = requests.put(
        target["UploadUrl"], data=b"hello", headers=target["SignedHeaders"], timeout=30
    )
    assert put.status_code == 200
    ids = ("--document-id", document, "--version-id", version)
    done = aws("update-document-version", *ids, "--version-status", "ACTIVE")
    assert done.stdout == ""
    read = told(aws("get-document-version", *ids, "--fields", "SOURCE"))["Metadata"]
    assert (read["Name"], read["Status"], read["Size"]) == ("ünï.txt", "ACTIVE", 5)
    source = read["Source"]["ORIGINAL"]
    assert requests.get(source, timeout=30).content == b"hello"
    listed = told(aws("describe-folder-contents", "--folder-id", folder))
    assert [one["Id"] for one in listed["Documents"]] == [document]


def test_an_upload_is_aborted_in_silence(site, ann, aws):
    begun = told(aws(
        "initiate-document-version-upload", "--parent-folder-id", ann.root, "--name", "aborted"
    ))
    ids = (
        "--document-id", begun["Metadata"]["Id"],
        "--version-id", begun["Metadata"]["LatestVersionMetadata"]["Id"],
    )
    done = aws("abort-document-version-upload", *ids)
    assert (done.stdout, done.stderr) == ("", "")
    done = aws("abort-document-version-upload", *ids, expect=255)
    assert "(UnauthorizedResourceAccessException)" in done.stderr
    assert "is not allowed to execute [workdocs:AbortDocumentVersionUpload]" in done.stderr


def test_a_listing_is_paged_by_the_cli_itself(site, ann, aws):
    folder = site.folder(ann.root)
    ids = [site.folder(folder, f"{number:02}") for number in range(12)]
    listed = told(aws("describe-folder-contents", "--folder-id", folder, "--page-size", "5"))
    assert [one["Id"] for one in listed["Folders"]] == ids


def test_a_wrong_value_is_answered_with_the_server_s_text(site, ann, aws):
    done = aws(
        "create-folder", "--parent-folder-id", ann.root, "--name", "n" * 256, expect=255
    )
    assert "(ValidationException)" in done.stderr
    assert "name" in done.stderr.lower()
