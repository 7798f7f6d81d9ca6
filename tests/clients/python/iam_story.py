"""boto3 for IAM and STS against one server, and policies in a line."""

import json

from botocore.config import Config
from botocore.exceptions import ClientError

from client import SESSION


def service(name, server, key):
    """A client of a service for a key: id and secret, and the session token of a temporary one."""
    return SESSION.client(
        name, endpoint_url=server.url, region_name="us-east-1",
        aws_access_key_id=key[0], aws_secret_access_key=key[1],
        aws_session_token=key[2] if len(key) == 3 else None,
        config=Config(
            parameter_validation=False, retries={"total_max_attempts": 1, "mode": "standard"}
        ),
    )


def error_of(call, **members):
    """The code and status a call is refused with; nothing if it succeeds."""
    try:
        call(**members)
    except ClientError as error:
        assert error.response["ResponseMetadata"]["RequestId"]
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return None


def statement(effect, action, resource="*", **elements):
    return {"Effect": effect, "Action": action, "Resource": resource} | elements


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(principal, **elements):
    allowed = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"} | elements
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})


def credentials(answer):
    found = answer["Credentials"]
    return found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]


DENIED = ("UnauthorizedResourceAccessException", 404)
UNKNOWN = ("UnrecognizedClientException", 403)
ACCESS_DENIED = ("AccessDenied", 403)
