"""The records a server wrote, as a reader of the files finds them."""

import json

from waiting import until


class AuditLog:
    """The files in DIR/audit."""

    def __init__(self, server):
        self.server = server
        self.directory = server.data / "audit"
        self.commands = server.data / "audit-commands"

    def files(self):
        return sorted(self.directory.glob("*.jsonl"))

    def text(self):
        """Everything in the directory, also what is set aside."""
        return "".join(
            path.read_text(errors="replace")
            for directory in (self.directory, self.commands) if directory.exists()
            for path in sorted(directory.iterdir())
        )

    def lines(self):
        """Every finished line, taken apart."""
        text = "".join(path.read_text() for path in self.files())
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def records(self):
        return [line["record"] for line in self.lines()]

    def of_commands(self):
        """The records of commands, oldest first."""
        lines = [line for path in sorted(self.commands.glob("*.jsonl")) for line in path.open()]
        return [json.loads(line)["record"] for line in lines]

    def of(self, request_id):
        """The records of one request; those of calls that only look come a moment later."""
        def found():
            return [record for record in self.records() if record.get("requestID") == request_id]

        return until(f"the record of {request_id}", found)

    def one(self, request_id):
        records = self.of(request_id)
        assert len(records) == 1, records
        return records[0]

    def check(self, *arguments, expect=0):
        """What `docharbor audit check` prints."""
        return self.server.run("audit", "check", *arguments, str(self.server.data), expect=expect).stdout
