"""One upload lifecycle, step by step, told to a server that may die at any of them.

After a death the state is the one before the step or the one after it; the same request sent again,
as the SDK does it, then has its effect once.
"""

import hashlib
import http.client
import json
import signal

from botocore.exceptions import ConnectionError, HTTPClientError

from client import Request, request_of, send, workdocs

# What a call ends with when the server dies; `send` has no socket when it dies at the connecting.
DEATH = (OSError, http.client.HTTPException, HTTPClientError, ConnectionError, AttributeError)
CONTENT = {"first": b"first content", "second": b"s" * 200_000, "other": b""}


class Story:
    """The steps in a folder, with the ids that earlier answers gave."""

    def __init__(self, server, folder):
        self.server = server
        self.client = workdocs(server)
        self.folder = folder
        self.ids = {}

    def steps(self):
        """The name of each step, and what makes its request when its turn has come."""
        ids = self.ids
        yield "a folder is made", lambda: self._api(
            "create_folder", ParentFolderId=self.folder, Name="inner"
        ), lambda answer: ids.update(inner=answer["Metadata"]["Id"])
        yield from self._upload("first", ParentFolderId=self.folder, Name="kept")
        yield from self._upload("second", lambda: {"Id": ids["first"]["DocumentId"]})
        yield "another version is begun", lambda: self._begin(Id=ids["first"]["DocumentId"]), (
            lambda answer: self._begun("third", answer)
        )
        yield "it is aborted", lambda: self._api(
            "abort_document_version_upload", **ids["third"]
        ), None
        yield from self._upload("other", lambda: {"ParentFolderId": ids["inner"], "Name": "other"})
        yield "a document is deleted", lambda: self._api(
            "delete_document", DocumentId=ids["other"]["DocumentId"]
        ), None
        yield "a folder is deleted", lambda: self._api("delete_folder", FolderId=ids["inner"]), None

    def _upload(self, key, later=None, **members):
        yield f"{key} is begun", lambda: self._begin(**(later() if later else members)), (
            lambda answer: self._begun(key, answer)
        )
        yield f"{key} is received", lambda: Request(
            "PUT", self.ids[f"{key} url"], self.ids[f"{key} headers"], CONTENT[key]
        ), None
        yield f"{key} is activated", lambda: self._api(
            "update_document_version", **self.ids[key], VersionStatus="ACTIVE"
        ), None

    def _api(self, operation, **members):
        return request_of(self.client, operation, **members)

    def _begin(self, **members):
        return self._api("initiate_document_version_upload", **members)

    def _begun(self, key, answer):
        document = answer["Metadata"]
        self.ids[key] = {
            "DocumentId": document["Id"], "VersionId": document["LatestVersionMetadata"]["Id"]
        }
        self.ids[f"{key} url"] = answer["UploadMetadata"]["UploadUrl"]
        self.ids[f"{key} headers"] = answer["UploadMetadata"]["SignedHeaders"]

    def state(self, folder=None):
        """All that can be seen, without the ids."""
        page = self.client.describe_folder_contents(
            FolderId=folder or self.folder, Include="INITIALIZED", Type="ALL"
        )
        assert not page.get("Marker")
        folders = [(one["Name"], self.state(one["Id"])) for one in page["Folders"]]
        documents = [
            (one["LatestVersionMetadata"]["Name"], self._versions(one["Id"]))
            for one in page["Documents"]
        ]
        return sorted(folders), sorted(documents)

    def _versions(self, document):
        answer = self.client.describe_document_versions(
            DocumentId=document, Include="INITIALIZED", Fields="SOURCE"
        )
        return [
            (one["Status"], one["Signature"], one["Size"], self._content(one))
            if one["Status"] == "ACTIVE" else one["Status"]
            for one in answer["DocumentVersions"]
        ]

    def _content(self, version):
        answer = send(Request("GET", version["Source"]["ORIGINAL"], {}, b""))
        assert answer.status == 200
        return hashlib.md5(answer.body).hexdigest()

    def reference(self):
        """Tells the story undisturbed; answers the state after each step."""
        states = [self.state()]
        for name, request, take in self.steps():
            answer = send(request())
            assert answer.status in (200, 201, 204), f"{name}: {answer}"
            if take:
                take(json.loads(answer.body))
            states.append(self.state())
        return states

    def through_death(self, states):
        """Tells the story over the server's death; answers the step it died in, if it died."""
        died_in = None
        for index, (name, request, take) in enumerate(self.steps()):
            request = request()
            try:
                answer = send(request)
            except DEATH:
                assert died_in is None, "it was told to die once"
                died_in = name
                come_back(self.server)
                assert self.state() in states[index:index + 2], f"{name}: neither old nor new"
                answer = send(request)
            assert answer.status in (200, 201, 204), f"{name}, after {died_in}: {answer}"
            if take:
                take(json.loads(answer.body))
        try:
            state = self.state()
        except DEATH:
            assert died_in is None, "it was told to die once"
            died_in = "its jobs"
            come_back(self.server)
            state = self.state()
        assert state == states[-1], f"after {died_in}"
        return died_in


def come_back(server):
    """Sees that the server died of what it was told to die of, and starts it again."""
    assert server.process.wait(timeout=30) == -signal.SIGABRT, server.log()[-4000:]
    server.start()
    server.verify()
