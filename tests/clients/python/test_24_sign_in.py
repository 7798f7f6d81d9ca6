"""Signing in on pages, the first administrator's link, and passwords that were forgotten."""

import re
import stat
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from client import workdocs
from site_story import PASSWORD
from waiting import until

NEW_PASSWORD = "Anchor-2026"


class Browser(requests.Session):
    """A browser without JavaScript: it keeps cookies, follows nothing by itself, and says where a
    form comes from."""

    def __init__(self, url):
        super().__init__()
        self.url = url

    def open(self, path):
        return self.get(self.url + path, allow_redirects=False, timeout=30)

    def submit(self, path, origin=None, **fields):
        headers = {"Origin": origin or self.url}
        return self.post(
            self.url + path, data=fields, headers=headers, allow_redirects=False, timeout=30
        )

    def sign_in(self, name, password, **fields):
        return self.submit("/sign-in", name=name, password=password, **fields)


@pytest.fixture
def browser(site):
    return Browser(site.server.url)


@pytest.fixture(scope="module")
def bob(site):
    return site.person()


def command(site, *arguments, expect=0, **options):
    done = site.server.run("admin", *arguments, str(site.server.data), expect=expect, **options)
    return done.stdout if expect == 0 else done.stderr


# Signing in.


def test_the_right_password_signs_in_and_sign_out_ends_it(browser, bob):
    assert 'name="password"' in browser.open("/sign-in").text
    answer = browser.sign_in(bob.username, PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    cookie = answer.headers["Set-Cookie"]
    assert re.fullmatch(r"docharbor=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Lax", cookie)
    assert f"signed in as {bob.username}" in browser.open("/sign-in").text
    kept = dict(browser.cookies)
    assert browser.submit("/sign-out").status_code == 303
    assert not browser.cookies
    browser.cookies.update(kept)
    assert 'name="password"' in browser.open("/sign-in").text


def test_a_sign_in_leads_on_to_a_path_of_this_server_alone(browser, bob):
    assert 'value="/device?code=1"' in browser.open("/sign-in?next=/device%3Fcode%3D1").text
    answer = browser.sign_in(bob.username, PASSWORD, next="/device?code=1")
    assert answer.headers["Location"] == "/device?code=1"
    for hostile in ("//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil"):
        assert browser.sign_in(bob.username, PASSWORD, next=hostile).headers["Location"] == "/sign-in"
        shown = browser.open(f"/sign-in?next={urllib.parse.quote(hostile)}")
        assert shown.status_code == 200 and "Location" not in shown.headers


def test_every_wrong_way_is_answered_alike(site, bob):
    away = site.person()
    site.admin.deactivate_user(UserId=away.id)
    guest = site.guest()
    wrong = [
        (bob.username, "wrong"), (bob.username, ""), ("nobody", PASSWORD), (away.username, PASSWORD),
        (guest.username, ""), (guest.username, PASSWORD),
    ]
    texts = set()
    for name, password in wrong:
        answer = Browser(site.server.url).sign_in(name, password)
        assert answer.status_code == 403 and "Set-Cookie" not in answer.headers
        texts.add(answer.text.replace(f'value="{name}"', ""))
    assert len(texts) == 1 and "name or the password is wrong" in texts.pop()


def test_what_a_person_typed_is_shown_as_text(browser):
    answer = browser.sign_in('"><script>alert(1)</script>', "wrong")
    assert "<script" not in answer.text


def test_a_page_loads_nothing_of_others_and_is_kept_and_framed_by_nobody(browser):
    for answer in (browser.open("/sign-in"), browser.open("/setup?token=x")):
        headers = answer.headers
        assert headers["Content-Security-Policy"] == (
            "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
            "base-uri 'none'"
        )
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["x-amzn-requestid"]
    style = browser.open("/assets/docharbor.css")
    assert style.headers["Content-Type"] == "text/css; charset=utf-8"


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/setup"])
def test_a_form_that_another_site_made_a_browser_send_is_refused(browser, bob, path):
    fields = {"name": bob.username, "password": PASSWORD}
    for origin in ("https://evil.example", "null", browser.url + ".evil.example"):
        answer = browser.submit(path, origin=origin, **fields)
        assert answer.status_code == 403 and "Set-Cookie" not in answer.headers
        assert "Request id" in answer.text
    cross = {"Sec-Fetch-Site": "cross-site"}
    answer = browser.post(browser.url + path, data=fields, headers=cross, allow_redirects=False)
    assert answer.status_code == 403
    assert browser.submit(path, name="x" * 20_000).status_code == 403


def test_wrong_passwords_make_one_wait_also_after_a_restart_and_from_elsewhere(site, make_site):
    own = make_site()
    person = own.person()
    for _ in range(5):
        assert Browser(own.server.url).sign_in(person.username, "wrong").status_code == 403
    own.server.restart()
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(
            lambda at: Browser(own.server.url).post(
                own.server.url + "/sign-in", data={"name": person.username, "password": "wrong"},
                headers={"X-Forwarded-For": f"192.0.2.{at}"}, allow_redirects=False, timeout=60,
            ), range(40),
        ))
    waiting = [answer for answer in answers if answer.status_code == 429]
    assert len(waiting) >= 35, [answer.status_code for answer in answers]
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in waiting)
    own.server.verify()


def test_cookies_of_others_neither_sign_anybody_in_nor_out(browser, bob):
    browser.sign_in(bob.username, PASSWORD)
    own = browser.cookies["docharbor"]
    browser.cookies.clear()

    def shown(cookies):
        headers = {"Cookie": cookies}
        return requests.get(browser.url + "/sign-in", headers=headers, timeout=30).text

    signed_in = f"signed in as {bob.username}"
    for cookies in (f"docharbor={own}", f"a=b;docharbor={own}; c", f"theme=\xfcber; docharbor={own}"):
        assert signed_in in shown(cookies), cookies
    for cookies in (
        # A neighbour of the same host tosses one in: nobody can tell which is ours.
        f"docharbor={own}; docharbor=other", f"docharbor=other; docharbor={own}",
        f"Docharbor={own}", f"docharbor ={own}", f"docharbor={own.upper()}", f"docharbor={own}0",
        f"__Host-docharbor={own}", f"=docharbor; x={own}", "docharbor=", "docharbor=\xfc",
    ):
        assert 'name="password"' in shown(cookies), cookies


def test_a_site_nobody_has_is_answered_as_a_name_nobody_has(make_site):
    own = make_site()
    person = own.person()
    own.server.another_site("--alias", "second")
    browser = Browser(own.server.url)
    first = own.server.organization_id

    def text(site, name):
        answer = browser.sign_in(name, "wrong", site=site)
        shown = answer.text.replace(f'value="{site}"', "").replace(f'value="{name}"', "")
        return answer.status_code, shown

    for site, name in (("third", person.username), ("second", person.username), (first, "nobody")):
        said = [text(site, name) for _ in range(5)]
        assert [status for status, _ in said] == [403] * 5, (site, said)
        assert "name or the password is wrong" in said[0][1]
        # The first wait is a second, which this machine may take for the attempt itself.
        until("the next has to wait", lambda: text(site, name)[0] == 429)
    # Nobody's tries elsewhere keep this one out, and the right site is a must.
    assert browser.sign_in(person.username, PASSWORD, site="").status_code == 403
    assert browser.sign_in(person.username, PASSWORD, site=first).status_code == 303


def test_no_log_line_of_any_level_has_what_was_typed_or_given(make_site):
    own = make_site(DOCHARBOR_LOG_LEVEL="trace")
    link = command(own, "setup-link").strip()
    person = own.person(Username="canary.typed")
    browser = Browser(own.server.url)
    browser.open(link.removeprefix(own.server.url))
    secrets = {PASSWORD, "CANARYwrong", link.split("token=")[1], "CANARYname", person.username}
    browser.sign_in("CANARYname", "CANARYwrong", next="/CANARYname")
    browser.sign_in(person.username, PASSWORD)
    secrets.add(browser.cookies["docharbor"])
    browser.open("/sign-in?next=/CANARYname")
    browser.submit("/sign-out")
    fields = {"given_name": "CANARYname", "surname": "CANARYname", "password": "CANARYw1", "again": "x"}
    browser.submit("/setup", token=link.split("token=")[1], name="canary.typed", **fields)
    own.server.stop()
    log = own.server.log()
    assert "ConsoleLogin" in log
    # The one-time link is shown once, for whoever starts the server.
    shown = log.count(link)
    for secret in secrets:
        assert log.count(secret) == (shown if secret in link else 0), secret


# Passwords that were forgotten.


def test_a_forgotten_password_is_replaced_and_ends_every_session(site, browser):
    person = site.person()
    browser.sign_in(person.username, PASSWORD)
    assert "signed in as" in browser.open("/sign-in").text
    assert command(site, "reset-password", person.username, stdin=f"{NEW_PASSWORD}\n") == ""
    assert 'name="password"' in browser.open("/sign-in").text
    assert browser.sign_in(person.username, PASSWORD).status_code == 403
    assert browser.sign_in(person.username, NEW_PASSWORD).status_code == 303
    made_up = command(site, "reset-password", person.username, "--generate").strip()
    assert browser.sign_in(person.username, made_up).status_code == 303
    assert "8 to 32" in command(site, "reset-password", person.username, stdin="weak", expect=2)
    assert "does not exist" in command(site, "reset-password", "nobody", "--generate", expect=1)


# The first administrator.


def test_the_setup_link_makes_one_administrator_and_ends(make_site):
    own = make_site()
    link = command(own, "setup-link").strip()
    kept = own.server.data / "setup-url"
    assert kept.read_text().strip() == link
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    path = link.removeprefix(own.server.url)
    token = urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["token"][0]
    browser = Browser(own.server.url)
    assert 'name="again"' in browser.open(path).text
    assert browser.open(path[:-1] + ("0" if path[-1] != "0" else "1")).status_code == 404

    fields = {"token": token, "given_name": "Avery", "surname": "Example", "password": NEW_PASSWORD}
    for spoiled, said in [
        ({"again": "other"}, "not the same"),
        ({"again": "weak", "password": "weak"}, "8 to 32"),
        ({"again": NEW_PASSWORD, "name": "a b"}, "letters"),
        ({"again": NEW_PASSWORD, "surname": ""}, "surname"),
    ]:
        answer = browser.submit("/setup", **({"name": "avery"} | fields | spoiled))
        assert answer.status_code == 400 and said in answer.text, answer.text

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(
            lambda at: Browser(own.server.url).submit(
                "/setup", name=f"avery{at}", again=NEW_PASSWORD, **fields
            ).status_code, range(8),
        ))
    assert answers.count(303) == 1, answers
    users = own.admin.describe_users(OrganizationId=own.server.organization_id)["Users"]
    administrators = [user["Username"] for user in users if user["Type"] == "ADMIN"]
    assert len(administrators) == 1
    assert browser.sign_in(administrators[0], NEW_PASSWORD).status_code == 303
    assert browser.open(path).status_code == 404
    assert "administrator already" in command(own, "setup-link", expect=1)
    own.server.restart()
    assert not kept.exists()
    assert token not in own.server.log()


# Further administrators.


def test_the_operator_makes_an_administrator_who_signs_in_and_administers(site):
    name = site.name("avery")
    identity = command(site, "create", name, stdin=f"{NEW_PASSWORD}\n").strip()
    user = site.admin.describe_users(UserIds=identity)["Users"][0]
    assert (user["Username"], user["Type"], user["Status"]) == (name, "ADMIN", "ACTIVE")
    assert Browser(site.server.url).sign_in(name, NEW_PASSWORD).status_code == 303
    client = workdocs(site.server, key=None, token=site.server.token(name))
    person = site.person()
    client.deactivate_user(UserId=person.id)

    other = site.name("avery")
    made_up = command(site, "create", other, "--generate").strip()
    assert Browser(site.server.url).sign_in(other, made_up).status_code == 303
    assert "already has a user" in command(site, "create", name.upper(), "--generate", expect=1)
    assert "8 to 32" in command(site, "create", site.name("avery"), stdin="weak", expect=2)
    for wrong in ("a b", "", "a/b", "x" * 257):
        assert "No administrator was made" in command(site, "create", wrong, "--generate", expect=2)
