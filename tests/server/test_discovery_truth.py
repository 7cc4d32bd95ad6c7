"""Discovery tells the truth: each thing that a server publishes about itself is tried, for every profile and switch.

What is tried follows from ServiceProviderConfig, ResourceTypes and Schemas alone. Where a profile does something else
on purpose, as Segment does, that is named in ``QUIRKS``: it must happen, and nothing beside it.
"""

import json

import pytest
from edge import AUTH
from published import BULK, OWN, SCHEMA_LIMIT, WRONG, Published, refused, swapped
from rfc import WITH_DEVICES

USER_ONLY = {"types": {"User": {"attributes": ["userName", "active"], "extensions": []}}}
CASES = {
    "standard": {},
    "strict": {"strict": True},
    "devices": {"fixture": WITH_DEVICES, "strict": True},
    "rfc9944": {"fixture": "devices.json"},
    "rfc9944-strict": {"fixture": "devices.json", "strict": True},
    "interop": {"profile": "interop"},
    "interop-strict": {"profile": "interop", "strict": True},
    "segment": {"profile": "segment"},
    "segment-strict": {"profile": "segment", "strict": True},
    "switched-off": {"profile": {"behaviour": {"etag": False, "sort": False, "bulk": False}}},
    "bounded": {"profile": {"behaviour": {"max_results": 7, "max_operations": 3, "max_payload": 3000}}},
    "no-content": {"profile": {"behaviour": {"patch_answer": "none"}}},
    "few": {"profile": {**USER_ONLY, "behaviour": {"unsupported": "reject"}}},
}
# What a profile does on purpose although /Schemas says otherwise: (check, resource type, path).
QUIRKS = {
    "segment": {
        # People keep the names that they came with.
        ("changes", "User", "userName"),
        ("changes", "User", "displayName"),
        *(("changes", "User", f"emails{sub}") for sub in ("", ".value", ".display", ".type", ".primary")),
        # Only these can be looked for.
        *(("filters", "User", path) for path in ("displayName", "emails.value", "emails.type")),
        *(("filters", "Group", path) for path in ("members.value", "members.$ref", "members.type")),
        # Of e-mails there are those for work.
        ("canonical", "User", "emails.type"),
    },
}


@pytest.fixture(params=CASES)
def case(request):
    """The name of a profile with its switches."""
    return request.param


@pytest.fixture
def walk(serve, case):
    """A running server of it, read."""
    return Published(serve(**{"fixture": None, **CASES[case]}).client)


def judged(case, check, wrong):
    """Compare what went wrong in a check with what does so on purpose; ``wrong`` are attributes."""
    quirks = QUIRKS.get(case.removesuffix("-strict"), set())
    expected = {(kind, path) for name, kind, path in quirks if name == check}
    assert {(leaf.kind.name, leaf.path) for leaf in wrong} == expected


def simple(walk, *, many=True):
    """All attributes that are no complex ones and whose way is not through several values, unless ``many``."""
    for kind in walk.kinds.values():
        for leaf in kind.leaves:
            through_many = leaf.many or (leaf.parent is not None and leaf.parent.many)
            if leaf.type != "complex" and leaf.writable and (many or not through_many):
                yield kind, leaf


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
    bounded = claim["maxResults"] < SCHEMA_LIMIT
    wanted = claim["maxResults"] + 1 if bounded else 30
    for _ in range(wanted - walk.client.get(walk.url(kind)).json()["totalResults"]):
        walk.create(kind, walk.body(kind))
    for parameters in ({}, {"count": wanted}):
        answer = walk.client.get(walk.url(kind), params=parameters).json()
        assert answer["totalResults"] == wanted
        assert len(answer["Resources"]) == min(wanted, claim["maxResults"])


def test_pages(walk):
    """pagination (RFC 9865 §4): cursors lead through all pages where it says so, and there are none where it does not."""
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
    for method, content in (("PUT", body), ("PATCH", None), ("DELETE", None)):
        if method == "PATCH":
            operation = {"op": "replace", "path": "displayName", "value": "x"}
            content = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}
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


def fresh(walk, kind, body):
    """A body again, with new values for what has to be unique."""
    body = json.loads(json.dumps(body))
    for leaf in kind.leaves:
        if leaf.uniqueness != "none":
            for holder in leaf.holders(body):
                if leaf.name in holder:
                    holder[leaf.name] = walk.value(leaf)
    return body


# -- attributes --------------------------------------------------------------------------------------------------------


def test_required(walk, case):
    """required: without it a resource is refused; what is not required may be missing."""
    wrong = []
    for kind in walk.kinds.values():
        for leaf in kind.leaves:
            if not leaf.writable:
                continue
            body = walk.body(kind, full=True) if leaf.required else walk.body(kind, also=[leaf])
            for holder in leaf.holders(body):
                holder.pop(leaf.name, None)
            if (walk.post(kind, body).status_code == 400) is not (leaf.required and is_looked_at(leaf, body)):
                wrong.append(leaf)
    judged(case, "required", wrong)


def is_looked_at(leaf, body):
    """Whether something is there that the attribute could be missing from."""
    return any(holder for holder in leaf.holders(body))


def test_read_only(walk, case):
    """readOnly: what a client sends is ignored, and a PATCH of it is refused."""
    wrong = []
    for kind in walk.kinds.values():
        made = walk.create(kind, walk.body(kind, full=True))
        for leaf in kind.leaves:
            if leaf.mutability != "readOnly" or leaf.type == "complex":
                continue
            value = "not mine" if leaf.type in ("string", "reference") else walk.single(leaf)
            body = walk.body(kind)
            holder = body
            for key in leaf.keys[:-1]:
                holder = holder.setdefault(key, {})
            if leaf.urn and leaf.urn not in body["schemas"]:
                body["schemas"].append(leaf.urn)
                body[leaf.urn] |= walk.body(kind, also=[each for each in kind.top if each.urn == leaf.urn])[leaf.urn]
                holder = body[leaf.urn] if leaf.parent is None else body[leaf.urn].setdefault(leaf.parent.name, {})
            if leaf.parent is not None and leaf.parent.many:
                (body if leaf.urn is None else body[leaf.urn])[leaf.parent.name] = [{leaf.name: value}]
            else:
                holder[leaf.name] = value
            answer = walk.post(kind, body)
            if answer.status_code == 201 and value in leaf.of(answer.json()):
                wrong.append(leaf)
            elif not refused(walk.patch(kind, made["id"], op(leaf, value)), "mutability"):
                wrong.append(leaf)
    judged(case, "read-only", wrong)


def op(leaf, value):
    """A PATCH operation that replaces an attribute."""
    return {"op": "replace", "path": leaf.path, "value": value}


def test_immutable(walk, case):
    """immutable: once it has a value, neither PATCH nor PUT changes it; the same value is taken."""
    wrong = []
    for kind, leaf in simple(walk, many=False):
        if leaf.mutability != "immutable":
            continue
        body = walk.body(kind, also=[leaf])
        made = walk.create(kind, body)
        [value] = leaf.of(made)
        [holder] = leaf.holders(body)
        other = next(each for each in (walk.single(leaf) for _ in range(9)) if each != value)
        same = walk.client.put(walk.url(kind, made["id"]), json=body)
        holder[leaf.name] = other
        put = walk.client.put(walk.url(kind, made["id"]), json=body)
        patched = walk.patch(kind, made["id"], op(leaf, other))
        kept = leaf.of(walk.get(kind, made["id"])) == [value]
        if same.status_code != 200 or not refused(put, "mutability") or not refused(patched, "mutability") or not kept:
            wrong.append(leaf)
    judged(case, "immutable", wrong)


def test_read_write(walk, case):
    """readWrite: what is sent is what is returned, and a PATCH and a PUT change it."""
    wrong = []
    for kind in walk.kinds.values():
        for leaf in kind.leaves:
            parts = [leaf, *leaf.subs] if leaf.parent is None else [leaf, leaf.parent]
            if not leaf.writable or any(part.mutability != "readWrite" for part in parts if part.writable):
                continue
            if leaf.returned in ("never", "request") or leaf.name == "$ref" or leaf.path == "active":
                continue
            if not keeps(walk, kind, leaf):
                wrong.append(leaf)
    judged(case, "changes", wrong)


def keeps(walk, kind, leaf):
    """Whether an attribute has what a POST, a PATCH and a PUT gave it, one after the other."""
    body = walk.body(kind, also=[leaf])
    made = walk.create(kind, body)
    if leaf.parent is None or leaf.name in leaf.holders(body)[0]:
        told = (leaf.of(body), leaf.of(made))
        if not all(matches(*pair) for pair in zip(*told, strict=True)):
            return False
    target = leaf if leaf.parent is None or not leaf.parent.many else leaf.parent
    value = walk.value(target, full=True)
    answer = walk.patch(kind, made["id"], op(target, value))
    if answer.status_code not in (200, 204):
        return False
    shown = target.of(walk.get(kind, made["id"]))
    wanted = value if isinstance(value, list) else [value]
    if len(shown) != len(wanted) or not all(matches(*pair) for pair in zip(wanted, shown, strict=True)):
        return False
    again = walk.client.put(walk.url(kind, made["id"]), json=body)
    return again.status_code == 200 and all(
        matches(*pair) for pair in zip(leaf.of(body), leaf.of(again.json()), strict=True)
    )


def matches(sent, shown):
    """Whether what is shown is what was sent; the provider may add sub-attributes, such as $ref."""
    if isinstance(sent, dict):
        return isinstance(shown, dict) and all(matches(value, shown.get(name)) for name, value in sent.items())
    if isinstance(sent, list):
        return isinstance(shown, list) and all(matches(*pair) for pair in zip(sent, shown, strict=True))
    return sent == shown


def test_returned(walk, case):
    """returned: always, never, by default or on request, in each kind of answer."""
    wrong = []
    for kind in walk.kinds.values():
        body = walk.body(kind, full=True)
        created = walk.create(kind, body)
        for leaf in kind.leaves:
            named = leaf.writable and any(leaf.name in holder for holder in leaf.holders(body))
            if not named or (leaf.parent is not None and leaf.parent.returned in ("never", "request")):
                continue
            listed = walk.client.get(walk.url(kind), params={"count": 100}).json()["Resources"]
            plain = [walk.get(kind, created["id"]), next(e for e in listed if e["id"] == created["id"])]
            asked = walk.get(kind, created["id"], attributes=leaf.path)
            # Of a complex attribute something has to be there, for a sub-attribute that is always there.
            beside = walk.get(kind, created["id"], attributes=beside_of(leaf))
            without = walk.get(kind, created["id"], excludedAttributes=leaf.path)
            seen = (
                {bool(leaf.of(each)) for each in plain},
                *(bool(leaf.of(each)) for each in (created, asked, beside, without)),
            )
            # What is returned on request is in the answer to a write that speaks of it, too.
            expected = {
                "always": ({True}, True, True, True, True),
                "default": ({True}, True, True, False, False),
                "request": ({False}, True, True, False, False),
                "never": ({False}, False, False, False, False),
            }[leaf.returned]
            if seen != expected:
                wrong.append(leaf)
    judged(case, "returned", wrong)


def beside_of(leaf):
    """Another attribute to ask for; of a sub-attribute, another of the same value."""
    if leaf.parent is None:
        return "meta"
    other = next((sub for sub in leaf.parent.subs if sub is not leaf and sub.returned == "default"), None)
    return other.path if other is not None else "meta"


def test_uniqueness(walk, case):
    """uniqueness: a value that is taken is refused, in any case unless case counts; none: it may be there twice."""
    wrong = []
    for kind, leaf in simple(walk):
        if leaf.type not in ("string", "integer") or leaf.canonical or refers(leaf):
            continue
        body = walk.body(kind, also=[leaf])
        if not leaf.holders(body) or leaf.name not in leaf.holders(body)[0]:
            continue
        walk.create(kind, body)
        again = fresh(walk, kind, body)
        values = [holder[leaf.name] for holder in leaf.holders(body)]
        status = {}
        for how in ("same", "other case"):
            for holder, value in zip(leaf.holders(again), values, strict=True):
                changed = swapped(value) if isinstance(value, str) and how == "other case" else value
                holder[leaf.name] = changed
            answer = walk.post(kind, again)
            status[how] = (answer.status_code, answer.json().get("scimType"))
            if answer.status_code == 201:
                walk.client.delete(walk.url(kind, answer.json()["id"]))
        taken = (409, "uniqueness")
        unique = leaf.uniqueness != "none"
        folds = unique and not (leaf.exact and leaf.type == "string" and not leaf.many)
        if (status["same"] == taken) is not unique or (status["other case"] == taken) is not folds:
            wrong.append(leaf)
    judged(case, "uniqueness", wrong)


def refers(leaf):
    """Whether it is about another resource, whose id cannot be made up."""
    holder = leaf.parent or leaf
    return any(sub.name == "$ref" for sub in holder.subs)


def test_filters(walk, case):
    """caseExact: a filter finds a value as it is, and in another case unless case counts; never what is not returned."""
    wrong = []
    for kind, leaf in simple(walk):
        if leaf.type not in ("string", "reference", "binary") or leaf.returned == "request":
            continue
        body = walk.body(kind, also=[leaf])
        if not leaf.holders(body) or leaf.name not in leaf.holders(body)[0]:
            continue
        made = walk.create(kind, body)
        hidden = "never" in (leaf.returned, leaf.parent.returned if leaf.parent else "")
        if hidden:
            if walk.found(kind, f'{leaf.path} eq "x"') is not None:
                wrong.append(leaf)
            continue
        value = leaf.of(made)[0] if leaf.of(made) else "nothing"
        found = walk.found(kind, f'{leaf.path} eq "{value}"')
        other = walk.found(kind, f'{leaf.path} eq "{swapped(value)}"')
        folds = not leaf.exact or swapped(value) == value
        if found is None or made["id"] not in found or (made["id"] in other) is not folds:
            wrong.append(leaf)
    judged(case, "filters", wrong)


def test_types(walk, case):
    """type and multiValued: a value of another type is refused, and so are two where there is one."""
    wrong = []
    for kind in walk.kinds.values():
        for leaf in kind.leaves:
            body = walk.body(kind, also=[leaf])
            if not leaf.writable or not leaf.holders(body):
                continue
            holder = leaf.holders(body)[0]
            holder[leaf.name] = [WRONG[leaf.type]] if leaf.many else WRONG[leaf.type]
            answers = [walk.post(kind, body)]
            if not leaf.many:
                holder[leaf.name] = [walk.single(leaf), walk.single(leaf)]
                answers.append(walk.post(kind, body))
            if not all(refused(answer, "invalidValue") for answer in answers):
                wrong.append(leaf)
    judged(case, "types", wrong)


def test_canonical_values(walk, case):
    """canonicalValues: each of them is taken."""
    wrong = []
    for kind, leaf in simple(walk):
        for value in leaf.canonical if not refers(leaf) else ():
            body = walk.body(kind, also=[leaf])
            leaf.holders(body)[0][leaf.name] = value
            made = walk.create(kind, body)
            if leaf.of(made)[:1] != [value] and leaf.returned != "never" and leaf not in wrong:
                wrong.append(leaf)
    judged(case, "canonical", wrong)


def test_reference_types(walk, case):
    """referenceTypes: a $ref leads to a resource of one of these types."""
    wrong = []
    for kind in walk.kinds.values():
        for leaf in kind.leaves:
            if leaf.name != "$ref" or leaf.parent is None or not leaf.parent.writable:
                continue
            made = walk.create(kind, walk.body(kind, also=[leaf.parent]))
            for url in leaf.of(made):
                answer = walk.client.get(url)
                if answer.status_code != 200 or answer.json()["meta"]["resourceType"] not in leaf.refers:
                    wrong.append(leaf)
            if not leaf.of(made):
                wrong.append(leaf)
    judged(case, "references", wrong)
