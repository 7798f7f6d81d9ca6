"""All 44 operations are there."""

import pytest
from botocore import xform_name

from client import MODEL, outcome, refused, workdocs

ABSENT = "UnknownOperationException", "NotImplementedException"


def value_for(shape, known):
    """The simplest value that a shape allows."""
    if shape.name in known:
        return known[shape.name]
    if shape.type_name == "structure":
        return members_for(shape, known)
    if shape.type_name == "list":
        return [value_for(shape.member, known)]
    if shape.type_name == "map":
        return {"key": "value"}
    if shape.type_name == "boolean":
        return True
    if shape.type_name in ("integer", "long"):
        return 1
    if shape.enum:
        return shape.enum[0]
    return "https://example.com/x" if "Endpoint" in shape.name else "A1b2c3d4"


def members_for(shape, known):
    if shape is None:
        return {}
    return {
        name: value_for(shape.members[name], known) for name in shape.required_members
    }


@pytest.fixture(scope="module")
def known(site, ann):
    """Values that only this site knows."""
    return {
        "OrganizationIdType": site.server.organization_id,
        "AuthenticationHeaderType": site.server.token(ann.username),
    }


@pytest.mark.parametrize("operation", sorted(MODEL.operation_names))
def test_an_operation_is_there(site, known, operation):
    model = MODEL.operation_model(operation)
    members = members_for(model.input_shape, known)
    call = getattr(site.admin, xform_name(operation))
    assert outcome(call, **members) not in ABSENT


def test_the_model_has_the_operations_of_the_reference():
    assert len(MODEL.operation_names) == 44


def test_an_operation_asks_who_you_are_first(site):
    client = workdocs(site.server, key=None)
    with refused("MissingAuthenticationTokenException"):
        client.describe_activities()


def test_answers_are_not_to_be_kept(site):
    headers = site.admin.describe_users(OrganizationId=site.server.organization_id)[
        "ResponseMetadata"
    ]["HTTPHeaders"]
    assert "no-store" in headers["cache-control"]
    assert headers["content-type"] == "application/json"
    assert len(headers["x-amzn-requestid"]) == 36
