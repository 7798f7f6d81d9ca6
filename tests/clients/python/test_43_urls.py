"""What the URLs this server gives out begin with, behind a proxy and without one."""

import pytest

PROXY = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "docs.example.com"}


@pytest.mark.parametrize(("settings", "headers", "base"), [
    ({}, {}, None),
    ({}, PROXY, None),
    ({"DOCHARBOR_TRUSTED_PROXY": "192.0.2.0/24"}, PROXY, None),
    ({"DOCHARBOR_TRUSTED_PROXY": "127.0.0.0/8"}, PROXY, "https://docs.example.com"),
    ({"DOCHARBOR_TRUSTED_PROXY": "127.0.0.0/8"}, {"X-Forwarded-Host": "a b/../c"}, None),
    ({"DOCHARBOR_PUBLIC_URL": "https://files.example.org"}, PROXY, "https://files.example.org"),
], ids=["alone", "not a proxy", "another proxy", "the proxy", "a host that is none", "public url"])
def test_a_url_begins_where_the_client_reaches_the_server(make_site, settings, headers, base):
    site = make_site(**settings)
    site.admin.meta.events.register(
        "before-send.workdocs", lambda request, **_: request.headers.update(headers)
    )
    upload = site.initiate(ParentFolderId=site.person().root, Name="x")
    assert upload.url.startswith((base or site.server.url) + "/transfer/")
