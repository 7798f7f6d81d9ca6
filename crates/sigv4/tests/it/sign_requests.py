"""Signs random requests with botocore, one JSON object a line. Usage: sign_requests.py SEED COUNT"""

import json
import random
import sys
from datetime import datetime, timedelta, timezone
from urllib.parse import quote, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ALPHABET = "abcXYZ019-_~ %&+=/?#;:@!$'()*,\"<>[]{}|^\\äß文🗂\u200fא"
HEADERS = {
    "amz-sdk-invocation-id": "7f1d2c3b-0000-4000-8000-000000000000",
    "amz-sdk-request": "attempt=1; max=3",
    "Authentication": "Bearer some-token",
    "Content-Length": "17",
    "X-Amz-User-Agent": "aws-sdk-js/3.1  ua/2.1   os/linux",
    "X-Amz-Meta": " spaces   within ",
    "User-Agent": "never signed by botocore",
}


class SigV4At(SigV4Auth):
    """SigV4Auth at a moment that is given."""

    def __init__(self, moment, *args):
        super().__init__(*args)
        self.moment = moment

    def add_auth(self, request):
        request.context["timestamp"] = self.moment.strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)
        to_sign = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(to_sign, request))


def text(rng, longest):
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randint(0, longest)))


def segment(rng):
    kind = rng.randrange(4)
    if kind == 0:
        return quote(f"S-1-5-21-{rng.getrandbits(32)}&d-{rng.getrandbits(32):x}", safe="-._~")
    if kind == 1:
        return quote("x" + text(rng, 9), safe="-._~")
    if kind == 2:
        return quote("x" + text(rng, 9), safe="-._~:@!$'()*,;=+")
    return quote(quote("a&b%" + text(rng, 3), safe=""), safe="-._~")


def signed(rng):
    path = "/api/v1" + "".join("/" + segment(rng) for _ in range(rng.randint(0, 4)))
    keys = ["labels", "labels", "keys", "marker", "A", "a", "a1", "a%", text(rng, 4) or "x"]
    query = "&".join(
        f"{quote(rng.choice(keys), safe='-._~')}={quote(text(rng, 8), safe='-._~')}"
        for _ in range(rng.choice([0, 0, 1, 2, 5]))
    )
    body = rng.randbytes(rng.choice([0, 0, 1, 40, 3000]))
    host = rng.choice(["127.0.0.1:8080", "workdocs.us-east-1.amazonaws.com", "[::1]:8080"])
    headers = {name: value for name, value in HEADERS.items() if rng.random() < 0.3}
    if body:
        headers["Content-Type"] = "application/json"
    url = f"http://{host}{path}" + (f"?{query}" if query else "")
    request = AWSRequest(rng.choice(["GET", "POST", "DELETE"]), url, headers, body)
    if rng.random() < 0.3:
        request.headers["X-Amz-Content-SHA256"] = SigV4Auth(None, "", "").payload(request)
    moment = datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=rng.randrange(10**8))
    token = rng.choice([None, None, "session/token+with=signs"])
    region = rng.choice(["us-east-1", "eu-central-1", "local"])
    credentials = Credentials("AKIDEXAMPLE", SECRET, token)
    SigV4At(moment, credentials, "workdocs", region).add_auth(request)
    sent = [(name.lower(), value) for name, value in request.headers.items()]
    if not any(name == "host" for name, _ in sent):
        sent.append(("host", urlsplit(url).netloc))
    return {
        "method": request.method,
        "path": path,
        "query": query,
        "headers": sent,
        "body": list(body),
        "at_ms": int(moment.timestamp()) * 1000,
    }


def main():
    rng = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        print(json.dumps(signed(rng)))


main()
