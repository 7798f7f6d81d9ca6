"""Programs that ask people for access: a page of consent, a code with a proof, a code typed elsewhere."""

import itertools
import json
import os
import re
import secrets
import subprocess
import sys
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from audit_log import AuditLog
from client import outcome, refused as refused_call, workdocs
from oauth_story import (
    DEVICE_GRANT, LOOPBACK, READ, REDIRECT, WRITE, Browser, Forms, Program, came_back, challenge, query,
    refused,
)
from server import REPOSITORY
from site_story import PASSWORD

# What could be read in two ways, and what means something to somebody on the way.
STATES = [
    "plain", "a b+c", "100%", "%41%2B", "a&b=c;d", "\"'<script>alert(1)</script>", "Grüße ☃ \U0001f389",
    "\\ / ? # @ :", "line\nend\r\nand\ttab", "\0nothing", "{{ 7 * 7 }}", "a" * 900,
]


@pytest.fixture(scope="module")
def program(site):
    return Program(site.server, "--email", "sync@example.com")


@pytest.fixture
def browser(site):
    return Browser(site.server.url)


def allowed(program, browser, person, **parameters):
    """A token by the implicit flow."""
    page = browser.consent_page(program.implicit(**parameters), person)
    return came_back(browser.fill_in(page, answer="allow"))


def by(site, token):
    return workdocs(site.server, key=None, token=token)


def is_page_of_error(answer):
    return answer.status_code == 400 and "Location" not in answer.headers and "<h1>" in answer.text


# The implicit flow, as the developer guide has it.


def test_a_program_gets_a_token_after_sign_in_and_consent(site, program, browser, ann):
    page = browser.consent_page(program.implicit(state="xyz"), ann)
    for said in ("Harbour Sync", "sync@example.com", "app.example.com", ann.username, "upload", "read"):
        assert said in page.text
    given = came_back(browser.fill_in(page, answer="allow"))
    assert set(given) == {"acessToken", "accessToken", "region", "state"}
    assert given["acessToken"] == given["accessToken"]
    assert (given["region"], given["state"]) == ("us-east-1", "xyz")
    client = by(site, given["acessToken"])
    assert client.get_current_user()["User"]["Id"] == ann.id
    made = client.create_folder(ParentFolderId=ann.root, Name=site.name())["Metadata"]["Id"]
    assert client.get_folder(FolderId=made)["Metadata"]["CreatorId"] == ann.id


def test_who_is_signed_in_is_asked_at_once_and_can_be_somebody_else(site, program, browser, ann):
    bob = site.person()
    browser.consent_page(program.implicit(), ann)
    page = browser.open(program.implicit())
    assert ann.username in page.text and ">Allow<" in page.text
    page = browser.fill_in(page, at=1)
    page = browser.sign_in(page, bob)
    assert bob.username in page.text and ann.username not in page.text
    given = came_back(browser.fill_in(page, answer="allow"))
    assert "state" not in given
    assert by(site, given["accessToken"]).get_current_user()["User"]["Id"] == bob.id


def test_a_token_does_what_was_asked_for_and_no_more(site, program, browser, ann):
    page = browser.consent_page(program.implicit(scopes=READ), ann)
    assert "upload" not in page.text
    reader = by(site, came_back(browser.fill_in(page, answer="allow"))["acessToken"])
    reader.get_folder(FolderId=ann.root)
    with refused_call("UnauthorizedOperationException"):
        reader.create_folder(ParentFolderId=ann.root, Name="x")
    writer = by(site, allowed(program, Browser(browser.url), ann, scopes=WRITE)["acessToken"])
    writer.create_folder(ParentFolderId=ann.root, Name=site.name())
    with refused_call("UnauthorizedOperationException"):
        writer.get_folder(FolderId=ann.root)
    both = by(site, allowed(program, Browser(browser.url), ann, scopes=f"{READ},{WRITE}")["acessToken"])
    both.get_folder(FolderId=ann.root)
    both.create_folder(ParentFolderId=ann.root, Name=site.name())


def test_a_program_gets_nothing_it_is_not_registered_for(site, browser, ann):
    narrow = Program(site.server, "--scopes", "read")
    for scopes in (WRITE, f"{READ},{WRITE}", "admin", f"{READ},admin", ",", "workdocs.content", READ.upper()):
        assert is_page_of_error(browser.open(narrow.implicit(scopes=scopes))), scopes
    reader = by(site, allowed(narrow, browser, ann)["acessToken"])
    reader.get_folder(FolderId=ann.root)
    with refused_call("UnauthorizedOperationException"):
        reader.create_folder(ParentFolderId=ann.root, Name="x")


def test_a_state_comes_back_as_it_was(program, browser, ann):
    browser.consent_page(program.implicit(), ann)
    for state in STATES:
        page = browser.open(program.implicit(state=state))
        assert "<script" not in page.text
        assert came_back(browser.fill_in(page, answer="allow"))["state"] == state
        page = browser.open(program.implicit(state=state))
        given = came_back(browser.fill_in(page, answer="deny"))
        assert given == {"error": "access_denied", "state": state}


def test_a_state_survives_the_sign_in(program, site, ann):
    for state in STATES:
        page = Browser(site.server.url).open(program.implicit(state=state))
        path = Forms(page.text).forms[0]["fields"]["next"]
        parameters = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query, strict_parsing=True)
        assert parameters["state"] == [state]


def test_who_denies_gives_nothing(program, browser, ann):
    page = browser.consent_page(program.implicit(), ann)
    assert came_back(browser.fill_in(page, answer="deny")) == {"error": "access_denied"}


def test_the_page_of_consent_leads_to_the_program_alone_and_is_kept_by_nobody(program, browser, ann):
    headers = browser.consent_page(program.implicit(), ann).headers
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; form-action 'self' https://app.example.com; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    page = browser.open(program.implicit(redirect_uri=LOOPBACK))
    assert "form-action 'self' http://127.0.0.1:8400;" in page.headers["Content-Security-Policy"]
    # The policy has no way to write an address in brackets; browsers ignore what they cannot read.
    bracketed = Program(program.server, uris=["http://[::1]:8400/"])
    page = browser.open(bracketed.implicit(redirect_uri="http://[::1]:8400/"))
    assert "form-action 'self' http:;" in page.headers["Content-Security-Policy"]


# Where people may be sent back to.

HOSTILE = """
https://app.example.com/back?kind=docs/ https://app.example.com/back https://app.example.com/
https://app.example.com https://app.example.com/back?kind=docs& https://app.example.com/back?kind=docs#
https://app.example.com/back?kind=docs#part https://app.example.com/back?kind=docs&more=1
https://app.example.com/back?kind=doc https://app.example.com/back?KIND=docs
https://app.example.com/back?kind=docs%00 https://app.example.com/back%3Fkind=docs
https://app.example.com/back/?kind=docs https://app.example.com//back?kind=docs
https://app.example.com/./back?kind=docs https://app.example.com/a/../back?kind=docs
https://app.example.com/%62ack?kind=docs https://app.example.com/Back?kind=docs
https://app.example.com:443/back?kind=docs https://app.example.com:8443/back?kind=docs
https://app.example.com./back?kind=docs https://APP.example.com/back?kind=docs
HTTPS://app.example.com/back?kind=docs http://app.example.com/back?kind=docs
https://app.example.com.evil.example/back?kind=docs https://evil.example/app.example.com/back?kind=docs
https://sub.app.example.com/back?kind=docs https://example.com/back?kind=docs
https://app.example.com@evil.example/back?kind=docs https://evil.example@app.example.com/back?kind=docs
https://app.example.com:x@evil.example/back?kind=docs https://app.example.com\\@evil.example/back?kind=docs
https://app.example.com\\.evil.example/back?kind=docs https:\\\\app.example.com\\back?kind=docs
//app.example.com/back?kind=docs ///evil.example /back?kind=docs back?kind=docs \\\\evil.example
https:/app.example.com/back?kind=docs https:app.example.com/back?kind=docs
https://app%2eexample.com/back?kind=docs https://app\u3002example.com/back?kind=docs
https://\u0430pp.example.com/back?kind=docs https://xn--pp-7lc.example.com/back?kind=docs
https://app.ex\u00e4mple.com/back?kind=docs javascript:alert(1) javascript://app.example.com/%0aalert(1)
data:text/html,x file:///etc/passwd urn:ietf:wg:oauth:2.0:oob https://*.example.com/back?kind=docs
http://127.0.0.1:8401/ http://127.0.0.1/ http://localhost:8400/ http://[::1]:8400/ http://127.1:8400/
http://0x7f000001:8400/ http://2130706433:8400/ https://127.0.0.1:8400/ http://127.0.0.1:8400
""".split() + [
    "", " " + REDIRECT, REDIRECT + " ", REDIRECT + "\t", REDIRECT + "\n", REDIRECT + "\r\nX: y",
    "\0" + REDIRECT, REDIRECT + "\0", "\ufeff" + REDIRECT, REDIRECT + "\u200b", "\t//evil.example",
    REDIRECT.replace("back", "ba\tck"), f"{REDIRECT},https://evil.example", f"{REDIRECT} https://evil.example",
    urllib.parse.quote(REDIRECT, safe=""), urllib.parse.quote(REDIRECT), REDIRECT * 20, None,
]


def test_nobody_is_sent_to_what_is_not_registered_byte_for_byte(program, browser, ann):
    assert len(HOSTILE) >= 40 and REDIRECT not in HOSTILE and LOOPBACK not in HOSTILE
    fresh = Browser(browser.url)
    browser.consent_page(program.implicit(), ann)
    for uri, visitor in itertools.product(HOSTILE, (fresh, browser)):
        for path in (program.implicit(redirect_uri=uri), program.authorize("v" * 43, redirect_uri=uri)):
            answer = visitor.get(visitor.url + path, allow_redirects=False, timeout=30)
            assert is_page_of_error(answer), (uri, answer.status_code, answer.headers)


def test_a_form_does_not_lead_to_them_either(program, browser, ann):
    form = Forms(browser.consent_page(program.implicit(), ann).text).forms[0]
    for uri in HOSTILE:
        request = program.implicit(redirect_uri=uri).partition("?")[2]
        for answer in ("allow", "deny"):
            sent = browser.post_form("/oauth", form["fields"] | {"request": request, "answer": answer})
            assert is_page_of_error(sent), uri


def test_what_cannot_be_asked_is_told_to_the_person_alone(site, program, browser):
    good = program.implicit()
    unknown = Program(site.server)
    unknown.delete()
    wrong = [
        program.implicit(app_id=unknown.id), program.implicit(app_id=None), program.implicit(app_id="\0"),
        program.implicit(app_id=program.id.upper()), program.implicit(app_id=program.id + "0"),
        program.implicit(app_id="'; DROP TABLE application; --"), program.implicit(app_id="a" * 3000),
        program.implicit(auth_type="implicitgrant"), program.implicit(auth_type=None),
        program.implicit(auth_type="code"), program.implicit(state="a" * 4000), "/oauth",
        good + f"&redirect_uri={urllib.parse.quote(REDIRECT)}", good + "&app_id=" + program.id,
        good + "&state=1&state=2", good + "&auth_type=ImplicitGrant", good + "&state=%ff", good + "&%ff=1",
    ]
    for path in wrong:
        answer = browser.get(browser.url + path, allow_redirects=False, timeout=30)
        assert is_page_of_error(answer), path
        assert "DROP TABLE" not in answer.text
        assert answer.headers["Content-Security-Policy"].count("form-action 'self';") == 1


# Whose consent it is.


def test_a_form_is_taken_from_our_page_alone(site, program, browser, ann):
    form = Forms(browser.consent_page(program.implicit(), ann).text).forms[0]
    fields = form["fields"] | {"answer": "allow"}
    host = browser.url.removeprefix("http://")
    for headers in (
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": browser.url + ".evil.example"},
        {"Origin": f"https://{host}"}, {"Origin": browser.url + "/"}, {"Origin": browser.url.upper()},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": None}, {"Sec-Fetch-Site": ""},
    ):
        answer = browser.post_form("/oauth", fields, **headers)
        assert answer.status_code == 403 and "Location" not in answer.headers, headers
    assert came_back(browser.post_form("/oauth", fields))["accessToken"]
    # A person's own tool says nothing of where a form comes from.
    answer = browser.post_form("/oauth", fields, **{"Origin": None, "Sec-Fetch-Site": None})
    assert came_back(answer)["accessToken"]


def test_a_form_is_for_one_session_and_for_what_it_showed(site, program, browser, ann):
    other_program = Program(site.server, name="Other")
    form = Forms(browser.consent_page(program.implicit(state="1", scopes=READ), ann).text).forms[0]
    fields = form["fields"] | {"answer": "allow"}
    elsewhere = Browser(browser.url)
    theirs = Forms(elsewhere.consent_page(program.implicit(state="1", scopes=READ), ann).text).forms[0]

    def is_refused(answer):
        return answer.status_code == 403 and "Location" not in answer.headers

    for csrf in ("", "0" * 64, theirs["fields"]["csrf"], fields["csrf"].upper(), fields["csrf"][:-1]):
        assert is_refused(browser.post_form("/oauth", fields | {"csrf": csrf})), csrf
    assert is_refused(elsewhere.post_form("/oauth", fields))
    shown = {"app_id": program.id, "auth_type": "ImplicitGrant", "redirect_uri": REDIRECT}
    for changed in (
        {"scopes": f"{READ},{WRITE}", "state": "1"}, {"scopes": READ, "state": "2"}, {"scopes": READ},
        {"scopes": READ, "state": "1", "redirect_uri": LOOPBACK},
        {"scopes": READ, "state": "1", "app_id": other_program.id},
    ):
        request = query(shown | changed)
        assert is_refused(browser.post_form("/oauth", fields | {"request": request})), changed
    for answer in ("", "yes", "ALLOW"):
        assert is_refused(browser.post_form("/oauth", fields | {"answer": answer}))
    twice = urllib.parse.urlencode([*fields.items(), ("answer", "deny")])
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert is_refused(browser.post_form("/oauth", twice, **kind))
    # The consent to one flow is none to the other.
    assert is_page_of_error(browser.post_form("/oauth/authorize", fields))
    assert came_back(browser.post_form("/oauth", fields))["state"] == "1"


def test_whose_session_ended_signs_in_again_and_is_asked_again(site, program, browser):
    person = site.person()
    page = browser.consent_page(program.implicit(state="1"), person)
    fields = Forms(page.text).forms[0]["fields"]
    browser.cookies.clear()
    answer = browser.follow(browser.post_form("/oauth", fields | {"answer": "allow"}))
    assert 'name="password"' in answer.text
    page = browser.sign_in(answer, person)
    assert came_back(browser.fill_in(page, answer="allow"))["state"] == "1"


def test_a_user_who_is_deactivated_meanwhile_gives_nothing(site, program, browser):
    person = site.person()
    page = browser.consent_page(program.implicit(), person)
    site.admin.deactivate_user(UserId=person.id)
    assert 'name="password"' in browser.fill_in(page, answer="allow").text


def test_a_program_that_is_deleted_meanwhile_gets_nothing(site, browser, ann):
    doomed = Program(site.server)
    page = browser.consent_page(doomed.implicit(), ann)
    doomed.delete()
    assert is_page_of_error(browser.fill_in(page, answer="allow"))


def test_deleting_a_program_ends_its_tokens_at_once_and_no_others(site, program, browser, ann):
    doomed = Program(site.server)
    token = allowed(doomed, browser, ann)["accessToken"]
    other = allowed(program, Browser(browser.url), ann)["accessToken"]
    by(site, token).get_folder(FolderId=ann.root)
    doomed.delete()
    assert outcome(by(site, token).get_folder, FolderId=ann.root) == "UnrecognizedClientException"
    by(site, other).get_folder(FolderId=ann.root)


def test_a_program_asks_the_people_of_its_own_site(make_site):
    own = make_site()
    ann = own.person()
    other = own.server.another_site("--alias", "other")
    program = Program(other)
    browser = Browser(own.server.url)
    page = browser.open(program.implicit(state="1"))
    page = browser.sign_in(page, ann, site=own.server.organization_id)
    assert page.status_code == 403 and "another site" in page.text and ">Allow<" not in page.text
    # Whoever makes up the form gets no further.
    csrf = {"request": program.implicit().partition("?")[2], "csrf": "0" * 64, "answer": "allow"}
    assert browser.post_form("/oauth", csrf).status_code == 403
    made = workdocs(other).create_user(
        OrganizationId=other.organization_id, Username="zoe", GivenName="Zoe", Surname="Story",
        Password=PASSWORD,
    )["User"]
    page = browser.fill_in(page)
    assert 'name="site"' in page.text
    page = browser.fill_in(page, site="other", name="zoe", password=PASSWORD)
    given = came_back(browser.fill_in(page, answer="allow"))
    assert given["state"] == "1"
    assert by(own, given["accessToken"]).get_current_user()["User"]["Id"] == made["Id"]


# A code with a proof.


@pytest.fixture
def verifier():
    return secrets.token_urlsafe(48)


def a_code(program, browser, person, verifier, **parameters):
    page = browser.consent_page(program.authorize(verifier, **parameters), person)
    return came_back(browser.fill_in(page, answer="allow"), LOOPBACK)["code"]


def test_a_code_and_its_verifier_give_a_token_once(site, program, browser, ann, verifier):
    page = browser.consent_page(program.authorize(verifier, state="s t&", scope=f"{WRITE} {READ}"), ann)
    assert "form-action 'self' http://127.0.0.1:8400;" in page.headers["Content-Security-Policy"]
    given = came_back(browser.fill_in(page, answer="allow"), LOOPBACK)
    assert set(given) == {"code", "state", "iss"}
    assert (given["state"], given["iss"]) == ("s t&", site.server.url)
    answer = program.redeem(given["code"], verifier)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    token = answer.json()
    assert token | {"access_token": ""} == {
        "access_token": "", "token_type": "Bearer", "expires_in": 3600, "scope": f"{READ} {WRITE}",
    }
    client = by(site, token["access_token"])
    assert client.get_current_user()["User"]["Id"] == ann.id
    client.create_folder(ParentFolderId=ann.root, Name=site.name())
    for _ in range(2):
        refused(program.redeem(given["code"], verifier), "invalid_grant")
    client.get_folder(FolderId=ann.root)


def test_a_code_gives_what_was_consented_to(site, program, browser, ann, verifier):
    token = program.redeem(a_code(program, browser, ann, verifier, scope=READ), verifier).json()
    assert token["scope"] == READ
    reader = by(site, token["access_token"])
    reader.get_folder(FolderId=ann.root)
    with refused_call("UnauthorizedOperationException"):
        reader.create_folder(ParentFolderId=ann.root, Name="x")


def test_a_code_is_for_one_program_one_address_and_one_verifier(site, program, browser, ann, verifier):
    other = Program(site.server, name="Other")
    browser.consent_page(program.authorize(verifier), ann)

    def code():
        page = browser.open(program.authorize(verifier))
        return came_back(browser.fill_in(page, answer="allow"), LOOPBACK)["code"]

    for wrong in (
        {"client_id": other.id}, {"redirect_uri": REDIRECT}, {"redirect_uri": LOOPBACK + "x"},
        {"code_verifier": verifier[:-1] + ("a" if verifier[-1] != "a" else "b")},
        {"code_verifier": challenge(verifier)}, {"code_verifier": verifier + "a"},
    ):
        stolen = code()
        refused(program.redeem(stolen, verifier, **wrong), "invalid_grant")
        # Whoever tried to use it used it up.
        refused(program.redeem(stolen, verifier), "invalid_grant")
    for made_up in ("x", "0" * 64, "\0", "a" * 10_000):
        refused(program.redeem(made_up, verifier), "invalid_grant")
    implicit = allowed(program, Browser(browser.url), ann)["accessToken"]
    refused(program.redeem(implicit, verifier), "invalid_grant")


def test_of_two_who_use_a_code_at_once_one_gets_a_token(program, browser, ann, verifier):
    code = a_code(program, browser, ann, verifier)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: program.redeem(code, verifier).status_code, range(8)))
    assert sorted(answers) == [200] + [400] * 7


def test_what_a_program_asks_wrongly_is_told_to_it(program, browser, verifier):
    for wrong, error in (
        ({"response_type": None}, "invalid_request"), ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"), ({"scope": "admin"}, "invalid_scope"),
        ({"scope": f"{READ} admin"}, "invalid_scope"), ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"), ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"), ({"code_challenge": "a" * 42}, "invalid_request"),
        ({"code_challenge": "a" * 43 + "="}, "invalid_request"), ({"code_challenge": "+" * 43}, "invalid_request"),
    ):
        path = program.authorize(verifier, state="5%", **wrong)
        given = came_back(browser.get(browser.url + path, allow_redirects=False, timeout=30), LOOPBACK)
        assert (given["error"], given["state"], given["iss"]) == (error, "5%", browser.url), wrong
    good = program.authorize(verifier)
    for path in (
        good + "&state=1&state=2", good + "&client_id=" + program.id, good + "&code_challenge_method=S256",
        program.authorize(verifier, client_id="x"), program.authorize(verifier, client_id=None),
    ):
        assert is_page_of_error(browser.get(browser.url + path, allow_redirects=False, timeout=30)), path


def test_who_denies_gives_no_code(program, browser, ann, verifier):
    page = browser.consent_page(program.authorize(verifier, state="1"), ann)
    given = came_back(browser.fill_in(page, answer="deny"), LOOPBACK)
    assert given == {"error": "access_denied", "state": "1", "iss": browser.url}


def test_a_program_that_exchanges_wrongly_is_told_what_is_wrong(program, browser, ann, verifier):
    code = a_code(program, browser, ann, verifier)
    for name in ("code", "client_id", "redirect_uri", "code_verifier", "grant_type"):
        refused(program.redeem(code, verifier, **{name: None}), "invalid_request")
    for short in ("a" * 42, "a" * 129, "a" * 42 + "=", "ä" * 43):
        refused(program.redeem(code, verifier, code_verifier=short), "invalid_request")
    for grant in ("password", "refresh_token", "client_credentials", "AUTHORIZATION_CODE"):
        refused(program.redeem(code, verifier, grant_type=grant), "unsupported_grant_type")
    for client in ("x", "0" * 32, "\0", program.id.upper()):
        refused(program.redeem(code, verifier, client_id=client), "invalid_client")
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"grant_type=a&grant_type=b", b"code=%ff", b"\xff", b"a" * 20_000, b"{}", b""):
        answer = requests.post(browser.url + "/oauth/token", data=body, headers=kind, timeout=30)
        refused(answer, "invalid_request")
    assert requests.get(browser.url + "/oauth/token", timeout=30).status_code == 405
    # None of it used the code.
    assert program.redeem(code, verifier).status_code == 200


def test_a_code_is_worth_nothing_without_its_user_or_its_program(site, browser, verifier):
    person, doomed = site.person(), Program(site.server)
    code = a_code(doomed, browser, person, verifier)
    site.admin.deactivate_user(UserId=person.id)
    refused(doomed.redeem(code, verifier), "invalid_grant")
    site.admin.activate_user(UserId=person.id)
    code = a_code(doomed, browser, person, verifier)
    doomed.delete()
    refused(doomed.redeem(code, verifier), "invalid_client")


def test_programs_find_what_is_where(site, program, browser, ann, verifier):
    described = requests.get(browser.url + "/.well-known/oauth-authorization-server", timeout=30).json()
    assert described["issuer"] == browser.url
    assert described["code_challenge_methods_supported"] == ["S256"]
    assert described["grant_types_supported"] == ["authorization_code", DEVICE_GRANT]
    assert described["scopes_supported"] == [READ, WRITE]
    for name, path in (
        ("authorization_endpoint", "/oauth/authorize"), ("token_endpoint", "/oauth/token"),
        ("device_authorization_endpoint", "/oauth/device_authorization"),
    ):
        assert described[name] == browser.url + path


# A code typed elsewhere.


def test_a_device_gets_a_token_once_its_user_typed_its_code(site, program, browser, ann):
    begun = program.begin_device(scope=READ)
    assert begun.status_code == 200 and begun.headers["Cache-Control"] == "no-store"
    begun = begun.json()
    assert (begun["expires_in"], begun["interval"]) == (600, 5)
    assert begun["verification_uri"] == browser.url + "/device"
    assert begun["verification_uri_complete"] == f"{browser.url}/device?user_code={begun['user_code']}"
    refused(program.poll(begun["device_code"]), "authorization_pending")
    refused(program.poll(begun["device_code"]), "slow_down")

    page = browser.sign_in(browser.open("/device"), ann)
    page = browser.fill_in(page, user_code=begun["user_code"].lower().replace("-", " "))
    for said in ("Harbour Sync", begun["user_code"], ann.username, "started it yourself"):
        assert said in page.text
    assert "upload" not in page.text
    assert "form-action 'self';" in page.headers["Content-Security-Policy"]
    done = browser.fill_in(page, answer="allow")
    assert done.status_code == 200 and "Allowed" in done.text
    token = program.poll(begun["device_code"]).json()
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 3600, READ)
    reader = by(site, token["access_token"])
    assert reader.get_current_user()["User"]["Id"] == ann.id
    with refused_call("UnauthorizedOperationException"):
        reader.create_folder(ParentFolderId=ann.root, Name="x")
    refused(program.poll(begun["device_code"]), "invalid_grant")
    # A code that was answered is nobody's any more.
    assert browser.fill_in(page, answer="allow").status_code == 404


def test_a_code_in_the_address_is_filled_in_and_never_sent_by_itself(program, browser, ann):
    begun = program.begin_device().json()
    path = begun["verification_uri_complete"].removeprefix(browser.url)
    page = browser.sign_in(browser.open(path), ann)
    assert Forms(page.text).forms[0]["fields"] == {"user_code": begun["user_code"]}
    assert ">Allow<" not in page.text
    refused(program.poll(begun["device_code"]), "authorization_pending")
    page = browser.fill_in(page)
    assert browser.fill_in(page, answer="deny").status_code == 200
    refused(program.poll(begun["device_code"]), "access_denied")
    refused(program.poll(begun["device_code"]), "invalid_grant")
    for junk in ("<script>", "a" * 100, "%00", "'\""):
        page = browser.open("/device?user_code=" + urllib.parse.quote(junk))
        assert Forms(page.text).forms[0]["fields"] == {"user_code": ""}


def test_the_form_of_a_device_is_for_one_session_and_one_code(site, program, browser, ann):
    first, second = program.begin_device().json(), program.begin_device().json()
    page = browser.sign_in(browser.open("/device"), ann)
    page = browser.fill_in(page, user_code=first["user_code"])
    fields = Forms(page.text).forms[0]["fields"] | {"answer": "allow"}
    elsewhere = Browser(browser.url)
    elsewhere.sign_in(elsewhere.open("/device"), site.person())
    assert elsewhere.post_form("/device", fields).status_code == 403
    assert browser.post_form("/device", fields | {"request": second["user_code"]}).status_code == 403
    assert browser.post_form("/device", fields | {"csrf": ""}).status_code == 403
    assert browser.post_form("/device", fields | {"answer": "yes"}).status_code == 403
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        for sent in (fields, {"user_code": first["user_code"]}):
            assert browser.post_form("/device", sent, **headers).status_code == 403
    refused(program.poll(first["device_code"]), "authorization_pending")
    refused(program.poll(second["device_code"]), "authorization_pending")


def test_who_types_ten_wrong_codes_waits_and_nobody_else_does(site, program, browser):
    person, other = site.person(), site.person()
    begun = program.begin_device().json()
    page = browser.sign_in(browser.open("/device"), person)
    for _ in range(10):
        answer = browser.fill_in(page, user_code="BBBB-BBBB")
        assert answer.status_code == 404 and "No device waits" in answer.text
    answer = browser.fill_in(page, user_code=begun["user_code"])
    assert answer.status_code == 429 and "ten minutes" in answer.text
    assert int(answer.headers["Retry-After"]) == 600
    elsewhere = Browser(browser.url)
    page = elsewhere.sign_in(elsewhere.open("/device"), other)
    assert ">Allow<" in elsewhere.fill_in(page, user_code=begun["user_code"]).text


def test_a_device_gets_nothing_of_a_user_or_for_a_program_that_is_gone(site, browser):
    person, doomed = site.person(), Program(site.server)
    other = Program(site.server, name="Other")
    page = browser.sign_in(browser.open("/device"), person)
    begun = doomed.begin_device().json()
    consent = browser.fill_in(page, user_code=begun["user_code"])
    assert browser.fill_in(consent, answer="allow").status_code == 200
    refused(other.poll(begun["device_code"]), "invalid_grant")
    site.admin.deactivate_user(UserId=person.id)
    refused(doomed.poll(begun["device_code"]), "invalid_grant")
    site.admin.activate_user(UserId=person.id)
    page = browser.sign_in(browser.open("/device"), person)
    begun = doomed.begin_device().json()
    consent = browser.fill_in(page, user_code=begun["user_code"])
    doomed.delete()
    assert browser.fill_in(consent, answer="allow").status_code == 404
    refused(doomed.poll(begun["device_code"]), "invalid_client")
    refused(doomed.begin_device(), "invalid_client")


def test_a_device_that_begins_wrongly_is_told_what_is_wrong(site, program, browser):
    narrow = Program(site.server, "--scopes", "read")
    refused(narrow.begin_device(scope=WRITE), "invalid_scope")
    refused(program.begin_device(scope="admin"), "invalid_scope")
    refused(program.ask("/oauth/device_authorization"), "invalid_request")
    refused(program.ask("/oauth/device_authorization", client_id="x"), "invalid_client")
    refused(program.poll(None), "invalid_request")
    refused(program.poll("0" * 64), "invalid_grant")
    assert requests.get(browser.url + "/oauth/device_authorization", timeout=30).status_code == 405


def test_nobody_fills_the_database_with_devices(site, program):
    busy = Program(site.server, name="Busy")
    answers = [busy.begin_device() for _ in range(61)]
    assert {answer.status_code for answer in answers[:60]} == {200}
    refused(answers[60], "slow_down", 429)
    assert "ten minutes" in answers[60].json()["error_description"]
    assert answers[60].headers["Retry-After"] == "600"
    assert program.begin_device().status_code == 200


# What is kept to oneself.


def test_nothing_that_opens_anything_is_in_a_log_or_a_record(make_site):
    site = make_site(DOCHARBOR_LOG_LEVEL="trace")
    ann, program, browser = site.person(), Program(site.server), Browser(site.server.url)
    verifier = "CANARYverifier" * 4
    state = "CANARYstate"
    secrets_seen = {verifier, state, challenge(verifier)}
    page = browser.consent_page(program.implicit(state=state), ann)
    secrets_seen |= {Forms(page.text).forms[0]["fields"]["csrf"], *browser.cookies.values()}
    secrets_seen.add(came_back(browser.fill_in(page, answer="allow"))["accessToken"])
    page = browser.open(program.authorize(verifier, state=state))
    code = came_back(browser.fill_in(page, answer="allow"), LOOPBACK)["code"]
    secrets_seen |= {code, program.redeem(code, verifier).json()["access_token"]}
    refused(program.redeem(code, verifier), "invalid_grant")
    begun = program.begin_device().json()
    page = browser.fill_in(browser.open("/device"), user_code=begun["user_code"])
    browser.fill_in(page, answer="allow")
    secrets_seen |= {begun["device_code"], begun["user_code"]}
    secrets_seen.add(program.poll(begun["device_code"]).json()["access_token"])
    browser.open(program.implicit(redirect_uri="https://CANARYevil.example/", state=state))
    browser.open("/device?user_code=CANARYcode")
    browser.get(f"{browser.url}/sign-in?next=/oauth%3Fstate%3D{state}", timeout=30)
    site.server.stop()
    everything = site.server.log() + AuditLog(site.server).text()
    for secret in secrets_seen | {"CANARY", "127.0.0.1:8400", "app.example.com"}:
        assert secret not in everything, secret
    operations = {json.loads(line).get("operation") for line in site.server.log().splitlines()}
    assert {"oauth", "device", "AllowApplication", "CreateToken"} <= operations


def test_every_answer_leaves_a_record(make_site):
    site = make_site()
    ann, program, browser = site.person(), Program(site.server), Browser(site.server.url)
    verifier = secrets.token_urlsafe(48)
    page = browser.consent_page(program.implicit(), ann)
    log = AuditLog(site.server)

    def record(answer, name, person=True):
        found = log.one(answer.headers["x-amzn-requestid"])
        assert (found["eventSource"], found["eventName"]) == ("signin.amazonaws.com", name)
        assert found["requestParameters"] == {"applicationId": program.id}
        assert (found["userIdentity"].get("principalId") == ann.id) == person
        return found

    assert "errorCode" not in record(browser.fill_in(page, answer="allow"), "AllowApplication")
    record(browser.fill_in(page, answer="deny"), "DenyApplication")
    answer = browser.fill_in(page, answer="allow", csrf="0")
    assert "errorCode" in record(answer, "AllowApplication")
    page = browser.open(program.authorize(verifier))
    answer = browser.fill_in(page, answer="allow")
    record(answer, "AllowApplication")
    code = came_back(answer, LOOPBACK)["code"]
    assert "errorCode" not in record(program.redeem(code, verifier), "CreateToken", person=False)
    found = record(program.redeem(code, verifier), "CreateToken", person=False)
    assert found["errorCode"] == "invalid_grant"
    begun = program.begin_device()
    record(begun, "StartDeviceAuthorization", person=False)
    page = browser.fill_in(browser.open("/device"), user_code=begun.json()["user_code"])
    record(page, "EnterDeviceCode")
    record(browser.fill_in(page, answer="allow"), "AllowDevice")


def test_the_program_of_the_page_works(site, program, browser, ann):
    page = (REPOSITORY / "docs/applications.md").read_text()
    text = re.search(r"^```py\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[1]
    environment = os.environ | {"AWS_ENDPOINT_URL_WORKDOCS": site.server.url}
    with subprocess.Popen(
        [sys.executable, "-c", text, program.id], stdout=subprocess.PIPE, env=environment, text=True,
    ) as running:
        shown = re.fullmatch(r"Open (\S+) and type (\S+)\n", running.stdout.readline())
        page = browser.sign_in(browser.open(shown[1].removeprefix(site.server.url)), ann)
        browser.fill_in(browser.fill_in(page, user_code=shown[2]), answer="allow")
        assert running.stdout.read() == f"I may act as {ann.username}\n"
        assert running.wait(timeout=30) == 0


# Other pages in the same browser, and what stands before the server.


def test_no_answer_lets_the_page_of_another_site_read_it(site, program, browser, ann):
    browser.consent_page(program.implicit(), ann)
    token = allowed(program, Browser(browser.url), ann)["accessToken"]
    origin = {"Origin": "https://evil.example"}
    asks = origin | {
        "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authentication",
    }
    paths = [
        program.implicit(), "/sign-in", "/device", "/oauth/token", "/oauth/device_authorization",
        "/.well-known/oauth-authorization-server", "/api/v1/me", "/api/v1/folders", "/",
    ]
    for path, method in itertools.product(paths, ("GET", "POST", "OPTIONS")):
        headers = (asks if method == "OPTIONS" else origin) | {"Authentication": token}
        answer = browser.request(
            method, browser.url + path, headers=headers, allow_redirects=False, timeout=30
        )
        allowed_headers = [name for name in answer.headers if name.lower().startswith("access-control-")]
        assert not allowed_headers and (method != "OPTIONS" or answer.status_code >= 400), path


def test_behind_a_public_address_all_of_it_is_there(make_site):
    site = make_site(DOCHARBOR_PUBLIC_URL="https://docs.example.com")
    ann, program, browser = site.person(), Program(site.server), Browser(site.server.url)
    described = browser.get(browser.url + "/.well-known/oauth-authorization-server", timeout=30).json()
    assert described["issuer"] == "https://docs.example.com"
    assert described["token_endpoint"] == "https://docs.example.com/oauth/token"
    assert program.begin_device().json()["verification_uri"] == "https://docs.example.com/device"
    fields = {"name": ann.username, "password": PASSWORD}
    assert browser.post_form("/sign-in", fields).status_code == 403
    answer = browser.post_form("/sign-in", fields, Origin="https://docs.example.com")
    cookie = answer.headers["Set-Cookie"]
    assert re.fullmatch(r"__Host-docharbor=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Lax; Secure", cookie)
    # A browser would not send a cookie of that name that another host has made up under another.
    session = cookie.partition("=")[2].partition(";")[0]
    for name, signed_in in (("docharbor", False), ("__Host-docharbor", True)):
        page = requests.get(
            browser.url + program.implicit(), headers={"Cookie": f"{name}={session}"},
            allow_redirects=False, timeout=30,
        )
        assert (page.status_code == 200) == signed_in
