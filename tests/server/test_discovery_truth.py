"""Discovery tells the truth: what ServiceProviderConfig and ResourceTypes say is tried, for every profile and switch.

What is tried follows from the documents alone; of /Schemas it is ``test_schemas_truth`` that sees to.
"""

import json

from edge import AUTH, PATCH_OP
from published import BULK, OWN, UNBOUNDED, fresh, refused

# -- ServiceProviderConfig ---------------------------------------------------------------------------------------------


def test_patch(walk):
    """patch.supported: a PATCH changes a resource; otherwise it is 501."""
    kind = walk.kinds["Group"]
    made = walk.create(kind, walk.body(kind))
    answer = walk.patch(kind, made["id"], {"op": "replace", "path": "displayName", "value": "Changed"})
    if walk.config["patch"]["supported"]:
        assert answer.status_code in (200, 204), answer.text
        assert walk.get(kind, made["id"])["displayName"] == "Changed"
    else:
        assert answer.status_code == 501


def test_bulk(walk):
    """bulk: as many operations and bytes as it says are taken, and not one more; where it is unsupported, 501."""
    claim, kind = walk.config["bulk"], walk.kinds["Group"]
    operation = {"method": "DELETE", "path": f"{kind.endpoint}/none"}
    if not claim["supported"]:
        assert (claim["maxOperations"], claim["maxPayloadSize"]) == (0, 0)
        assert walk.bulk([operation]).status_code == 501
        return
    most = claim["maxOperations"]
    answer = walk.bulk([operation] * most)
    assert answer.status_code == 200
    assert len(answer.json()["Operations"]) == most
    assert walk.bulk([operation] * (most + 1)).status_code == 413
    if claim["maxPayloadSize"] <= 2**20:
        body = json.dumps({"schemas": [BULK], "Operations": [operation]}).encode()
        exact = body + b" " * (claim["maxPayloadSize"] - len(body))
        headers = {"Content-Type": "application/scim+json"}
        assert walk.client.post(f"{walk.base}/Bulk", content=exact, headers=headers).status_code == 200
        assert walk.client.post(f"{walk.base}/Bulk", content=exact + b" ", headers=headers).status_code == 413


def test_filter(walk):
    """filter: it selects, and maxResults is how many resources an answer has at most."""
    claim, kind = walk.config["filter"], walk.kinds["User"]
    made = walk.create(kind, walk.body(kind))
    text = f'userName eq "{made["userName"]}"'
    if not claim["supported"]:
        assert walk.found(kind, text) is None
        return
    assert walk.found(kind, text) == [made["id"]]
    bounded = claim["maxResults"] < UNBOUNDED
    wanted = claim["maxResults"] + 1 if bounded else 30
    for _ in range(wanted - walk.client.get(walk.url(kind)).json()["totalResults"]):
        walk.create(kind, walk.body(kind))
    for parameters in ({}, {"count": wanted}):
        answer = walk.client.get(walk.url(kind), params=parameters).json()
        assert answer["totalResults"] == wanted
        assert len(answer["Resources"]) == min(wanted, claim["maxResults"])


def test_pages(walk):
    """Pagination (RFC 9865 §4): cursors lead through all pages where it says so; elsewhere there are none."""
    claim, kind = walk.config.get("pagination", {"cursor": False, "index": True}), walk.kinds["User"]
    made = [walk.create(kind, walk.body(kind))["id"] for _ in range(3)]
    first = walk.client.get(walk.url(kind), params={"cursor": "", "count": 1})
    if claim["cursor"]:
        found, cursor = [], ""
        while cursor is not None:
            page = walk.client.get(walk.url(kind), params={"cursor": cursor, "count": 1}).json()
            found += [each["id"] for each in page["Resources"]]
            cursor = page.get("nextCursor")
        assert len(found) == len(set(found)) == page["totalResults"]
        assert set(made) <= set(found)
    else:
        assert "nextCursor" not in first.json()
    if claim["index"]:
        answer = walk.client.get(walk.url(kind), params={"startIndex": 2, "count": 1}).json()
        assert (answer["startIndex"], len(answer["Resources"])) == (2, 1)


def test_sort(walk):
    """sort.supported: sortBy orders what is listed; otherwise it is refused, as nothing may pass for sorted."""
    kind = walk.kinds["Group"]
    for name in ("b", "C", "a"):
        walk.create(kind, {**walk.body(kind), "displayName": name})
    answer = walk.client.get(walk.url(kind), params={"sortBy": "displayName", "sortOrder": "descending"})
    if walk.config["sort"]["supported"]:
        names = [each["displayName"] for each in answer.json()["Resources"]]
        assert names == sorted(names, key=str.casefold, reverse=True)
        assert {"a", "b", "C"} <= set(names)
    else:
        assert refused(answer)


def test_etag(walk):
    """etag.supported: versions are in meta and ETag, and conditions hold; otherwise there are none, and they do not."""
    supported, kind = walk.config["etag"]["supported"], walk.kinds["Group"]
    body = walk.body(kind)
    answer = walk.post(kind, body)
    url, version = walk.url(kind, answer.json()["id"]), answer.json()["meta"].get("version")
    assert (answer.headers.get("ETag"), version is not None) == (version, supported)
    read = walk.client.get(url, headers={"If-None-Match": version or "*"})
    assert read.status_code == (304 if supported else 200)
    changed = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "displayName", "value": "x"}]}
    for method, content in (("PUT", body), ("PATCH", changed), ("DELETE", None)):
        answer = walk.client.request(method, url, json=content, headers={"If-Match": 'W/"no"'})
        assert (answer.status_code == 412) is supported, answer.text
    for path in ("/ServiceProviderConfig", "/Schemas", "/ResourceTypes", kind.endpoint):
        document = walk.client.get(walk.base + path).json()
        for each in document.get("Resources", [document]):
            assert ("version" in each["meta"]) is supported


def test_change_password(walk):
    """changePassword.supported: there is a password, it can be changed and is never told; otherwise there is none."""
    kind = walk.kinds["User"]
    leaf = next((leaf for leaf in kind.top if leaf.name == "password"), None)
    assert walk.config["changePassword"]["supported"] is (leaf is not None)
    if leaf is not None:
        assert (leaf.mutability, leaf.returned) == ("writeOnly", "never")
        made = walk.create(kind, walk.body(kind))
        answer = walk.patch(kind, made["id"], {"op": "replace", "path": "password", "value": "t0p-secret"})
        assert answer.status_code in (200, 204), answer.text
        assert "t0p-secret" not in walk.client.get(walk.url(kind, made["id"])).text + answer.text


def test_authentication(walk):
    """authenticationSchemes: who shows nothing is challenged for each scheme that is named, and one is primary."""
    schemes = walk.config["authenticationSchemes"]
    assert [scheme["primary"] for scheme in schemes].count(True) == 1
    answer = walk.client.get(walk.url(walk.kinds["User"]), headers={"Authorization": ""})
    assert answer.status_code == 401
    words = {"oauthbearertoken": "Bearer", "oauth2": "Bearer", "httpbasic": "Basic"}
    challenges = {each.split()[0] for each in answer.headers.get_list("WWW-Authenticate")}
    assert challenges == {words[scheme["type"]] for scheme in schemes}
    assert AUTH["Authorization"].split()[0] in challenges


# -- ResourceTypes and Schemas -----------------------------------------------------------------------------------------


def test_resource_types(walk):
    """Each type is at its endpoint, its schemas are published, and a resource says so; no schema is nobody's."""
    used = set(OWN)
    for kind in walk.kinds.values():
        used |= {kind.schema, *kind.extensions}
        made = walk.create(kind, walk.body(kind, full=True))
        assert made["schemas"][0] == kind.schema
        assert set(made["schemas"]) <= {kind.schema, *kind.extensions}
        assert made["meta"]["resourceType"] == kind.name
        assert made["meta"]["location"].endswith(walk.url(kind, made["id"]))
        assert made["id"] in [each["id"] for each in walk.client.get(walk.url(kind)).json()["Resources"]]
    assert walk.schemas.keys() == used


def test_documents(walk):
    """Each discovery document is found alone where its location says, and is the same there."""
    for document in [walk.config, *walk.types, *walk.schemas.values()]:
        answer = walk.client.get(document["meta"]["location"])
        assert (answer.status_code, answer.json()) == (200, document)


def test_extensions(walk):
    """An extension that is required has to be there; one that is not may be missing."""
    for kind in walk.kinds.values():
        body = walk.body(kind)
        for urn, required in kind.extensions.items():
            less = {name: value for name, value in body.items() if name != urn}
            less["schemas"] = [each for each in body["schemas"] if each != urn]
            assert (walk.post(kind, fresh(walk, kind, less)).status_code == 400) is required, urn
