"""Programs that ask people for access: a page of consent, a code with a proof, a code typed elsewhere."""

import itertools
import urllib.parse

import pytest

from client import outcome, refused as refused_call, workdocs
from oauth_story import (
    LOOPBACK, READ, REDIRECT, WRITE, Browser, Forms, Program, came_back, query,
)
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
