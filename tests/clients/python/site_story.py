"""What the stories do again and again on a site: make users and folders, upload, look."""

import itertools

import requests

from client import workdocs

PASSWORD = "CANARY-passw0rd"


class Person:
    """A user of the site, with a folder for everything and a token where one is needed."""

    def __init__(self, site, user):
        self.site = site
        self.id = user["Id"]
        self.username = user["Username"]
        self.root = user["RootFolderId"]
        self.recycle_bin = user["RecycleBinFolderId"]

    def client(self, *token_arguments, **options):
        """A client that acts as this person, by token alone."""
        token = self.site.server.token(self.username, *token_arguments)
        return workdocs(self.site.server, key=None, token=token, **options)


class Site:
    """A running server seen by its administrator."""

    def __init__(self, server):
        self.server = server
        self.admin = workdocs(server)
        self.numbers = itertools.count(1)

    def name(self, kind="item"):
        """A name nobody else has."""
        return f"{kind}-{next(self.numbers)}"

    def person(self, **members):
        """Makes a user."""
        members = {
            "OrganizationId": self.server.organization_id,
            "Username": self.name("ann"),
            "GivenName": "Ann",
            "Surname": "Story",
            "Password": PASSWORD,
        } | members
        return Person(self, self.admin.create_user(**members)["User"])

    def guest(self):
        """Invites a guest, who comes."""
        folder = self.folder(self.person().root)
        address = f"{self.name('guest').replace(' ', '.')}@example.com"
        invitation = {"Id": address, "Type": "INVITE", "Role": "VIEWER"}
        shared = self.admin.add_resource_permissions(ResourceId=folder, Principals=[invitation])
        identity = shared["ShareResults"][0]["InviteePrincipalId"]
        return Person(self, self.admin.activate_user(UserId=identity)["User"])

    def folder(self, parent, name=None):
        """Makes a folder and answers its id."""
        made = self.admin.create_folder(ParentFolderId=parent, Name=name or self.name("folder"))
        return made["Metadata"]["Id"]

    def initiate(self, client=None, **members):
        """Begins an upload."""
        return Upload(client or self.admin, members)

    def upload(self, folder, content=b"content", name=None, **members):
        """Uploads a document in the three steps of the protocol."""
        name = name or self.name("document")
        upload = self.initiate(ParentFolderId=folder, Name=name, **members)
        upload.put(content)
        upload.activate()
        return upload

    def upload_version(self, document, content, **members):
        """Uploads a new version of a document."""
        upload = self.initiate(Id=document, **members)
        upload.put(content)
        upload.activate()
        return upload

    def source(self, upload):
        """The URL to download a version from."""
        answer = self.admin.get_document_version(
            DocumentId=upload.document, VersionId=upload.version, Fields="SOURCE"
        )
        return answer["Metadata"]["Source"]["ORIGINAL"]

    def download(self, upload):
        """The bytes of a version."""
        answer = requests.get(self.source(upload), timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.content

    def documents(self, folder, **members):
        """The documents of a folder that others see."""
        return self.admin.describe_folder_contents(FolderId=folder, **members)["Documents"]

    def document_names(self, folder, **members):
        return [
            document["LatestVersionMetadata"]["Name"]
            for document in self.documents(folder, **members)
        ]


class Upload:
    """An upload that was begun."""

    def __init__(self, client, members):
        self.client = client
        answer = client.initiate_document_version_upload(**members)
        self.metadata = answer["Metadata"]
        self.document = self.metadata["Id"]
        self.version = self.metadata["LatestVersionMetadata"]["Id"]
        self.url = answer["UploadMetadata"]["UploadUrl"]
        self.headers = answer["UploadMetadata"]["SignedHeaders"]

    @property
    def ids(self):
        return {"DocumentId": self.document, "VersionId": self.version}

    def try_put(self, content, headers=None, url=None):
        """Sends the content and answers whatever came back."""
        headers = self.headers if headers is None else headers
        return requests.put(url or self.url, data=content, headers=headers, timeout=60)

    def put(self, content):
        """Sends the content, which must be taken."""
        answer = self.try_put(content)
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-amzn-requestid"]

    def activate(self):
        return self.client.update_document_version(**self.ids, VersionStatus="ACTIVE")

    def abort(self):
        return self.client.abort_document_version_upload(**self.ids)
