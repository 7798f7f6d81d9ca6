"""A person in a browser, and a program that asks them for access."""

import base64
import hashlib
import html.parser
import json
import urllib.parse

import requests

from site_story import PASSWORD

READ = "workdocs.content.read"
WRITE = "workdocs.content.write"
REDIRECT = "https://app.example.com/back?kind=docs"
LOOPBACK = "http://127.0.0.1:8400/"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Forms(html.parser.HTMLParser):
    """The forms of a page, as a browser would send them."""

    def __init__(self, text):
        super().__init__()
        self.forms = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append({"action": attributes["action"], "fields": {}, "buttons": []})
        elif tag == "input" and attributes.get("name"):
            self.forms[-1]["fields"][attributes["name"]] = attributes.get("value", "")
        elif tag == "button" and attributes.get("name"):
            self.forms[-1]["buttons"].append((attributes["name"], attributes["value"]))


class Browser(requests.Session):
    """A browser without JavaScript: it keeps cookies, goes to other hosts for nobody, and says where a
    form comes from."""

    def __init__(self, url):
        super().__init__()
        self.url = url

    def open(self, path):
        """Opens a page of the server, and follows it as long as it stays on the server."""
        return self.follow(self.get(self.url + path, allow_redirects=False, timeout=30))

    def follow(self, answer):
        while answer.headers.get("Location", "").startswith("/"):
            assert answer.status_code == 303
            answer = self.get(self.url + answer.headers["Location"], allow_redirects=False, timeout=30)
        return answer

    def post_form(self, path, fields, **headers):
        """Sends a form as its page would have it sent, but for the headers that are given."""
        headers = {"Origin": self.url, "Sec-Fetch-Site": "same-origin"} | headers
        headers = {name: value for name, value in headers.items() if value is not None}
        return self.post(
            self.url + path, data=fields, headers=headers, allow_redirects=False, timeout=30
        )

    def fill_in(self, page, at=0, **fields):
        """Fills in the form of a page and sends it."""
        form = Forms(page.text).forms[at]
        return self.follow(self.post_form(form["action"], form["fields"] | fields))

    def sign_in(self, page, person, **fields):
        return self.fill_in(page, name=person.username, password=PASSWORD, **fields)

    def consent_page(self, path, person):
        """Opens what a program sends the person to, and signs in on the way."""
        page = self.open(path)
        assert 'name="password"' in page.text, page.text
        page = self.sign_in(page, person)
        assert page.status_code == 200 and ">Allow<" in page.text, page.text
        return page


class Program:
    """A registered application."""

    def __init__(self, server, *arguments, uris=(REDIRECT, LOOPBACK), name="Harbour Sync"):
        self.server = server
        redirects = [part for uri in uris for part in ("--redirect-uri", uri)]
        done = server.run("application", "create", name, str(server.data), *redirects, *arguments)
        self.made = json.loads(done.stdout)
        self.id = self.made["AppId"]

    def delete(self):
        self.server.run("application", "delete", self.id, str(self.server.data))

    def implicit(self, **parameters):
        """Where it sends browsers for a token; a parameter that is `None` is left out."""
        given = {"app_id": self.id, "auth_type": "ImplicitGrant", "redirect_uri": REDIRECT}
        return "/oauth?" + query(given | parameters)

    def authorize(self, verifier, **parameters):
        """Where it sends browsers for a code."""
        given = {
            "response_type": "code", "client_id": self.id, "redirect_uri": LOOPBACK,
            "code_challenge": challenge(verifier), "code_challenge_method": "S256",
        }
        return "/oauth/authorize?" + query(given | parameters)

    def ask(self, path, **fields):
        """What a program asks by itself."""
        return requests.post(self.server.url + path, data=fields, timeout=30)

    def redeem(self, code, verifier, /, **fields):
        given = {
            "grant_type": "authorization_code", "client_id": self.id, "code": code,
            "redirect_uri": LOOPBACK, "code_verifier": verifier,
        }
        return self.ask("/oauth/token", **(given | fields))

    def begin_device(self, **fields):
        return self.ask("/oauth/device_authorization", client_id=self.id, **fields)

    def poll(self, device_code, /, **fields):
        given = {"grant_type": DEVICE_GRANT, "client_id": self.id, "device_code": device_code}
        return self.ask("/oauth/token", **(given | fields))


def query(parameters):
    given = {name: value for name, value in parameters.items() if value is not None}
    return urllib.parse.urlencode(given, quote_via=urllib.parse.quote)


def challenge(verifier):
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def came_back(answer, to=REDIRECT):
    """What a program finds in the address that a browser was sent back to."""
    assert answer.status_code == 303, answer.text
    location = answer.headers["Location"]
    assert location.startswith(to + ("&" if "?" in to else "?")), location
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    own = urllib.parse.urlsplit(to).query
    pairs = urllib.parse.urlsplit(location).query.removeprefix(own).lstrip("&")
    found = urllib.parse.parse_qsl(pairs, keep_blank_values=True, strict_parsing=True)
    assert len(dict(found)) == len(found)
    return dict(found)


def refused(answer, error, status=400):
    """Holds that a program was refused in the words of the RFC."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.json()["error_description"]
    assert answer.headers["Cache-Control"] == "no-store"
