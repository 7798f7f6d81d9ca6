"""Every error that the model declares for an operation: how it is provoked, or why it cannot be."""

import pathlib
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Callable

from client import MODEL

LISTS = pathlib.Path(__file__).parents[1]
IMPOSSIBLE = LISTS.joinpath("impossible_outcomes.txt").read_text()


def short(code):
    """An error's name as the lists write it."""
    return code.removesuffix("Exception")


# Operation and error, for everything the model declares.
PAIRS = [
    (operation, short(shape.name))
    for operation in sorted(MODEL.operation_names)
    for shape in MODEL.operation_model(operation).error_shapes
]


def declares(operation, error):
    return (operation, error) in PAIRS


def reads(operation):
    """Whether an operation only looks, and a token for reading is enough for it."""
    return operation.startswith(("Get", "Describe", "Search"))


@dataclass
class Attempt:
    """A call that is about to be refused."""

    client: Any
    members: dict
    # What EntityIds must name.
    missing: list = field(default_factory=list)
    # Items that another session holds meanwhile.
    held: tuple = ()
    # The world that must not change, where it is another than the one given.
    world: Any = None


@dataclass(frozen=True)
class Provocation:
    """One way to one error of one operation."""

    operation: str
    error: str
    # Completes the sentence "it answers this when ...".
    how: str
    # Prepares a world and gives the attempt.
    prepare: Callable
    # What the world goes through meanwhile: nothing, the item is "held" or the whole database
    # "locked" by another session, the database is "away", or the directory is "unreachable".
    meanwhile: str = "nothing"
    # The only engine on which this can be done.
    engine: str | None = None

    def __str__(self):
        return f"{self.operation} {self.error}: {self.how}"

    @property
    def pair(self):
        return self.operation, self.error


PROVOCATIONS = []


def provoke(operation, error, how, prepare, **options):
    """Adds a provocation to the table."""
    PROVOCATIONS.append(Provocation(operation, error, how, prepare, **options))


def provokes(operation, error, how):
    """Adds the function below it to the table."""
    def add(prepare):
        provoke(operation, error, how, prepare)
        return prepare

    return add


@dataclass(frozen=True)
class Entry:
    """A line that says why an error cannot occur; `*` stands for every operation."""

    operation: str
    error: str
    reason: str

    def is_about(self, pair):
        return self.error == pair[1] and self.operation in ("*", pair[0])


def entries(text):
    """Reads the list of what cannot occur."""
    found = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            parts = re.fullmatch(r"(\*|\w+) (\w+): (\S.*\S)", line)
            assert parts, f"not `Operation Error: reason`: {line}"
            found.append(Entry(*parts.groups()))
    return found


def by_pair(provocations):
    """The ways to each pair, as its row of the table tells them."""
    ways = defaultdict(list)
    for provocation in provocations:
        ways[provocation.pair].append(provocation.how)
    return ways


def gaps(pairs, provocations, impossible):
    """What is wrong with the table: each pair needs a provocation or one reason, never both."""
    ways = by_pair(provocations)
    wrong = []
    for pair in pairs:
        reasons = [entry.reason for entry in impossible if entry.is_about(pair)]
        if ways[pair] and reasons:
            wrong.append(f"{pair}: is provoked, and listed as impossible")
        if len(reasons) > 1:
            wrong.append(f"{pair}: listed as impossible more than once")
        if not ways[pair] and not reasons:
            wrong.append(f"{pair}: neither provoked nor listed as impossible")
    for pair in ways.keys() - set(pairs):
        wrong.append(f"{pair}: provoked, but not in the model")
    for entry in impossible:
        if not any(entry.is_about(pair) for pair in pairs):
            wrong.append(f"{(entry.operation, entry.error)}: impossible, but not in the model")
    for provocation in {str(one): one for one in provocations}.values():
        if sum(str(one) == str(provocation) for one in provocations) > 1:
            wrong.append(f"{provocation}: twice in the table")
    return wrong


def table(pairs, provocations, impossible):
    """The whole table as text: a row for each pair."""
    ways = by_pair(provocations)
    lines = []
    for operation, error in pairs:
        reasons = [entry.reason for entry in impossible if entry.is_about((operation, error))]
        if reasons:
            how = f"cannot occur: {reasons[0]}"
        else:
            how = "; ".join(ways[operation, error]) or "NOTHING"
        lines.append(f"{operation:34} {error:28} {how}")
    return "\n".join(lines)
