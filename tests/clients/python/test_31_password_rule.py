"""The rule for passwords that a site sets itself, held to at every door that takes one."""

import subprocess
import urllib.parse

import pytest

from client import refused
from server import BINARY
from test_24_sign_in import Browser

# Too short for this site though of all four classes, long enough but of one class, and neither.
WEAK = ["Anchor-2026", "onlysmallletters", "weak"]
GOOD = "harbour 2026"
RULE = "must have 12 to 32 characters, of at least two of these: lower-case letters"


@pytest.fixture(scope="module")
def site(make_site):
    return make_site(
        DOCHARBOR_PASSWORD_MIN_LENGTH="12", DOCHARBOR_PASSWORD_MIN_CLASSES="2"
    )


@pytest.mark.parametrize("password", WEAK)
def test_a_user_is_not_made_with_a_password_that_breaks_the_rule(site, password):
    with refused("ValidationException") as refusal:
        site.person(Username="weak", Password=password)
    assert RULE in refusal.message
    site.person(Password=GOOD)


def test_a_password_that_was_forgotten_is_replaced_by_one_that_keeps_the_rule(site):
    person = site.person(Password=GOOD)
    reset = ("admin", "reset-password", person.username, str(site.server.data))
    for password in WEAK:
        done = site.server.run(*reset, stdin=password, expect=2)
        assert RULE in done.stderr and password not in done.stderr
    browser = Browser(site.server.url)
    assert browser.sign_in(person.username, GOOD).status_code == 303
    site.server.run(*reset, stdin="harbour 2027")
    assert browser.sign_in(person.username, "harbour 2027").status_code == 303


def test_the_first_administrator_is_made_on_the_page_by_the_rule_that_it_shows(site):
    link = site.server.run("admin", "setup-link", str(site.server.data)).stdout.strip()
    browser = Browser(site.server.url)
    path = link.removeprefix(site.server.url)
    assert "12 to 32 characters, of at least two of these" in browser.open(path).text
    token = urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["token"][0]
    fields = {"token": token, "name": "avery", "given_name": "Avery", "surname": "Example"}
    for password in WEAK:
        answer = browser.submit("/setup", **fields, password=password, again=password)
        assert answer.status_code == 400 and RULE in answer.text
    assert browser.submit("/setup", **fields, password=GOOD, again=GOOD).status_code == 303
    assert browser.sign_in("avery", GOOD).status_code == 303


def test_a_made_up_password_keeps_the_strictest_rule_there_can_be(make_site):
    settings = {"DOCHARBOR_PASSWORD_MIN_LENGTH": "32", "DOCHARBOR_PASSWORD_MIN_CLASSES": "4"}
    strict = make_site(**settings)
    longest = "Aa1!" * 8
    with refused("ValidationException") as refusal:
        strict.person(Password=longest[1:])
    assert "must have 32 characters, of all of these" in refusal.message
    person = strict.person(Password=longest)
    reset = ("admin", "reset-password", person.username, "--generate", str(strict.server.data))
    made_up = strict.server.run(*reset).stdout.strip()
    assert Browser(strict.server.url).sign_in(person.username, made_up).status_code == 303


def test_a_first_start_with_a_weak_password_makes_nothing_and_says_why(tmp_path):
    environment = {
        "DOCHARBOR_ADMIN_USERNAME": "avery", "DOCHARBOR_ADMIN_PASSWORD": "CANARY",
        "DOCHARBOR_LISTEN": "127.0.0.1:0",
    }
    done = subprocess.run(
        [BINARY, "serve", str(tmp_path / "data")], env=environment, cwd=tmp_path,
        capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 2
    assert "must have 8 to 32 characters, of at least three of these" in done.stderr
    assert "CANARY" not in done.stderr
