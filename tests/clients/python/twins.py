"""Two sites of one server that have the same ids and names: one is copied into the other, row by row,
beneath the server; whatever people wrote differs by a canary."""

import contextlib
import json
import pathlib
import sqlite3

import psycopg

CANARY = "canaryb-"
# Keys of these are unique over all sites: they are secrets, or say which site is meant.
NOT_COPIED = {
    "access_key", "token", "application", "application_redirect", "authorization_code",
    "device_code", "web_session", "notification_key",
    # Made anew from what it is about.
    "search_entry", "search_text",
}
# What differs in the copy.
CANARIES = {
    "comment": {"text": f"'{CANARY}' || text"},
    "custom_metadata": {"value": f"'{CANARY}' || value"},
    "label": {"name": f"'{CANARY}' || name"},
    "site_group": {"name": f"'{CANARY}' || name"},
    "site_user": {
        "given_name": f"'{CANARY}' || given_name",
        "surname": f"'{CANARY}' || surname",
        "email": f"'{CANARY}' || email",
    },
    "version": {"content_type": f"'{CANARY}' || content_type"},
    # Whoever may look in the one may do anything in the other.
    "permission": {
        "role": "CASE WHEN principal_type = 'USER' AND role = 'CONTRIBUTOR' THEN 'COOWNER' "
        "ELSE role END"
    },
}


class Rows:
    """The tables beneath a server, which may be running."""

    def __init__(self, server):
        self.server = server
        found = self.ask(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
            if server.database_url else
            "SELECT m.name, p.name FROM sqlite_schema m, pragma_table_info(m.name) p "
            # The index of words needs a newer SQLite than Python's.
            "WHERE m.type = 'table' AND m.name NOT LIKE 'search_text%' ORDER BY m.name, p.cid"
        )
        columns = {}
        for table, column in found:
            columns.setdefault(table, []).append(column)
        self.columns = {
            table: names for table, names in columns.items() if "organization_id" in names
        }

    @contextlib.contextmanager
    def transaction(self):
        if self.server.database_url:
            with psycopg.connect(self.server.database_url) as connection:
                yield connection
            return
        database = sqlite3.connect(self.server.data / "meta.db", timeout=30)
        with contextlib.closing(database) as connection, connection:
            yield connection

    def ask(self, statement):
        with self.transaction() as connection:
            return connection.execute(statement).fetchall()

    def change(self, statement):
        with self.transaction() as connection:
            return connection.execute(statement).rowcount

    def of(self, organization):
        """Every row of a site, by table."""
        with self.transaction() as connection:
            return {
                table: sorted(map(repr, connection.execute(
                    f"SELECT * FROM {table} WHERE organization_id = '{organization}'"
                ).fetchall()))
                for table in self.columns
            }

    def copy(self, source, target):
        """Makes a site the other's twin."""
        with self.transaction() as connection:
            for table, columns in self.columns.items():
                # Whoever had a token is not there any more; the key is the site's own.
                if table != "access_key":
                    connection.execute(f"DELETE FROM {table} WHERE organization_id = '{target}'")
                if table in NOT_COPIED:
                    continue
                values = {"organization_id": f"'{target}'"} | CANARIES.get(table, {})
                connection.execute(
                    f"INSERT INTO {table} ({', '.join(columns)}) "
                    f"SELECT {', '.join(values.get(column, column) for column in columns)} "
                    f"FROM {table} WHERE organization_id = '{source}'"
                )


def differences(before, after):
    """The tables of a site in which something is not as it was."""
    return {
        table: {"gone": set(rows) - set(after[table]), "new": set(after[table]) - set(rows)}
        for table, rows in before.items() if rows != after[table]
    }


def blob_sizes(rows, organization):
    found = rows.ask(f"SELECT id, size_bytes FROM blob WHERE organization_id = '{organization}'")
    return dict(found)


def content(size):
    """What the twin has in the place of so many bytes."""
    return (CANARY.upper().encode() * (size // len(CANARY) + 1))[:size]


def make_twin(rows, site, twin):
    """Copies a site into another one, with bytes of the same lengths and other content."""
    source, target = site.server.organization_id, twin.server.organization_id
    sizes = blob_sizes(rows, source)
    owner = twin.person()
    digests = {}
    for size in set(sizes.values()):
        twin.upload(owner.root, content(size))
        [digests[size]] = rows.ask(
            "SELECT md5, blake3 FROM blob "
            f"WHERE organization_id = '{target}' AND size_bytes = {size}"
        )
    rows.copy(source, target)
    for size, (md5, blake3) in digests.items():
        rows.change(
            f"UPDATE blob SET md5 = '{md5}', blake3 = '{blake3}' "
            f"WHERE organization_id = '{target}' AND size_bytes = {size}"
        )
    for blob, size in sizes.items():
        path = pathlib.Path(site.server.data) / "blobs" / target / blob[:2] / blob
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(content(size))
    site.server.run("reindex", str(site.server.data))


def shows_the_twin(answers):
    return CANARY in json.dumps(answers, default=str).lower()
