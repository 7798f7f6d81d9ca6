"""Requests as bytes on a connection, for what no library would send; signed by botocore's signer."""

import http.client
import os
import random
import secrets
import socket
import threading
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from client import Answer
from server import ROOT_KEY, ROOT_SECRET

SEED = int(os.environ.get("DOCHARBOR_FUZZ_SEED") or secrets.randbits(32))
ROUNDS = int(os.environ.get("DOCHARBOR_FUZZ_ROUNDS") or 1)
THREADS = 4
SHOWN_MAX = 10


@dataclass(frozen=True)
class Message:
    """A request, piece by piece, as it is written to the connection."""

    method: str
    target: str
    headers: tuple
    body: bytes = b""

    def having(self, name, value):
        """The same request with a header more."""
        return replace(self, headers=(*self.headers, (name, value)))

    def without(self, name):
        """The same request without a header."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=kept)

    def changing(self, name, change):
        """The same request with the value of a header changed."""
        return replace(self, headers=tuple(
            (have, change(value) if have.lower() == name.lower() else value)
            for have, value in self.headers
        ))

    def value(self, name):
        return next(value for have, value in self.headers if have.lower() == name.lower())

    def pieces(self):
        """The bytes in order; those at odd places say something, the others frame it."""
        yield b""
        yield self.method.encode()
        yield b" "
        yield self.target.encode()
        yield b" HTTP/1.1\r\n"
        for name, value in self.headers:
            yield name.encode()
            yield b": "
            yield value.encode()
            yield b"\r\n"
        length = b"Content-Length: %d\r\n" % len(self.body) if self.body else b""
        yield b""
        yield length + b"\r\n"
        yield self.body

    def data(self):
        return b"".join(self.pieces())


class Wire:
    """A connection that is opened again whenever the server has closed it."""

    def __init__(self, server):
        self.place = ("127.0.0.1", server.port)
        self.socket = None

    def exchange(self, data, method="GET"):
        """What comes back for these bytes; nothing if the server closed without a word."""
        for is_last in (False, True):
            is_fresh = self.socket is None
            if is_fresh:
                self.socket = socket.create_connection(self.place, timeout=20)
            try:
                self.socket.sendall(data)
                response = http.client.HTTPResponse(self.socket, method=method)
                response.begin()
                answer = Answer(response.status, response.headers, response.read())
            except (ConnectionError, http.client.BadStatusLine):
                self.close()
                # A connection kept open may have been closed while nobody looked.
                if is_fresh or is_last:
                    return None
                continue
            if response.will_close:
                self.close()
            return answer

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None


class Wires:
    """A connection for each thread of a pool."""

    def __init__(self, server):
        self.server = server
        self.own = threading.local()
        self.pool = ThreadPoolExecutor(THREADS)

    def send(self, message):
        return self.exchange(message.data(), message.method)

    def exchange(self, data, method="GET"):
        if not hasattr(self.own, "wire"):
            self.own.wire = Wire(self.server)
        return self.own.wire.exchange(data, method)

    def each(self, call, cases):
        """The problems that `call` finds with the cases, several at a time."""
        return [problem for problem in self.pool.map(call, cases) if problem]


def dice(salt):
    """Random choices that the seed decides, other ones for each test."""
    return random.Random(f"{SEED} {salt}")


def none_of(problems):
    """Fails with the first of the problems, and with how to have them again."""
    if problems:
        shown = "\n".join(problems[:SHOWN_MAX])
        pytest.fail(
            f"{len(problems)} problems, among them:\n{shown}\n"
            f"Run the same again with DOCHARBOR_FUZZ_SEED={SEED}; "
            "DOCHARBOR_FUZZ_ROUNDS=100 tries a hundred times as many.",
            pytrace=False,
        )


def sign(server, method, target, headers=(), body=b"", key=(ROOT_KEY, ROOT_SECRET),
         service="workdocs", region="us-east-1"):
    """A request that botocore has signed, with the headers in the order given."""
    request = AWSRequest(method, server.url + target, headers=dict(headers), data=body)
    botocore.auth.SigV4Auth(Credentials(*key), service, region).add_auth(request)
    given = tuple(headers)
    added = tuple(
        (name, value) for name, value in request.headers.items()
        if name.lower() not in {have.lower() for have, _ in given}
    )
    host = (("Host", urllib.parse.urlsplit(server.url).netloc),)
    if any(name.lower() == "host" for name, _ in given):
        host = ()
    return Message(method, target, host + given + added, body)


def summary(message, answer):
    """What was sent and answered, for the text of a failure."""
    what = (answer.status, answer.code, answer.body[:200]) if answer else "nothing"
    return f"{message.data()[:1500]!r}\n  answered {what}"
