"""A site prepared for refusals: people of every kind, items to be refused, and its whole state."""

import contextlib
import functools
import sqlite3

import psycopg

from client import outcome, workdocs
from directories import Slapd, connect, user_named
from waiting import until

UNKNOWN_ITEM = "0" * 64
UNKNOWN_VERSION = "1500000000000-" + "0" * 64
UNKNOWN_COMMENT = "1500000000000-" + "f" * 64
FOLDER_ITEMS = 100_000
TREE_LEVELS = 100
NOTHING_ALLOWED = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "workdocs:*", "Resource": "*"}],
}


class World:
    """Everything belongs to Ann, who administers the site and calls by token; what a call needs is
    made for it alone, in a folder of its own."""

    def __init__(self, site, make_site=None):
        self.site = site
        self.make_site = make_site
        self.server = site.server
        self.admin = site.admin
        self.organization = site.server.organization_id

    @functools.cached_property
    def ann(self):
        ann = self.site.person()
        self.admin.update_user(UserId=ann.id, Type="ADMIN")
        return ann

    @functools.cached_property
    def bob(self):
        """A user with whom nothing is shared."""
        return self.site.person()

    @functools.cached_property
    def cleo(self):
        """A user with whom some things are shared."""
        return self.site.person()

    @functools.cached_property
    def as_ann(self):
        return self.ann.client()

    @functools.cached_property
    def as_ann_reading(self):
        return self.ann.client("--scopes", "read")

    @functools.cached_property
    def as_ann_writing(self):
        return self.ann.client("--scopes", "write")

    @functools.cached_property
    def as_bob(self):
        return self.bob.client()

    @functools.cached_property
    def as_cleo(self):
        return self.cleo.client()

    @functools.cached_property
    def as_denied(self):
        """A key whose policy allows nothing."""
        # The SDK holds a token to be needed for some calls; the server is to say that it is.
        key = self.server.key("denied", NOTHING_ALLOWED)
        return workdocs(self.server, key=key, validate=False)

    @functools.cached_property
    def unchecked(self):
        """The administrator, with an SDK that sends what breaks the model."""
        return workdocs(self.server, validate=False)

    @functools.cached_property
    def as_guest(self):
        """Somebody who was invited."""
        return self.site.guest().client()

    @functools.cached_property
    def as_ann_unchecked(self):
        """Ann, with an SDK that sends what breaks the model."""
        return self.ann.client(validate=False)

    @functools.cached_property
    def abroad(self):
        """Another site, whose people come to be told by a directory."""
        return World(self.make_site())

    @property
    def unknown_user(self):
        return f"S-1-5-21-1-2-3-4&{self.organization}"

    @functools.cached_property
    def crowded(self):
        """Another site, for one folder that holds all it may."""
        return World(self.make_site())

    @functools.cached_property
    def lonely(self):
        """Another site, whose only administrator is its own Ann."""
        return World(self.make_site())

    # Items.

    @functools.cached_property
    def full_folder(self):
        """A folder that holds all it may."""
        folder = self.folder()
        self.fill(folder, FOLDER_ITEMS)
        return folder

    @functools.cached_property
    def deepest_folder(self):
        """A folder as deep as a tree may be; the root is the first level."""
        folder = self.ann.root
        for _ in range(TREE_LEVELS - 1):
            folder = self.folder(folder)
        return folder

    def folder(self, parent=None, name=None):
        return self.site.folder(parent or self.ann.root, name)

    def document(self, folder=None, name=None):
        return self.site.upload(folder or self.folder(), name=name)

    def next_version(self, upload, name=None):
        """A second version, which may bring another name."""
        members = {"Name": name} if name else {}
        return self.site.upload_version(upload.document, b"more", **members)

    def next_draft(self, upload):
        """A second version that has arrived and is INITIALIZED."""
        draft = self.site.initiate(Id=upload.document)
        draft.put(b"draft")
        return draft

    def comment(self, upload, **members):
        made = self.admin.create_comment(**upload.ids, **({"Text": "comment"} | members))
        return made["Comment"]["CommentId"]

    def share(self, item, role, person=None):
        principal = {"Id": (person or self.cleo).id, "Type": "USER", "Role": role}
        answer = self.admin.add_resource_permissions(ResourceId=item, Principals=[principal])
        assert [result["Status"] for result in answer["ShareResults"]] == ["SUCCESS"]

    def recycle_folder(self, folder):
        self.admin.update_folder(FolderId=folder, ResourceState="RECYCLED")

    def recycle_document(self, document):
        self.admin.update_document(DocumentId=document, ResourceState="RECYCLED")

    # The state of the site.

    @contextlib.contextmanager
    def database(self):
        """A session of the site's database."""
        if self.server.database_url:
            with psycopg.connect(self.server.database_url) as session:
                yield session
        else:
            with contextlib.closing(sqlite3.connect(database_file(self.server))) as session:
                yield session

    def state(self):
        """Every row of every table, once all that was deleted before is gone, and every endpoint was
        asked, in vain, to confirm."""
        waiting = (
            "SELECT (SELECT COUNT(*) FROM purge) + (SELECT COUNT(*) FROM notification_subscription "
            "WHERE status = 'PENDING' AND asked_error IS NULL)"
        )
        with self.database() as session:
            def is_clean():
                session.rollback()
                return session.execute(waiting).fetchone() == (0,)

            until("nothing is left to be done", is_clean)
            return {
                name: frozenset(session.execute(f'SELECT * FROM "{name}"').fetchall())
                for name in self._tables(session)
            }

    def settle(self):
        """Lets everything go by that still waits to be written, behind a change of no effect."""
        code = outcome(self.admin.create_folder, ParentFolderId=self.ann.root, Name="settled")
        assert code in (None, "EntityAlreadyExistsException")

    def _tables(self, session):
        listed = (
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            if self.server.database_url
            # The index of words needs a newer SQLite than Python's.
            else "SELECT name FROM sqlite_master WHERE type = 'table'"
            " AND name NOT LIKE 'search_text%'"
        )
        names = [name for name, in session.execute(listed).fetchall()]
        assert {"resource", "version", "site_user"} <= set(names)
        return names

    def assert_unchanged(self, before):
        """Holds the site to the state it was in."""
        after = self.state()
        assert before.keys() == after.keys()
        changed = {name: rows ^ after[name] for name, rows in before.items()}
        assert {name: rows for name, rows in changed.items() if rows} == {}

    # What the site goes through.

    @contextlib.contextmanager
    def held(self, items):
        """Another session holds these items; of SQLite, it holds everything."""
        with self.database() as session:
            if self.server.database_url:
                locked = session.execute(
                    "SELECT id FROM resource WHERE id = ANY(%s) FOR UPDATE", [list(items)]
                )
                assert locked.rowcount == len(set(items))
            else:
                session.execute("BEGIN IMMEDIATE")
            yield
            session.rollback()

    @contextlib.contextmanager
    def without_database(self):
        """PostgreSQL is there, and does not answer."""
        self.server.cluster.freeze()
        try:
            yield
        finally:
            self.server.cluster.thaw()
            until("the server is ready again", lambda: self.server.health("ready") == 200)

    @contextlib.contextmanager
    def without_directory(self):
        """Somebody of a directory administers the site, and the directory does not answer."""
        slapd = Slapd()
        try:
            slapd.person("dora")
            connect(self.site, slapd.tls_url, slapd.authority.ca)
            dora = user_named(self.site, "dora")["Id"]
            self.admin.activate_user(UserId=dora)
            self.admin.update_user(UserId=dora, Type="ADMIN")
            self.as_dora = workdocs(self.server, key=None, token=self.server.token("dora"))
            slapd.stop()
            until("the directory is missed", lambda: outcome(
                self.as_dora.get_folder, FolderId=self.ann.root) == "FailedDependencyException")
            before = self.state()
            yield
            self.assert_unchanged(before)
        finally:
            slapd.remove()

    def fill(self, folder, items):
        """Puts so many folders into an empty folder, under a server that is stopped meanwhile."""
        model = self.folder(folder)
        self.server.stop()
        with self.database() as session:
            columns = [
                column.name if self.server.database_url else column[0]
                for column in session.execute("SELECT * FROM resource LIMIT 1").description
            ]
            name = "'item ' || n"
            made = {"name": name, "name_key": name, "live_name_key": name}
            if self.server.database_url:
                numbers = "generate_series(2, %s) AS numbers(n)"
                made["id"] = "lpad(to_hex(n), 64, '0')"
                mark = "%s"
            else:
                numbers = (
                    "(WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL"
                    " SELECT n + 1 FROM numbers WHERE n < ?) SELECT n FROM numbers)"
                )
                made["id"] = "printf('%064x', n)"
                mark = "?"
            values = ", ".join(made.get(column, f"r.{column}") for column in columns)
            session.execute(
                f"INSERT INTO resource ({', '.join(columns)}) SELECT {values}"
                f" FROM resource r, {numbers} WHERE r.id = {mark}",
                # The numbers come first in the text of the statement.
                [items, model],
            )
            session.execute(
                f"UPDATE resource SET item_count = {mark} WHERE id = {mark}", [items, folder]
            )
            session.commit()
            if self.server.database_url:
                # As after any load in bulk: until PostgreSQL has counted such rows it plans for none.
                session.execute("ANALYZE")
                session.commit()
        self.server.run("reindex", str(self.server.data))
        self.server.start()


def database_file(server):
    """The SQLite database in the data directory."""
    def is_database(path):
        with path.open("rb") as file:
            return file.read(15) == b"SQLite format 3"

    found = [path for path in server.data.iterdir() if path.is_file() and is_database(path)]
    assert len(found) == 1, found
    return found[0]
