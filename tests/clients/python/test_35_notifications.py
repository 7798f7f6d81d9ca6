"""Subscribers are told of what happens to documents, as SNS tells them: signed, in time, and never by a
call that somebody waits for."""

import base64
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

import boto3
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from sns_message_validator import SNSMessageValidator

from client import outcome, refused, request_of, send
from receivers import CONFIRMATION, Authority, Front, Receiver
from server import REPOSITORY
from waiting import until

NODE = os.environ.get("DOCHARBOR_NODE", "node")
NODE_TESTS = REPOSITORY / "tests/clients/node"


@pytest.fixture(scope="module")
def authority():
    authority = Authority()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", authority.ca_file)
        yield authority
    shutil.rmtree(authority.directory, ignore_errors=True)


@pytest.fixture(scope="module")
def make_told(authority, make_site):
    """Starts servers that may call the loopback, each behind a front with TLS."""
    fronts = []

    def make(**settings):
        front = Front(authority)
        fronts.append(front)
        made = make_site(
            DOCHARBOR_PUBLIC_URL=front.url,
            DOCHARBOR_NOTIFICATION_ALLOW="127.0.0.0/8:*,http://127.0.0.0/8:*",
            DOCHARBOR_NOTIFICATION_CA_FILE=authority.ca_file,
            **settings,
        )
        front.port = made.server.port
        made.front = front
        return made

    yield make
    for front in fronts:
        front.close()


@pytest.fixture(scope="module")
def told(make_told):
    return make_told(DOCHARBOR_NOTIFICATION_ATTEMPTS="2")


@pytest.fixture
def make_receiver(authority):
    made = []

    def make(**members):
        made.append(Receiver(authority, **members))
        return made[-1]

    yield make
    for receiver in made:
        receiver.close()


@pytest.fixture(scope="module")
def folder(told):
    return told.folder(told.person().root)


def subscribe(site, endpoint, protocol="HTTPS", client=None):
    return (client or site.admin).create_notification_subscription(
        OrganizationId=site.server.organization_id, Endpoint=endpoint, Protocol=protocol,
        SubscriptionType="ALL",
    )["Subscription"]["SubscriptionId"]


def unsubscribe(site, subscription):
    site.admin.delete_notification_subscription(
        OrganizationId=site.server.organization_id, SubscriptionId=subscription
    )


def subscriptions(site, **members):
    return site.admin.describe_notification_subscriptions(
        OrganizationId=site.server.organization_id, **members
    )


def log(site, *arguments):
    """The deliveries as `docharbor notify log` tells of them."""
    done = site.server.run("notify", "log", *arguments, str(site.server.data))
    return [json.loads(line) for line in done.stdout.splitlines()]


def signed_text(message):
    """What the signature of a message is about, by the words of SNS's own guide."""
    names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    return "".join(f"{name}\n{message[name]}\n" for name in names if name in message)


def test_an_endpoint_is_asked_once_and_told_nothing_before_it_confirms(told, folder, make_receiver):
    receiver = make_receiver()
    subscription = receiver.subscribe(told, "/hook?key=1", confirm=False)
    [question] = until("the confirmation", lambda: receiver.messages(CONFIRMATION))
    told.upload(folder)
    organization = told.server.organization_id
    assert set(question) == {
        "Type", "MessageId", "Token", "TopicArn", "Message", "SubscribeURL", "Timestamp",
        "SignatureVersion", "Signature", "SigningCertURL",
    }
    assert question["TopicArn"].endswith(f":docharbor-{organization}")
    assert question["SignatureVersion"] == "1"
    assert question["SubscribeURL"].startswith(told.front.url)
    [received] = receiver.received
    assert received.path == "/hook?key=1"
    assert received.headers["x-amz-sns-message-type"] == CONFIRMATION
    assert "x-amz-sns-subscription-arn" not in received.headers

    for spoiled in (question["Token"][:-1] + "0", question["Token"][:-1] + "1", ""):
        url = question["SubscribeURL"].replace(question["Token"], spoiled)
        if spoiled != question["Token"]:
            answer = requests.get(url, timeout=30)
            assert answer.status_code == 404
    assert requests.head(question["SubscribeURL"], timeout=30).status_code == 405
    assert status(told, subscription) == "PENDING"
    answer = receiver.confirm(question)
    assert answer.status_code == 200
    assert status(told, subscription) == "CONFIRMED"
    assert answer.headers["content-type"].startswith("text/xml")
    arn = f"{question['TopicArn']}:{subscription}"
    assert "<ConfirmSubscriptionResponse" in answer.text
    assert f"<SubscriptionArn>{arn}</SubscriptionArn>" in answer.text
    assert receiver.confirm(question).status_code == 200

    upload = told.upload(folder)
    message = receiver.until_event("upload_document_version", upload.version)
    # What happened before was not kept for it, and nothing else was sent.
    assert len(receiver.received) == 2
    assert receiver.received[1].headers["x-amz-sns-subscription-arn"] == arn
    assert receiver.received[1].headers["x-amz-sns-message-id"] == message["MessageId"]
    assert receiver.received[1].headers["content-type"] == "text/plain; charset=UTF-8"
    assert "Subject" not in message and "Token" not in message
    unsubscribe(told, subscription)


def test_every_action_is_told_with_its_members(told, folder, make_receiver):
    receiver = make_receiver()
    subscription = receiver.subscribe(told)
    organization, admin = told.server.organization_id, told.admin
    bob = told.person()
    upload = told.upload(folder, name="told.txt")
    target = told.folder(folder)
    document = upload.document
    admin.update_document(DocumentId=document, Name="told again.txt")
    admin.update_document(DocumentId=document, ParentFolderId=target)
    share = {"Id": bob.id, "Type": "USER", "Role": "VIEWER"}
    admin.add_resource_permissions(ResourceId=document, Principals=[share])
    admin.remove_resource_permission(ResourceId=document, PrincipalId=bob.id)
    admin.update_document(DocumentId=document, ResourceState="RECYCLED")
    admin.update_document(DocumentId=document, ResourceState="ACTIVE")
    # What is refused did not happen.
    with refused("UnauthorizedResourceAccessException"):
        admin.update_document(DocumentId="0" * 64, Name="nothing")
    admin.delete_document(DocumentId=document)
    receiver.until_event("delete_document", document)
    told_of = {event["action"]: event for event in receiver.events()}
    assert sorted(told_of) == [
        "delete_document", "move_document", "recycle_document", "rename_document",
        "revoke_share_document", "share_document", "upload_document_version",
    ]
    assert told_of["upload_document_version"] == {
        "action": "upload_document_version", "organizationId": organization,
        "entityType": "DocumentVersion", "entityId": upload.version,
        "parentEntityType": "Document", "parentEntityId": document,
    }
    parents = {"rename_document": folder, "share_document": target, "delete_document": target}
    for action, parent in parents.items():
        assert told_of[action] == {
            "action": action, "organizationId": organization, "entityType": "Document",
            "entityId": document, "parentEntityType": "Folder", "parentEntityId": parent,
        }
    identities = [message["MessageId"] for message in receiver.messages()]
    assert len(set(identities)) == len(identities)
    unsubscribe(told, subscription)


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_known_validators_accept_what_is_sent(
    version, request, make_told, make_receiver, authority, tmp_path
):
    """The one of AWS for JavaScript, and the one people use in Python, with their own settings for
    another host than amazonaws.com."""
    site = request.getfixturevalue("told")
    if version == "2":
        site = make_told(DOCHARBOR_NOTIFICATION_SIGNATURE_VERSION="2")
    receiver = make_receiver()
    subscription = receiver.subscribe(site)
    upload = site.upload(site.folder(site.person().root))
    receiver.until_event("upload_document_version", upload.version)
    unsubscribe(site, subscription)
    messages = receiver.messages(CONFIRMATION) + receiver.messages()
    assert {message["SignatureVersion"] for message in messages} == {version}

    for message in messages:
        pem = requests.get(message["SigningCertURL"], timeout=30).content
        certificate = x509.load_pem_x509_certificate(pem)
        signature = base64.b64decode(message["Signature"])
        digest = SHA1() if version == "1" else SHA256()
        text = signed_text(message).encode()
        certificate.public_key().verify(signature, text, PKCS1v15(), digest)
    if version == "1":
        validator = SNSMessageValidator(cert_url_regex=r"^https://localhost:\d+/")
        for message in messages:
            validator.validate_message(message)

    script = tmp_path / "validate.cjs"
    script.write_text(
        """
        const Validator = require("sns-validator");
        const validator = new Validator(/^localhost:?\\d*$/);
        const messages = JSON.parse(process.argv[2]);
        const forged = { ...messages[0], MessageId: "forged" };
        const check = (message) =>
          new Promise((done) => validator.validate(message, (error) => done(error?.message)));
        (async () => {
          for (const message of messages) {
            const refused = await check(message);
            if (refused) throw new Error(refused);
          }
          if (!(await check(forged))) throw new Error("a forged message was accepted");
          console.log("accepted");
        })();
        """
    )
    environment = {
        **os.environ, "NODE_PATH": str(NODE_TESTS / "node_modules"),
        "NODE_EXTRA_CA_CERTS": authority.ca_file,
    }
    done = subprocess.run(
        [NODE, str(script), json.dumps(messages)], env=environment, cwd=tmp_path,
        capture_output=True, text=True, timeout=60,
    )
    assert done.stdout == "accepted\n", done.stderr


def block(title):
    """A program that docs/notifications.md shows."""
    page = (REPOSITORY / "docs/notifications.md").read_text()
    return re.search(rf"^```\w+ {title}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[1]


@pytest.mark.parametrize("title", ["receiver.py", "receiver.cjs"])
def test_the_receivers_that_the_documentation_shows_work(told, folder, authority, title, tmp_path):
    program = tmp_path / title
    program.write_text(block(title))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ, "PORT": str(port), "DOCHARBOR_URL": told.front.url,
        "DOCHARBOR_ORGANIZATION_ID": told.server.organization_id,
        "SSL_CERT_FILE": authority.ca_file, "NODE_EXTRA_CA_CERTS": authority.ca_file,
        "NODE_PATH": str(NODE_TESTS / "node_modules"),
    }
    interpreter = NODE if title.endswith("cjs") else sys.executable
    printed = (tmp_path / "printed").open("w+")
    process = subprocess.Popen([interpreter, str(program)], env=environment, stdout=printed)
    url = f"http://localhost:{port}/docs"

    def forged():
        try:
            return requests.post(url, data='{"Type": "Notification"}', timeout=5).status_code
        except requests.ConnectionError:
            return None

    try:
        assert until("it listens", forged) == 403
        subscription = subscribe(told, url)
        until("it confirms", lambda: status(told, subscription) == "CONFIRMED")
        upload = told.upload(folder)
        until("it prints the event", lambda: upload.version in (tmp_path / "printed").read_text())
        unsubscribe(told, subscription)
    finally:
        process.terminate()
        process.wait(timeout=30)
        printed.close()


def listed(site):
    done = site.server.run("notify", "list", str(site.server.data))
    return {one["SubscriptionId"]: one for one in map(json.loads, done.stdout.splitlines())}


def status(site, subscription):
    return listed(site)[subscription]["Status"]


def test_a_subscriber_that_hangs_fails_or_redirects_delays_nobody(told, folder, make_receiver):
    well, hanging, failing, redirecting = (make_receiver() for _ in range(4))
    gone = [receiver.subscribe(told) for receiver in (well, hanging, failing, redirecting)]
    hanging.answers.clear()
    failing.status, redirecting.status = 500, 302
    began = time.monotonic()
    uploads = [told.upload(folder) for _ in range(10)]
    for upload in uploads:
        well.until_event("upload_document_version", upload.version)
    # One attempt at the hanging one takes longer than all that.
    assert time.monotonic() - began < 60
    for receiver in (failing, redirecting):
        until("every message was tried twice", lambda: len(receiver.messages()) >= 20)
    identities = {message["MessageId"] for message in well.messages()}
    assert {message["MessageId"] for message in failing.messages()} == identities
    assert all(one.path == "/hook" for one in redirecting.received)

    def dead():
        found = [one for one in log(told, "--state", "dead") if one["SubscriptionId"] == gone[2]]
        return len(found) == 10 and found

    for delivery in until("they are given up", dead):
        assert delivery["LastError"] == "status 500"
        assert delivery["Attempts"] == 2
        assert delivery["MessageId"] in identities
    before = len(failing.messages())
    failing.status = 200
    done = told.server.run("notify", "resend", str(told.server.data))
    assert 10 <= int(done.stdout)
    until("they come again", lambda: len(failing.messages()) >= before + 10)
    assert {message["MessageId"] for message in failing.messages()[before:]} == identities
    hanging.answers.set()
    for subscription in gone:
        unsubscribe(told, subscription)


def test_an_answer_that_breaks_off_is_none_and_the_message_comes_again(make_told, make_receiver):
    site = make_told()
    receiver = make_receiver()
    subscription = receiver.subscribe(site)
    receiver.cuts_off = True
    upload = site.upload(site.folder(site.person().root))
    first = receiver.until_event("upload_document_version", upload.version)

    def delivery():
        [found] = [one for one in log(site) if one["SubscriptionId"] == subscription]
        return found

    failed = until("it is noted", lambda: (one := delivery())["LastError"] and one)
    assert (failed["State"], failed["LastError"]) == ("DUE", "the connection broke")
    receiver.cuts_off = False
    sent = until("it is sent", lambda: (one := delivery())["State"] == "SENT" and one)
    assert 2 <= sent["Attempts"] == len(receiver.messages())
    assert {message["MessageId"] for message in receiver.messages()} == {first["MessageId"]}


def test_the_api_answers_while_receivers_hang(told, folder, make_receiver):
    receiver = make_receiver()
    hanging = [receiver.subscribe(told, f"/{number}") for number in range(20)]
    receiver.answers.clear()
    upload = told.upload(folder)
    until("all of them hang", lambda: len(receiver.messages()) == 20)
    for _ in range(100):
        told.admin.get_document(DocumentId=upload.document)
    # An attempt that hangs ends after seven seconds, and none has.
    attempts = [one for one in log(told, "--limit", "20") if one["SubscriptionId"] in hanging]
    assert [(one["Attempts"], one["LastError"]) for one in attempts] == [(1, None)] * 20
    receiver.answers.set()
    for subscription in hanging:
        unsubscribe(told, subscription)


def test_a_message_comes_again_after_the_server_was_killed_in_the_middle(make_told, make_receiver):
    site = make_told()
    receiver = make_receiver()
    receiver.subscribe(site)
    receiver.answers.clear()
    upload = site.upload(site.folder(site.person().root))
    first = receiver.until_event("upload_document_version", upload.version)
    site.server.kill()
    receiver.answers.set()
    site.server.start()
    again = until(
        "the message comes again",
        lambda: [m for m in receiver.messages() if m["MessageId"] == first["MessageId"]][1:],
        seconds=90,
    )
    assert again[0]["Message"] == first["Message"]
    assert again[0]["Signature"] == first["Signature"]


def test_a_subscriber_leaves_by_the_link_in_its_messages(told, folder, make_receiver):
    leaving, staying = make_receiver(), make_receiver()
    left, stayed = leaving.subscribe(told), staying.subscribe(told)
    upload = told.upload(folder)
    message = leaving.until_event("upload_document_version", upload.version)
    url = message["UnsubscribeURL"]
    assert requests.get(url[:-1], timeout=30).status_code == 404
    answer = requests.get(url, timeout=30)
    assert answer.status_code == 200 and "<UnsubscribeResponse" in answer.text
    listed = [one["SubscriptionId"] for one in subscriptions(told)["Subscriptions"]]
    assert left not in listed and stayed in listed
    upload = told.upload(folder)
    staying.until_event("upload_document_version", upload.version)
    assert len(leaving.messages()) == 1
    # The link that confirmed it does not bring it back.
    assert leaving.confirm(leaving.messages(CONFIRMATION)[0]).status_code == 404
    unsubscribe(told, stayed)


def test_subscriptions_are_listed_in_pages_and_deleted_once(told):
    made = [subscribe(told, f"https://localhost:9/{number}") for number in range(5)]
    listed, marker = [], {}
    while True:
        page = subscriptions(told, Limit=2, **marker)
        assert len(page["Subscriptions"]) <= 2
        listed += page["Subscriptions"]
        if "Marker" not in page:
            break
        marker = {"Marker": page["Marker"]}
    assert [one["SubscriptionId"] for one in listed][-5:] == made
    assert listed[-1] == {
        "SubscriptionId": made[-1], "EndPoint": "https://localhost:9/4", "Protocol": "HTTPS",
    }
    for subscription in made:
        unsubscribe(told, subscription)
    with refused("EntityNotExistsException") as refusal:
        unsubscribe(told, made[0])
    assert refusal.response["EntityIds"] == [made[0]]
    assert refused_to(told, "never-made") == "EntityNotExistsException"


def refused_to(site, subscription):
    return outcome(
        site.admin.delete_notification_subscription,
        OrganizationId=site.server.organization_id, SubscriptionId=subscription,
    )


def test_a_site_has_256_subscriptions_and_not_one_more(make_told):
    site = make_told()
    made = [subscribe(site, f"https://localhost:9/{number}") for number in range(256)]
    with refused("TooManySubscriptionsException"):
        subscribe(site, "https://localhost:9/last")
    unsubscribe(site, made[0])
    subscribe(site, "https://localhost:9/last")
    assert len(subscriptions(site, Limit=999)["Subscriptions"]) == 256


def test_what_is_not_public_is_called_by_nobody(make_site):
    site = make_site(DOCHARBOR_NOTIFICATION_ALLOW="")
    for endpoint in (
        "http://93.184.216.34/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/",
        "https://169.254.169.254/latest/meta-data/", "https://10.0.0.1/", "https://192.168.1.1/",
        "https://100.64.0.1/", "https://2130706433/", "https://0x7f.1/", "https://0177.0.0.1/",
        "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[fd00::1]/",
        "https://0.0.0.0/", "https://93.184.216.34:8443/", "https://no-such-host.invalid/",
        "https://user:CANARY@93.184.216.34/", "ftp://93.184.216.34/", "hook", "https://",
    ):
        with refused("InvalidArgumentException") as refusal:
            subscribe(site, endpoint)
        assert refusal.message.startswith("Endpoint: "), refusal.message
        assert "CANARY" not in refusal.message
    with refused("InvalidArgumentException") as refusal:
        subscribe(site, "https://127.0.0.1/")
    assert "notification_allow" in refusal.message
    with refused("InvalidArgumentException") as refusal:
        subscribe(site, "https://93.184.216.34/", protocol="SQS")
    assert "notification_sqs_access_key_id" in refusal.message
    assert subscriptions(site)["Subscriptions"] == []


def test_only_administrators_subscribe(told):
    organization = told.server.organization_id
    user = told.person()
    admin = told.person()
    told.admin.update_user(UserId=admin.id, Type="ADMIN")
    with refused("UnauthorizedResourceAccessException"):
        subscribe(told, "https://localhost:9/", client=user.client())
    with refused("UnauthorizedResourceAccessException"):
        user.client().describe_notification_subscriptions(OrganizationId=organization)
    unsubscribe(told, subscribe(told, "https://localhost:9/", client=admin.client()))
    with refused("UnauthorizedResourceAccessException"):
        told.admin.describe_notification_subscriptions(OrganizationId="d-0000000000")


def test_a_retry_of_the_sdk_makes_one_subscription(told):
    count = len(subscriptions(told)["Subscriptions"])
    request = request_of(
        told.admin, "create_notification_subscription", Protocol="HTTPS", SubscriptionType="ALL",
        OrganizationId=told.server.organization_id, Endpoint="https://localhost:9/once",
    )
    first, second = send(request), send(request)
    assert first.status == second.status == 200
    assert first.body == second.body
    assert len(subscriptions(told)["Subscriptions"]) == count + 1
    unsubscribe(told, json.loads(first.body)["Subscription"]["SubscriptionId"])


@pytest.fixture
def queue_server():
    """An SQS of its own, on a free port."""
    program = pathlib.Path(sys.executable).with_name("moto_server")
    process = subprocess.Popen(
        [str(program), "-H", "127.0.0.1", "-p", "0"], stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    )
    try:
        for line in process.stderr:
            if "Running on " in line:
                yield line.split("Running on ")[1].split()[0]
                break
    finally:
        process.terminate()
        process.wait(timeout=30)


class Queue:
    """A queue of a server of queues, and what was read from it."""

    def __init__(self, queue_server):
        self.sqs = boto3.client(
            "sqs", endpoint_url=queue_server, region_name="us-east-1",
            aws_access_key_id="AKIAQUEUE", aws_secret_access_key="CANARYqueueSecret",
        )
        self.got = []
        self.make()

    def make(self):
        self.url = self.sqs.create_queue(QueueName="events")["QueueUrl"]

    def remove(self):
        self.sqs.delete_queue(QueueUrl=self.url)

    def messages(self, kind="Notification"):
        answer = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
        self.got.extend(json.loads(message["Body"]) for message in answer.get("Messages", []))
        return [message for message in self.got if message["Type"] == kind]


@pytest.fixture
def queue(queue_server):
    return Queue(queue_server)


@pytest.fixture
def make_queueing(make_told):
    """Starts servers that may send to queues."""

    def make(**settings):
        return make_told(
            DOCHARBOR_NOTIFICATION_SQS_ACCESS_KEY_ID="AKIAQUEUE",
            DOCHARBOR_NOTIFICATION_SQS_SECRET_ACCESS_KEY="CANARYqueueSecret",
            **settings,
        )

    return make


def test_a_queue_gets_the_same_messages(make_queueing, queue):
    site = make_queueing()
    subscription = subscribe(site, queue.url, protocol="SQS")
    until("the queue has taken it", lambda: status(site, subscription) == "CONFIRMED")
    upload = site.upload(site.folder(site.person().root))
    [message] = until("the event arrives", queue.messages)
    event = json.loads(message["Message"])
    assert event["entityId"] == upload.version
    assert message["TopicArn"].endswith(f":docharbor-{site.server.organization_id}")
    assert "CANARYqueueSecret" not in site.server.log()


def test_what_a_queue_refused_is_given_up_and_sent_once_more_when_somebody_says_so(
    make_queueing, queue
):
    site = make_queueing(DOCHARBOR_NOTIFICATION_ATTEMPTS="2")
    subscription = subscribe(site, queue.url, protocol="SQS")
    until("the queue has taken it", lambda: status(site, subscription) == "CONFIRMED")
    queue.remove()
    upload = site.upload(site.folder(site.person().root))
    [dead] = until("it is given up", lambda: log(site, "--state", "dead"))
    assert (dead["Attempts"], dead["LastError"]) == (2, "status 400")
    queue.make()
    assert site.server.run("notify", "resend", str(site.server.data)).stdout.strip() == "1"
    [message] = until("it arrives", queue.messages)
    assert message["MessageId"] == dead["MessageId"]
    assert json.loads(message["Message"])["entityId"] == upload.version


def test_one_message_is_sent_once_more_whatever_became_of_it(make_queueing, queue):
    site = make_queueing(DOCHARBOR_NOTIFICATION_ATTEMPTS="2")
    subscription = subscribe(site, queue.url, protocol="SQS")
    until("the queue has taken it", lambda: status(site, subscription) == "CONFIRMED")
    folder = site.folder(site.person().root)
    site.upload(folder)
    [first] = until("it arrives", queue.messages)
    [sent] = until("that is noted", lambda: log(site, "--state", "sent"))
    queue.remove()
    for _ in range(2):
        site.upload(folder)

    def both():
        found = log(site, "--state", "dead")
        return len(found) == 2 and found

    dead = until("the others are given up", both)
    queue.make()

    def resend(message):
        return site.server.run("notify", "resend", str(site.server.data), "--message", message)

    wanted = dead[0]["MessageId"]
    queue.got.clear()
    assert resend(wanted).stdout.strip() == "1"
    [message] = until("it arrives", queue.messages)
    assert message["MessageId"] == wanted
    assert sent["MessageId"] == first["MessageId"]
    queue.got.clear()
    assert resend(sent["MessageId"]).stdout.strip() == "1"
    [message] = until("it arrives again", queue.messages)
    assert message["MessageId"] == first["MessageId"]
    # Nobody asked for the other one.
    assert [one["MessageId"] for one in log(site, "--state", "dead")] == [dead[1]["MessageId"]]


def test_a_queue_is_told_of_one_of_several_sites_only_when_its_reader_wants_it(make_queueing, queue):
    """The server's key may reach queues that are another site's."""
    site = make_queueing()
    site.server.another_site()
    subscription = subscribe(site, queue.url, protocol="SQS")
    [question] = until("the question arrives", lambda: queue.messages(CONFIRMATION))
    folder = site.folder(site.person().root)
    site.upload(folder)
    assert status(site, subscription) == "PENDING"
    assert requests.get(question["SubscribeURL"], timeout=30).status_code == 200
    assert status(site, subscription) == "CONFIRMED"
    upload = site.upload(folder)
    [message] = until("the event arrives", queue.messages)
    assert json.loads(message["Message"])["entityId"] == upload.version


def test_what_became_of_deliveries_is_in_no_other_sites_log(told, folder, make_receiver):
    receiver = make_receiver()
    subscription = receiver.subscribe(told)
    upload = told.upload(folder)
    message = receiver.until_event("upload_document_version", upload.version)

    def sent():
        found = [one for one in log(told) if one["MessageId"] == message["MessageId"]]
        return found and found[0]["State"] == "SENT" and found[0]

    assert until("it is noted", sent)["SubscriptionId"] == subscription
    other = told.server.another_site()
    done = told.server.run(
        "notify", "log", "--organization-id", other.organization_id, str(told.server.data)
    )
    assert done.stdout == ""
    unsubscribe(told, subscription)
