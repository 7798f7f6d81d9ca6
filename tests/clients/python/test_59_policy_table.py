"""Every operation, each of its uses, under a policy that names it alone and under one that leaves it
out alone: the first opens what the table says an administrator gets, the second nothing."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from access_matrix import CASES, DONE, IMPOSSIBLE, World, operation_of, read_table
from client import MODEL, workdocs
from iam_story import document, service, statement
from site_story import Site

TABLE = read_table()


def possible(title):
    """What comes of an administrator's call in each state in which there is such a case."""
    cells = {state: word for (actor, state), word in TABLE[title].items() if actor == "administrator"}
    return {state: word for state, word in cells.items() if word != IMPOSSIBLE}


# An administrator did not begin the draft, did not write the comment, and is no principal of a share.
TITLES = [title for title in TABLE if possible(title) and not CASES[title].mine]


@pytest.fixture(scope="module")
def iam(site):
    return service("iam", site.server, site.server.root)


@pytest.fixture(scope="module")
def world(site, iam):
    """The world of the table, and in it somebody with a key that can do what their policy says."""
    with ThreadPoolExecutor(8) as threads:
        world = World(site, Site(site.server.another_site()), threads)
        iam.create_user(UserName="narrow")
        made = iam.create_access_key(UserName="narrow")["AccessKey"]
        key = made["AccessKeyId"], made["SecretAccessKey"]
        world.clients["narrow"] = workdocs(site.server, key=key, validate=False)
        world.principals["narrow"] = iam.get_user(UserName="narrow")["User"]["Arn"]
        yield world


def state_and_word(title):
    """A state in which an administrator does it, or any where none can, and what comes of it there."""
    cells = list(possible(title).items())
    return next((cell for cell in cells if cell[1] in DONE), cells[0])


def test_every_operation_is_in_the_table():
    assert {operation_of(title) for title in TITLES} == set(MODEL.operation_names)


@pytest.mark.parametrize("title", TITLES)
def test_an_operation_that_a_policy_names_is_done_and_one_that_it_leaves_out_is_not(
    world, iam, title
):
    operation = operation_of(title)
    state, word = state_and_word(title)
    assert word != "hidden"
    item = world.make(CASES[title].kind, state, "owner", frozenset(CASES[title].needs))

    def tried(*statements):
        iam.put_user_policy(UserName="narrow", PolicyName="p", PolicyDocument=document(*statements))
        return world.word(title, "narrow", item, "owner")

    own, all_else = f"workdocs:{operation}", statement("Allow", "*")
    del all_else["Action"]
    all_else["NotAction"] = own
    before = world.look(item)
    assert tried() == "hidden"
    assert tried(all_else) == "hidden"
    assert tried(statement("Allow", "*"), statement("Deny", own)) == "hidden"
    assert tried(statement("Allow", own), statement("Deny", "workdocs:*")) == "hidden"
    assert world.look(item) == before
    assert tried(statement("Allow", own)) == word
