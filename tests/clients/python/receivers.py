"""Receivers of notifications on the loopback, with TLS of an authority of the tests' own."""

import collections
import contextlib
import datetime
import http.server
import ipaddress
import json
import pathlib
import socket
import ssl
import tempfile
import threading

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from waiting import until

CONFIRMATION = "SubscriptionConfirmation"


class Authority:
    """Vouches for localhost and 127.0.0.1."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="docharbor-authority-"))
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Story authority")])
        ca = self._certificate(name, name, key.public_key(), key, is_ca=True)
        leaf_key = ec.generate_private_key(ec.SECP256R1())
        leaf_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        leaf = self._certificate(leaf_name, name, leaf_key.public_key(), key, is_ca=False)
        self.ca_file = self._write("ca.pem", ca.public_bytes(serialization.Encoding.PEM))
        chain = leaf.public_bytes(serialization.Encoding.PEM) + leaf_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(self._write("server.pem", chain))

    def _write(self, name, content):
        path = self.directory / name
        path.write_bytes(content)
        return str(path)

    @staticmethod
    def _certificate(name, issuer, public_key, key, is_ca):
        now = datetime.datetime.now(datetime.timezone.utc)
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(key, hashes.SHA256())
        )


class Front:
    """TLS in front of a server that speaks none, as its operator's proxy has it."""

    def __init__(self, authority):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self.listener.getsockname()[1]}"
        self.context = authority.server
        self.port = None
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                threading.Thread(target=self._pass_on, args=(peer,), daemon=True).start()

    def _pass_on(self, peer):
        with contextlib.suppress(OSError):
            with self.context.wrap_socket(peer, server_side=True) as outer:
                with socket.create_connection(("127.0.0.1", self.port)) as inner:
                    threading.Thread(target=self._pump, args=(inner, outer), daemon=True).start()
                    self._pump(outer, inner)

    @staticmethod
    def _pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        self.listener.close()


Received = collections.namedtuple("Received", "path headers text")


class Receiver:
    """Keeps what it is sent, and answers as it is told to."""

    def __init__(self, authority, status=200):
        self.status = status
        # Set, an answer ends in the middle.
        self.cuts_off = False
        self.received = []
        # Cleared, requests stay without an answer.
        self.answers = threading.Event()
        self.answers.set()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                text = self.rfile.read(int(self.headers["content-length"])).decode()
                receiver.received.append(Received(self.path, dict(self.headers), text))
                receiver.answers.wait(60)
                status = receiver.status
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", f"{receiver.url}/elsewhere")
                self.send_header("Content-Length", "2" if receiver.cuts_off else "0")
                self.end_headers()
                if receiver.cuts_off:
                    self.wfile.write(b"o")
                    self.close_connection = True

            def log_message(self, *_):
                """Says nothing."""

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self):
                peer, address = super().get_request()
                peer.settimeout(70)
                return authority.server.wrap_socket(
                    peer, server_side=True, do_handshake_on_connect=False
                ), address

            def handle_error(self, *_):
                """Clients may go away."""

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"https://localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.answers.set()
        self.server.shutdown()
        self.server.server_close()

    def messages(self, kind="Notification"):
        """What came, as SNS messages of a type."""
        received = [json.loads(one.text) for one in list(self.received)]
        return [message for message in received if message["Type"] == kind]

    def events(self):
        """What the notifications tell."""
        return [json.loads(message["Message"]) for message in self.messages()]

    def subscribe(self, site, path="/hook", confirm=True):
        """Subscribes, and confirms as a receiver does; answers the subscription's id."""
        before = len(self.messages(CONFIRMATION))
        made = site.admin.create_notification_subscription(
            OrganizationId=site.server.organization_id, Endpoint=self.url + path,
            Protocol="HTTPS", SubscriptionType="ALL",
        )["Subscription"]
        assert made["EndPoint"] == self.url + path and made["Protocol"] == "HTTPS"
        if confirm:
            until("the confirmation", lambda: len(self.messages(CONFIRMATION)) > before)
            self.confirm(self.messages(CONFIRMATION)[-1])
        return made["SubscriptionId"]

    def confirm(self, message):
        """Visits the link that says yes; the environment says whom to believe."""
        return requests.get(message["SubscribeURL"], timeout=30)

    def until_event(self, action, entity):
        """Waits for one event, and answers its message."""
        def arrived():
            for message in self.messages():
                event = json.loads(message["Message"])
                if (event["action"], event["entityId"]) == (action, entity):
                    return message
            return None

        return until(f"{action} arrives", arrived, seconds=60)
