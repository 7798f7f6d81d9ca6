"""Each error that the model declares for an operation is provoked; the table of all is printed."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

import outcomes_single  # noqa: F401, it fills the table
from client import status_of
from outcomes import (
    IMPOSSIBLE, PAIRS, PROVOCATIONS, Entry, Provocation, entries, gaps, table,
)
from outcomes_calls import CALLS
from outcomes_everywhere import below_recycled_folder, in_recycle_bin
from outcomes_world import World

ANSWERED_WITHIN_SECONDS = 10


def runnable(meanwhile):
    """The provocations of what is implemented, as parameters of a test."""
    return [
        pytest.param(provocation, id=str(provocation)) for provocation in PROVOCATIONS
        if provocation.meanwhile == meanwhile
    ]


@pytest.fixture(scope="module")
def world(site, make_site):
    return World(site, make_site)


# The table.


def test_every_declared_error_is_provoked_or_cannot_occur(capsys):
    impossible = entries(IMPOSSIBLE)
    with capsys.disabled():
        print(f"\n{table(PAIRS, PROVOCATIONS, impossible)}")
    assert gaps(PAIRS, PROVOCATIONS, impossible) == []


@pytest.mark.parametrize(("provoked", "impossible", "found"), [
    ([("Do", "Odd")], [("*", "Even")], []),
    ([("Do", "Odd")], [("Do", "Even")], []),
    ([("Do", "Odd")], [], ["neither provoked nor listed"]),
    ([("Do", "Odd")], [("*", "Odd"), ("Do", "Even")], ["is provoked, and listed"]),
    ([("Do", "Odd")], [("*", "Even"), ("Do", "Even")], ["more than once"]),
    ([("Do", "Odd")], [("Do", "Even"), ("Undo", "Even")], ["impossible, but not in the model"]),
    ([("Do", "Odd")], [("Do", "Even"), ("*", "Prime")], ["impossible, but not in the model"]),
    ([("Do", "Odd"), ("Do", "Prime")], [("Do", "Even")], ["provoked, but not in the model"]),
    ([("Do", "Odd"), ("Do", "Odd")], [("Do", "Even")], ["twice in the table"]),
])
def test_a_gap_in_the_table_is_found(provoked, impossible, found):
    pairs = [("Do", "Odd"), ("Do", "Even")]
    wrong = gaps(
        pairs,
        [Provocation(*pair, "it wants to", prepare=None) for pair in provoked],
        [Entry(*entry, "because") for entry in impossible],
    )
    assert len(wrong) == len(found), wrong
    assert all(text in line for text, line in zip(found, wrong))


@pytest.mark.parametrize("line", ["Do Odd", "Do Odd:", "Do: because", "Do Odd  because", "Odd: x"])
def test_a_line_without_a_reason_is_no_entry(line):
    with pytest.raises(AssertionError):
        entries(line)


# The calls that are spoiled succeed when they are left alone.


@pytest.mark.parametrize("caller", ["access key", "token"])
@pytest.mark.parametrize("operation", CALLS)
def test_a_call_that_nothing_spoils_succeeds(world, operation, caller):
    attempt = CALLS[operation](world)
    client = world.as_ann if caller == "token" else attempt.client
    answer = getattr(client, xform_name(operation))(**attempt.members)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] in (200, 201, 204)


# What the list of impossible errors says of every state of an item.


@pytest.mark.parametrize("where", [in_recycle_bin, below_recycled_folder])
@pytest.mark.parametrize("operation", [
    "DeleteDocument", "DeleteFolder", "DeleteFolderContents", "DescribeComments",
    "DescribeDocumentVersions", "DescribeFolderContents", "GetDocumentVersion", "GetFolder",
])
def test_a_recycled_item_can_be_read_and_deleted(world, operation, where):
    attempt = where(world, CALLS[operation](world))
    getattr(world.admin, xform_name(operation))(**attempt.members)


@pytest.mark.parametrize("folder", ["root", "recycle_bin"])
def test_a_root_folder_and_a_recycle_bin_can_be_emptied(world, folder):
    folder = getattr(world.site.person(), folder)
    world.admin.delete_folder_contents(FolderId=folder)


# Each error.


@pytest.mark.parametrize("provocation", runnable("nothing"))
def test_it_answers_the_error_and_changes_nothing(world, provocation):
    attempt = provocation.prepare(world)
    watched = attempt.world or world
    before = watched.state()
    assert_refused(provocation, attempt, attempted(provocation, attempt))
    watched.assert_unchanged(before)


@pytest.mark.parametrize("provocation", runnable("held"))
def test_it_waits_for_another_session_only_so_long(held_answers, engine, provocation):
    assert_refused_in_time(held_answers, engine, provocation)


@pytest.mark.parametrize("provocation", runnable("locked"))
def test_it_waits_for_another_program_only_so_long(locked_answers, engine, provocation):
    assert_refused_in_time(locked_answers, engine, provocation)


@pytest.mark.parametrize("provocation", runnable("away"))
def test_it_waits_for_a_database_only_so_long(away_answers, engine, provocation):
    assert_refused_in_time(away_answers, engine, provocation)


@pytest.mark.parametrize("provocation", runnable("unreachable"))
def test_it_waits_for_a_directory_only_so_long(unreachable_answers, engine, provocation):
    assert_refused_in_time(unreachable_answers, engine, provocation)


@pytest.fixture(scope="module")
def held_answers(world, engine):
    """All calls at once, while another session holds their items."""
    return answers_of_all(world, engine, "held", world.held)


@pytest.fixture(scope="module")
def locked_answers(world, engine):
    """All calls at once, while another session holds the whole database."""
    return answers_of_all(world, engine, "locked", world.held)


@pytest.fixture(scope="module")
def away_answers(world, engine):
    """All calls at once, while the database does not answer."""
    return answers_of_all(world, engine, "away", lambda _: world.without_database())


@pytest.fixture(scope="module")
def unreachable_answers(world, engine):
    """All calls at once, while the directory that says who calls does not answer."""
    return answers_of_all(
        world, engine, "unreachable", lambda _: world.abroad.without_directory())


def answers_of_all(world, engine, meanwhile, trouble):
    """What each provocation of a kind was answered while the trouble lasted, and how soon.

    `trouble` is given the items that the calls need."""
    attempts = {
        param.values[0]: param.values[0].prepare(world)
        for param in runnable(meanwhile) if param.values[0].engine in (None, engine)
    }
    if not attempts:
        return {}
    world.settle()
    before = world.state()
    items = [item for attempt in attempts.values() for item in attempt.held]
    with trouble(items), ThreadPoolExecutor(len(attempts)) as threads:
        done = list(threads.map(lambda pair: attempted(*pair), attempts.items()))
    # What was refused must not have its effect later either.
    world.settle()
    world.assert_unchanged(before)
    return {one: (attempt, *answer) for (one, attempt), answer in zip(attempts.items(), done)}


def assert_refused_in_time(answers, engine, provocation):
    if provocation.engine not in (None, engine):
        pytest.skip(f"only {provocation.engine} can be brought to this")
    attempt, error, seconds = answers[provocation]
    assert_refused(provocation, attempt, (error, seconds))
    assert seconds < ANSWERED_WITHIN_SECONDS


def attempted(provocation, attempt):
    """The error the attempt was answered with, and the time that took."""
    begun = time.monotonic()
    call = getattr(attempt.client, xform_name(provocation.operation))
    try:
        call(**attempt.members)
    except ClientError as error:
        return error, time.monotonic() - begun
    return None, time.monotonic() - begun


def assert_refused(provocation, attempt, answer):
    """Holds an answer to everything that clients read of it."""
    error, _ = answer
    assert error is not None, "the call succeeded"
    expected = f"{provocation.error}Exception"
    code = error.response["Error"]["Code"]
    message = error.response["Error"].get("Message", "")
    assert code == expected, message
    assert type(error).__name__ == expected
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status_of(expected)
    headers = error.response["ResponseMetadata"]["HTTPHeaders"]
    assert re.fullmatch(r"[0-9a-f-]{36}", headers["x-amzn-requestid"])
    assert message.strip()
    if expected == "UnauthorizedResourceAccessException":
        assert re.fullmatch(
            rf"Principal \[\S+\] is not allowed to execute \[workdocs:{provocation.operation}\]"
            r" on the resource\.",
            message,
        )
    if expected == "EntityNotExistsException":
        assert attempt.missing
        assert error.response["EntityIds"] == attempt.missing
