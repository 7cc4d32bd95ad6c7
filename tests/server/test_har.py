"""The journal as an HTTP Archive, and as curl commands."""

import json
import shlex
import subprocess

import httpx
import pytest
from edge import AUTH, PATCH_OP, TOKEN, USER, a_user

from mockscim.har import to_curl, to_har


def test_har(server):
    """The archive has what HAR 1.2 asks for, for answers as for exchanges that were cut."""
    server.fault({"type": "reset", "match": {"operation": "user.delete"}})
    made = server.client.post("/scim/v2/Users?attributes=userName&x=", json=a_user("zoë@example.com"))
    server.client.get("/scim/v2/Users/no%2Fbody%3F", headers={"User-Agent": "tester"})
    with pytest.raises(httpx.ReadError):
        server.client.delete("/scim/v2/Users/u-1")
    log = server.admin.get("/_mockscim/journal.har").json()["log"]
    assert log["version"] == "1.2"
    assert {"name", "version"} <= set(log["creator"])
    create, get, cut = log["entries"]
    for entry in log["entries"]:
        assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= set(entry)
        assert {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"} <= set(
            entry["request"]
        )
        assert {"status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL"} <= set(
            entry["response"]
        )
        assert {"send", "wait", "receive"} <= set(entry["timings"])
    assert create["request"]["url"] == f"{server.root}/scim/v2/Users?attributes=userName&x="
    assert create["request"]["queryString"] == [{"name": "attributes", "value": "userName"}, {"name": "x", "value": ""}]
    assert json.loads(create["request"]["postData"]["text"])["userName"] == "zoë@example.com"
    assert create["request"]["bodySize"] == len(create["request"]["postData"]["text"].encode())
    assert json.loads(create["response"]["content"]["text"]) == made.json()
    assert create["_committed"]
    assert httpx.URL(get["request"]["url"]).path.startswith("/scim/v2/Users/no")
    assert (cut["response"]["status"], cut["response"]["content"]["text"]) == (0, "")
    assert cut["_faults"][0]["type"] == "reset"


def test_curl_replays(server):
    """A curl command of the journal repeats the exchange: same method, target, headers and body."""
    name = 'o\'neil "q" $HOME `x` é@example.com'
    server.client.post("/scim/v2/Users?attributes=userName", json=a_user(name))
    query = {"filter": f"userName eq {json.dumps(name)}"}
    server.client.get("/scim/v2/Users", params=query)
    server.client.head("/scim/v2/Users/u-1")
    server.client.post("/scim/v2/Users", content="@/etc/hostname", headers={"Content-Type": "application/json"})
    patch = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "displayName", "value": "it's"}]}
    server.client.patch("/scim/v2/Users/u-1", json=patch)
    before = server.journal()
    server.admin.post("/_mockscim/reset")
    for entry in before:
        command = to_curl(entry, f"{server.root}/scim/v2")
        assert TOKEN not in command
        subprocess.run(
            ["sh", "-c", command], env={"TOKEN": TOKEN, "PATH": "/usr/bin:/bin"}, check=True, capture_output=True
        )
    again = server.journal()
    for name_ in ("method", "path", "query", "operation", "committed"):
        assert [e[name_] for e in again] == [e[name_] for e in before]
    assert [e["request"]["body"] for e in again] == [e["request"]["body"] for e in before]
    assert [e["response"]["status"] for e in again] == [201, 200, 200, 400, 200]


@pytest.mark.parametrize("path", ["/Users/a b", "/Users/a?b", "/Users/a#b", "/Users/100%", "/Users/é", "/Users/a'b"])
def test_urls_are_escaped(server, path):
    """A decoded path is escaped again, so that an archive's URL leads to the same place."""
    escaped = "/scim/v2/Users/" + "".join(f"%{byte:02X}" for byte in path.removeprefix("/Users/").encode())
    server.client.get(escaped)
    (entry,) = server.journal()
    assert entry["path"] == path
    url = to_har([entry], f"{server.root}/scim/v2")["log"]["entries"][0]["request"]["url"]
    url.encode("ascii")
    server.client.get(url)
    assert server.journal()[-1]["path"] == path
    assert shlex.split(to_curl(entry, f"{server.root}/scim/v2"))[3] == url


def test_har_of_a_tenant(server):
    """A tenant's archive names its own addresses."""
    server.http(AUTH, "red").get("/scim/v2/Users")
    (entry,) = server.admin.get("/t/red/_mockscim/journal.har").json()["log"]["entries"]
    assert entry["request"]["url"] == f"{server.root}/t/red/scim/v2/Users"


def test_har_of_a_list(server):
    """Repeated parameters are all in the archive."""
    server.client.get("/scim/v2/Users?a=1&a=2&b")
    (entry,) = server.admin.get("/_mockscim/journal.har").json()["log"]["entries"]
    assert [(p["name"], p["value"]) for p in entry["request"]["queryString"]] == [("a", "1"), ("a", "2"), ("b", "")]
    assert USER not in entry["request"]["url"]
