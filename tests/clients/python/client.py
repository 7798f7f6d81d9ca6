"""boto3 against one server, and the requests it makes taken apart for what no SDK sends."""

import contextlib
import http.client
import urllib.parse
from dataclasses import dataclass, field, replace

import boto3
import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

# The key of the site's own root.
ROOT = "root"

SESSION = boto3.session.Session()
MODEL = botocore.session.get_session().get_service_model("workdocs")
COMMON_STATUS = {
    "ValidationException": 400,
    "MissingAuthenticationTokenException": 403,
    "IncompleteSignatureException": 403,
    "InvalidSignatureException": 403,
    "UnrecognizedClientException": 403,
    "ExpiredTokenException": 403,
}


def status_of(code):
    """The HTTP status that belongs to an error code."""
    if code in COMMON_STATUS:
        return COMMON_STATUS[code]
    return MODEL.shape_for(code).metadata["error"]["httpStatusCode"]


def workdocs(
    server, key=ROOT, token=None, region="us-east-1", validate=True,
    attempts=1, url=None,
):
    """A client for one caller. Without a key nothing is signed; a token goes with every call."""
    key = server.root if key is ROOT else key
    client = SESSION.client(
        "workdocs",
        endpoint_url=url or server.url,
        region_name=region,
        aws_access_key_id=key and key[0],
        aws_secret_access_key=key and key[1],
        config=Config(
            signature_version=None if key else UNSIGNED,
            parameter_validation=validate,
            retries={"total_max_attempts": attempts, "mode": "standard"},
            max_pool_connections=32,
            read_timeout=30,
        ),
    )
    if token:
        def with_token(params, model, **_):
            if "AuthenticationToken" in model.input_shape.members:
                return {"AuthenticationToken": token} | params
            return params

        def with_header(params, **_):
            params["headers"].setdefault("Authentication", token)

        client.meta.events.register("provide-client-params.workdocs", with_token)
        # Some operations have no member for it, and the service takes it all the same.
        client.meta.events.register("before-call.workdocs", with_header)
    return client


@dataclass
class Refused:
    """What a refused call was answered."""

    code: str = None
    message: str = None
    response: dict = field(default_factory=dict)


@contextlib.contextmanager
def refused(code):
    """Expects the block to be refused with a code, by its status and with a text."""
    refusal = Refused()
    with pytest.raises(ClientError) as caught:
        yield refusal
    refusal.response = caught.value.response
    refusal.code = refusal.response["Error"]["Code"]
    refusal.message = refusal.response["Error"].get("Message", "")
    status = refusal.response["ResponseMetadata"]["HTTPStatusCode"]
    assert (refusal.code, status) == (code, status_of(code)), refusal.message
    assert type(caught.value).__name__ in (code, "ClientError")
    assert refusal.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]


def outcome(call, **members):
    """`None` if the call succeeds, else the code it was refused with."""
    try:
        call(**members)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


@dataclass(frozen=True)
class Request:
    """A request as it goes over the wire."""

    method: str
    url: str
    headers: dict
    body: bytes

    def with_header(self, name, value):
        """The same request with one header set, or left out if the value is `None`."""
        kept = {have: text for have, text in self.headers.items() if have.lower() != name.lower()}
        return replace(self, headers=kept if value is None else kept | {name: value})


@dataclass(frozen=True)
class Answer:
    """What came back over the wire."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def code(self):
        return (self.headers.get("x-amzn-errortype") or "").split(":")[0]


def request_of(client, operation, **members):
    """The request that the SDK would send for a call, signed now and not sent."""
    kept = []

    def keep(request, **_):
        headers = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        body = request.body or b""
        body = body if isinstance(body, bytes) else body.encode()
        kept.append(Request(request.method, request.url, headers, body))
        return AWSResponse(request.url, 204, {}, _Nothing())

    client.meta.events.register("before-send.workdocs", keep)
    try:
        getattr(client, operation)(**members)
    finally:
        client.meta.events.unregister("before-send.workdocs", keep)
    return kept[0]


class _Nothing:
    """The body of an answer that never was."""

    def stream(self, *_, **__):
        return iter(())


def send(request):
    """Sends exactly these bytes, on a connection of their own."""
    parts = urllib.parse.urlsplit(request.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        connection.putrequest(
            request.method, target, skip_accept_encoding=True,
            skip_host=any(name.lower() == "host" for name in request.headers),
        )
        headers = {name.lower(): value for name, value in request.headers.items()}
        for name, value in request.headers.items():
            if name.lower() != "content-length":
                connection.putheader(name, value)
        if request.body or "content-length" in headers:
            connection.putheader("Content-Length", str(len(request.body)))
        # A server that refuses a body may close before it has read it all.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.endheaders(request.body)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()
