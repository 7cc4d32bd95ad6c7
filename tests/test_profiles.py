"""Profiles: every bundled one tells its quirks, a wrong one is named with its place, and discovery tells the truth."""

import re

import msgspec
import orjson
import pytest

from mockscim import profiles
from mockscim.fixtures import parse
from mockscim.profiles import BehaviourDocument, ProfileError, load, load_bundled, names
from mockscim.scim import urns
from mockscim.scim.errors import ScimError
from mockscim.scim.policy import Policy
from mockscim.tenant import Start, Tenant

BASE = "https://example.com/v2"
ENTERPRISE = urns.ENTERPRISE_USER
DIRECTORY = {
    "users": [{"id": f"u-{n}", "userName": f"user{n}@example.com", "displayName": f"U{n}"} for n in range(5)],
    "groups": [{"id": "g-1", "displayName": "Engineering", "members": ["u-1"]}],
}
# Tables of a profile, and the words with which a quirk tells of each.
TABLES = {
    "types": "exist",
    "filterable": "found by",
    "frozen": "do not change",
    "value_types": "other types",
    "canonical_values": "canonical values",
}


def tenant(profile):
    return Tenant("", Start(load(profile), parse(orjson.dumps(DIRECTORY)), seed=1, clock="virtual"))


def ask(where, method, path, document=None, *, if_match=None, if_none_match=None, **parameters):
    call = where.service.route(method, path, BASE)
    call.if_match, call.if_none_match = if_match, if_none_match
    where.service.read(call, parameters.items(), orjson.dumps(document) if document is not None else b"")
    return where.service.perform(call, where.clock.text())


def body(*args, **more):
    return orjson.loads(ask(*args, **more).body)


def refusal(*args, **more):
    with pytest.raises(ScimError) as caught:
        ask(*args, **more)
    return caught.value.status, caught.value.scim_type


def wrong(source):
    """The words with which a profile is refused."""
    with pytest.raises(ProfileError) as caught:
        load(source)
    return str(caught.value)


# --- the profiles that come along ---


def test_the_bundled_profiles():
    """Those of this version; a profile is named like its file."""
    assert names() == ["interop", "segment", "standard"]
    assert [load(name).name for name in names()] == names()


@pytest.mark.parametrize("name", names())
def test_a_bundled_profile_describes_itself(name):
    """Title, description, and for each quirk what, source and confidence: as JSON for the command line."""
    document = load(name).describe()
    assert orjson.loads(orjson.dumps(document)) == document
    assert document["title"]
    assert document["description"]
    assert document["quirks"]
    for quirk in document["quirks"]:
        assert quirk["what"]
        assert quirk["source"]
        assert quirk["confidence"] in ("documented", "source code", "public issue", "guess")


@pytest.mark.parametrize("name", names())
def test_every_deviation_has_a_quirk(name):
    """A switch away from its default is named by a quirk; so are types, filters, frozen attributes and leniencies."""
    document = load(name).document
    settings = " ".join(quirk.setting or "" for quirk in document.quirks)
    told = " ".join(quirk.what for quirk in document.quirks)
    default = BehaviourDocument()
    for switch in default.__struct_fields__:
        if getattr(document.behaviour, switch) != getattr(default, switch):
            assert f"behaviour.{switch}" in settings
    for table, words in TABLES.items():
        if getattr(document, table):
            assert words in told
    for code in (*document.accept, *document.refuse):
        assert code in settings


@pytest.mark.parametrize("name", names())
def test_a_quirk_names_switches_that_there_are(name):
    """What a quirk calls its setting exists, and says what else it can be."""
    document = load(name).document
    switches = set(BehaviourDocument.__struct_fields__)
    tables = {"accept", "refuse", "filterable", "frozen", "value_types", "canonical_values", "types", "media_type"}
    for quirk in document.quirks:
        if quirk.setting is None:
            continue
        assert quirk.otherwise
        for part in quirk.setting.split(", "):
            table, _, switch = part.partition(".")
            if table == "behaviour":
                assert switch in switches
            else:
                assert re.match(r"\w+", part)[0] in tables


# A guess without a switch would have to be listed here, with the reason.
NOT_SWITCHED = {
    "a POST of a user who is in the workspace already is a conflict": "the RFC's own answer: two users of one name "
    "cannot be; an answer of another kind is a fault, abort",
    "that userName has the form of an e-mail is not checked": "no refusal is known; who wants one has a fault, "
    "abort with match.where",
    "all members at once are removed": "only the value list of single members is known to fail; the rest is the RFC's",
    "a POST with active=false makes the account known": "follows from behaviour.deactivate, and goes with it",
}


@pytest.mark.parametrize("name", names())
def test_every_guess_can_be_switched_or_says_why_not(name):
    """A guess is not a fact: who knows better switches it."""
    for quirk in load(name).document.quirks:
        if quirk.confidence == "guess" and quirk.setting is None:
            assert any(quirk.what.startswith(words) for words in NOT_SWITCHED)


def test_switches_of_a_profile_are_those_of_the_policy():
    """The document's switches and their defaults are the policy's, one for one."""
    default = Policy()
    for switch in BehaviourDocument.__struct_fields__:
        assert getattr(BehaviourDocument(), switch) == getattr(default, switch)
    others = {"accepted", "authentication", "filterable", "frozen", "members_at_once", "value_types"}
    assert set(BehaviourDocument.__struct_fields__) == set(Policy.__dataclass_fields__) - others


# --- what is wrong is named ---

WRONG = [
    ({"colour": "red"}, r"colour"),
    ({"behaviour": {"colour": "red"}}, r"/behaviour/colour: unknown key"),
    ({"behaviour": {"left_user": "gone"}}, r"/behaviour/left_user: .*gone"),
    ({"behavior": {}}, r"/behavior: unknown key; did you mean 'behaviour'\? expected one of name, "),
    ({"behaviour": {"left_user": "inactiv"}}, r"did you mean 'inactive'\? expected one of absent, inactive, got 'inac"),
    ({"types": {"User": {"external": 1}}}, r"/types/User/external: unknown key; did you mean 'external_id'\?"),
    ({"filterable": {"User": {"title": ["eq", "lik"]}}}, r"/filterable/User/title/1: .*expected one of eq, ne, co"),
    ({"accept": "x"}, r"/accept: expected a list, got text"),
    ({"behaviour": {"max_results": 0}}, r"/behaviour/max_results"),
    ({"behaviour": {"sort": "no"}}, r"/behaviour/sort"),
    ({"media_type": "text/html"}, r"/media_type"),
    ({"filterable": {"User": {"userName": ["like"]}}}, r"/filterable.*like"),
    ({"filterable": {"User": ["userName"]}}, r"/filterable"),
    ({"filterable": {"User": {"userNam": ["eq"]}}}, r"/filterable/User: User has no userNam"),
    ({"filterable": {"User": {"emails.kind": ["eq"]}}}, r"/filterable/User: User has no emails.kind"),
    ({"frozen": {"User": ["userNam"]}}, r"/frozen/User: User has no userNam"),
    ({"types": {"User": {"attributes": ["userName", "colour"]}}}, r"/types/User/attributes: User has no colour"),
    ({"types": {"User": {"attributes": ["displayName"]}}}, r"/types/User/attributes: User cannot be without username"),
    ({"types": {"User": {"extensions": ["urn:example:x"]}}}, r"/types/User/extensions: User has no urn:example:x"),
    ({"types": {"Users": {}}}, r"/types/Users: one of User, Group was expected"),
    ({"canonical_values": {"User": {"roles.kind": ["x"]}}}, r"/canonical_values/User: User has no roles.kind"),
    ({"canonical_values": {"Users": {}}}, r"/canonical_values/Users: one of User, Group was expected"),
    ({"schemas": [{"id": "urn:x:y"}]}, r"/schemas/0/attributes: a list was expected"),
    (
        {"resource_types": [{"name": "X", "endpoint": "/Xs", "schema": "urn:x:y"}]},
        r"/resource_types/0/schema: .*urn:x:y",
    ),
    ({"resource_types": [{"name": "User", "endpoint": "/People", "schema": urns.USER}]}, r"User .*exists twice"),
    ({"types": {"User": {"atributes": []}}}, r"/types.*atributes"),
    ({"quirks": [{"what": "x", "source": "y", "confidence": "sure"}]}, r"/quirks/.*confidence.*sure"),
    ({"quirks": [{"what": "x"}]}, r"/quirks.*source"),
    ({"accept": ["no-such"]}, r"'no-such' is no leniency"),
    ({"refuse": ["no-such"]}, r"'no-such' is no leniency"),
    ({"extends": "nobody"}, r"nobody"),
    ({"extends": 5}, r"/extends"),
]


@pytest.mark.parametrize(("source", "words"), WRONG, ids=[str(index) for index in range(len(WRONG))])
def test_a_wrong_profile_is_named_with_its_place(source, words, tmp_path):
    """As content and as a file: the place inside the document, and what was found there."""
    assert re.search(words, wrong(source))
    file = tmp_path / "mine.toml"
    file.write_text("\n".join(_toml(source)), "utf-8")
    text = wrong(str(file))
    assert re.search(words, text)
    assert "mine" in text


def _toml(document, prefix=""):
    """A small document as lines of TOML, inline tables and all."""

    def value(item):
        if isinstance(item, dict):
            return "{" + ", ".join(f"{orjson.dumps(k).decode()} = {value(v)}" for k, v in item.items()) + "}"
        if isinstance(item, list):
            return "[" + ", ".join(map(value, item)) + "]"
        return orjson.dumps(item).decode()

    for key, item in document.items():
        yield f"{key} = {value(item)}"


def test_broken_toml_is_named_with_its_line(tmp_path):
    """A file that is no TOML: its path, line and column."""
    file = tmp_path / "broken.toml"
    file.write_text('name = "x"\n[behaviour\n', "utf-8")
    assert re.search(r"broken\.toml: .*line 2", wrong(str(file)))
    file.write_text("# mine\nname=x\n", "utf-8")
    told = 'line 2, column 6: not TOML: invalid value: name=x; a text stands in quotes, name = "acme"'
    assert wrong(str(file)) == f"{file}: {told}"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00"])
def test_a_file_that_is_no_text_is_refused(content, tmp_path):
    """Bytes that are no UTF-8, or no TOML, are an error of the profile too."""
    file = tmp_path / "bytes.toml"
    file.write_bytes(content)
    assert "bytes.toml" in wrong(str(file))


def test_what_is_neither_name_nor_file_is_refused(tmp_path):
    """The error lists the profiles that there are."""
    for source in ("nobody", str(tmp_path), "a\0b", ""):
        assert "(interop, segment, standard)" in wrong(source)


def test_a_profile_cannot_extend_itself(tmp_path):
    """Neither directly, nor through another, nor by a path that looks different each time."""
    own, one, two = (tmp_path / f"{name}.toml" for name in ("own", "one", "two"))
    own.write_text('extends = "own.toml"', "utf-8")
    one.write_text('extends = "two.toml"', "utf-8")
    two.write_text(f'extends = "../{tmp_path.name}/one.toml"', "utf-8")
    for file in (own, one, two):
        assert "cannot extend itself" in wrong(str(file))


# --- extending ---


def test_extending_keeps_what_is_not_said(tmp_path):
    """A profile of one's own says what differs; tables are merged, name and quirks of the other are not lost."""
    file = tmp_path / "ours.toml"
    file.write_text(
        'extends = "segment"\n'
        'accept = ["remove-members-by-value"]\nrefuse = ["boolean-string"]\n'
        '[behaviour]\nleft_user = "inactive"\n'
        "[types.User]\nexternal_id = true\n"
        '[filterable.User]\nexternalId = ["eq"]\n'
        '[frozen]\nGroup = ["displayName"]\n'
        '[[quirks]]\nwhat = "ours"\nsource = "us"\nconfidence = "documented"\n',
        "utf-8",
    )
    profile, below = load(str(file)), load("segment")
    assert profile.name == "segment-ours"
    assert profile.document.title == "Twilio Segment"
    assert profile.policy.left_user == "inactive"
    assert profile.policy.join_accounts is True
    assert profile.policy.filterable == {
        "User": {"username": {"eq"}, "externalid": {"eq"}},
        "Group": {"displayname": {"eq"}},
    }
    assert profile.policy.frozen == {**below.policy.frozen, "Group": {"displayname"}}
    assert "remove-members-by-value" in profile.policy.accepted
    assert "boolean-string" not in profile.policy.accepted
    user = profile.registry().types["User"]
    assert user.find(None, "externalId") is not None
    assert user.find(None, "title") is None
    assert [quirk.what for quirk in profile.document.quirks] == [
        *(quirk.what for quirk in below.document.quirks),
        "ours",
    ]


def test_types_of_two_profiles_come_together(tmp_path):
    """What both bring is there; where both bring the same, the extending one's holds."""
    schema = {"id": "urn:example:A", "attributes": [{"name": "one"}]}
    below = {"schemas": [schema], "resource_types": [{"name": "A", "endpoint": "/As", "schema": "urn:example:A"}]}
    (tmp_path / "below.toml").write_text("\n".join(_toml(below)), "utf-8")
    own = {
        "extends": "below.toml",
        "schemas": [{**schema, "attributes": [{"name": "two"}]}],
        "resource_types": [{"name": "B", "endpoint": "/Bs", "schema": "urn:example:A"}],
    }
    (tmp_path / "own.toml").write_text("\n".join(_toml(own)), "utf-8")
    registry = load(str(tmp_path / "own.toml")).registry()
    assert list(registry.types) == ["User", "Group", "A", "B"]
    assert [registry.types[name].find(None, "two") is not None for name in "AB"] == [True, True]


def test_an_empty_table_takes_away_what_is_beneath():
    """So a profile that extends another can lift its limits."""
    profile = load({"extends": "segment", "filterable": {}, "frozen": {"User": []}})
    assert profile.policy.filterable == {}
    assert profile.policy.frozen == {"User": frozenset()}
    assert profile.policy.join_accounts is True


def test_the_last_word_on_a_leniency_is_the_extending_profiles(tmp_path):
    """Accepted below and refused above is refused, and the other way round."""
    (tmp_path / "base.toml").write_text('accept = ["unknown-member"]\nrefuse = ["boolean-string"]', "utf-8")
    above = tmp_path / "above.toml"
    above.write_text('extends = "base.toml"\naccept = ["boolean-string"]\nrefuse = ["unknown-member"]', "utf-8")
    accepted = load(str(above)).policy.accepted
    assert "boolean-string" in accepted
    assert "unknown-member" not in accepted


def test_a_path_is_seen_from_the_file_that_names_it(tmp_path, monkeypatch):
    """Where the server was started from does not matter."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "base.toml").write_text('extends = "segment"\n[behaviour]\nsort = false', "utf-8")
    (tmp_path / "sub" / "mine.toml").write_text('extends = "../base.toml"', "utf-8")
    monkeypatch.chdir(tmp_path)
    profile = load("sub/mine.toml")
    assert profile.policy.sort is False
    assert profile.policy.join_accounts is True


def test_a_bundled_profile_is_never_a_file(tmp_path, monkeypatch):
    """A file of that name beside the server does not shadow it; nor is a path read for the network."""
    (tmp_path / "segment").write_text('name = "other"', "utf-8")
    (tmp_path / "mine.toml").write_text('name = "mine"', "utf-8")
    monkeypatch.chdir(tmp_path)
    assert load("segment").document.title == "Twilio Segment"
    assert load_bundled("segment").name == "segment"
    assert load_bundled({"extends": "segment", "behaviour": {"sort": False}}).policy.sort is False
    assert load("mine.toml").name == "mine"
    for source in ("mine.toml", str(tmp_path / "mine.toml"), "", {"extends": "mine.toml"}, {"extends": "./segment"}):
        with pytest.raises(ProfileError, match="segment, standard"):
            load_bundled(source)
    with pytest.raises(ProfileError):
        load_bundled({"extends": ["segment"]})


def test_content_without_a_name_has_one():
    """A profile that comes as content need not be named."""
    assert load({}).name == "custom"
    assert load({"name": "mine", "extends": "standard"}).name == "mine"


# --- what it does, and what discovery says of it ---


def config(where):
    return body(where, "GET", "/ServiceProviderConfig")


@pytest.mark.parametrize("profile", names())
def test_discovery_lists_the_attributes_that_are_stored(profile):
    """Each attribute that /Schemas publishes as writable is kept; each that it does not publish is not."""
    where = tenant(profile)
    samples = {"title": "T", "displayName": "D", "nickName": "N", "locale": "en", "active": True, "userType": "U"}
    published = {a["name"] for a in body(where, "GET", f"/Schemas/{urns.USER}")["attributes"]}
    document = {"schemas": [urns.USER], "userName": "n@example.com", **samples}
    made = body(where, "POST", "/Users", document)
    assert made.keys() & samples.keys() == published & samples.keys()
    assert config(where)["changePassword"] == {"supported": "password" in published}


@pytest.mark.parametrize("profile", names())
def test_discovery_names_schemas_that_there_are(profile):
    """Every schema of /ResourceTypes is found under /Schemas, and every location answers."""
    where = tenant(profile)
    for kind in body(where, "GET", "/ResourceTypes")["Resources"]:
        for urn in (kind["schema"], *(each["schema"] for each in kind.get("schemaExtensions", ()))):
            assert body(where, "GET", f"/Schemas/{urn}")["id"] == urn
        assert body(where, "GET", kind["endpoint"])["schemas"] == [urns.LIST_RESPONSE]
    for endpoint in ("/ResourceTypes", "/Schemas"):
        for document in body(where, "GET", endpoint)["Resources"]:
            assert body(where, "GET", document["meta"]["location"].removeprefix(BASE)) == document


def test_a_provider_without_extension_does_not_publish_it():
    """An extension left out is in no document, and ignored in a body."""
    where = tenant({"types": {"User": {"extensions": []}}})
    assert refusal(where, "GET", f"/Schemas/{ENTERPRISE}") == (404, None)
    document = {"schemas": [urns.USER, ENTERPRISE], "userName": "n", ENTERPRISE: {"department": "x"}}
    assert ENTERPRISE not in body(where, "POST", "/Users", document)


@pytest.mark.parametrize("sort", [True, False])
def test_sort(sort):
    """A provider that does not sort says so, and refuses sortBy."""
    where = tenant({"behaviour": {"sort": sort}})
    assert config(where)["sort"] == {"supported": sort}
    if sort:
        found = body(where, "GET", "/Users", sortBy="userName", sortOrder="descending")["Resources"]
        assert found[0]["id"] == "u-4"
    else:
        assert refusal(where, "GET", "/Users", sortBy="userName") == (400, "invalidValue")
        search = {"schemas": [urns.SEARCH_REQUEST], "sortBy": "userName"}
        assert refusal(where, "POST", "/Users/.search", search) == (400, "invalidValue")
    assert body(where, "GET", "/Users")["totalResults"] == 5


@pytest.mark.parametrize("etag", [True, False])
def test_etag(etag):
    """A provider without versions publishes none, and does not look at If-Match and If-None-Match."""
    where = tenant({"behaviour": {"etag": etag}})
    assert config(where)["etag"] == {"supported": etag}
    reply = ask(where, "GET", "/Users/u-1")
    shown = orjson.loads(reply.body)
    assert ("ETag" in reply.headers) is etag
    assert ("version" in shown["meta"]) is etag
    assert ("version" in body(where, "GET", "/Users")["Resources"][0]["meta"]) is etag
    assert ("version" in body(where, "GET", "/Users/u-1", attributes="meta")["meta"]) is etag
    put = {"schemas": [urns.USER], "userName": "new@example.com"}
    if etag:
        tag = reply.headers["ETag"]
        assert tag == shown["meta"]["version"]
        assert ask(where, "GET", "/Users/u-1", if_none_match=tag).status == 304
        assert refusal(where, "PUT", "/Users/u-1", put, if_match='W/"0"') == (412, None)
        assert ask(where, "PUT", "/Users/u-1", put, if_match=tag).status == 200
        assert refusal(where, "DELETE", "/Users/u-1", if_match=tag) == (412, None)
    else:
        assert ask(where, "GET", "/Users/u-1", if_none_match="*").status == 200
        assert ask(where, "PUT", "/Users/u-1", put, if_match='W/"0"').status == 200
        assert ask(where, "DELETE", "/Users/u-1", if_match='W/"0"').status == 204


def test_max_results():
    """The bound is published, and no page holds more; what is beyond is on the next."""
    where = tenant({"behaviour": {"max_results": 2}})
    assert config(where)["filter"] == {"supported": True, "maxResults": 2}
    for parameters in ({}, {"count": "100"}, {"filter": "userName pr"}, {"sortBy": "userName"}):
        page = body(where, "GET", "/Users", **parameters)
        assert (page["totalResults"], page["itemsPerPage"], len(page["Resources"])) == (5, 2, 2)
    assert body(where, "GET", "/Users", count="1")["itemsPerPage"] == 1
    assert len(body(where, "GET", "/")["Resources"]) == 2
    last = body(where, "GET", "/Users", startIndex="5")
    assert [user["id"] for user in last["Resources"]] == ["u-4"]


def test_patch_answer():
    """patch_answer="none": 204 without a body, but 200 with one for who asks for attributes (RFC 7644 §3.5.2)."""
    where = tenant({"behaviour": {"patch_answer": "none"}})
    patch = {"schemas": [urns.PATCH_OP], "Operations": [{"op": "replace", "path": "title", "value": "x"}]}
    reply = ask(where, "PATCH", "/Users/u-1", patch)
    assert (reply.status, reply.body) == (204, None)
    reply = ask(where, "PATCH", "/Users/u-1", patch, attributes="title")
    assert (reply.status, orjson.loads(reply.body)["title"]) == (200, "x")


def test_uniqueness():
    """uniqueness="none": what /Schemas calls unique is made twice, found twice, and changed and deleted one by one."""
    where = tenant({"behaviour": {"uniqueness": "none"}})
    schema = body(where, "GET", f"/Schemas/{urns.USER}")
    assert next(a for a in schema["attributes"] if a["name"] == "userName")["uniqueness"] == "server"
    name = body(where, "GET", "/Users/u-1")["userName"]
    again = {"schemas": [urns.USER], "userName": name.upper()}
    made = orjson.loads(ask(where, "POST", "/Users", again).body)

    def found():
        return [user["id"] for user in body(where, "GET", "/Users", filter=f'userName eq "{name}"')["Resources"]]

    assert found() == ["u-1", made["id"]]
    patch = {"schemas": [urns.PATCH_OP], "Operations": [{"op": "replace", "path": "userName", "value": name}]}
    assert ask(where, "PATCH", "/Users/u-2", patch).status == 200
    assert found() == ["u-1", "u-2", made["id"]]
    assert ask(where, "DELETE", "/Users/u-1").status == 204
    assert found() == ["u-2", made["id"]]
    assert refusal(tenant({}), "POST", "/Users", {**again}) == (409, "uniqueness")


def test_filterable():
    """A path and its operators; another type, which is not named, stays free."""
    where = tenant({"filterable": {"User": {"userName": ["eq", "sw"], "emails.value": ["eq"]}}})
    for text in ('userName sw "user1"', 'USERNAME eq "x" or not (emails.value eq "y")'):
        assert ask(where, "GET", "/Users", filter=text).status == 200
    for text in ('userName co "x"', 'displayName eq "x"', 'userName eq "x" and title pr', 'emails[value eq "x"]'):
        assert refusal(where, "GET", "/Users", filter=text) == (400, "invalidFilter")
    assert ask(where, "GET", "/Groups", filter='displayName co "x"').status == 200


def test_filter_logic():
    """filter_logic=false: one comparison, no and, or, not."""
    where = tenant({"filterable": {"User": {"userName": ["eq"]}}, "behaviour": {"filter_logic": False}})
    assert ask(where, "GET", "/Users", filter='userName eq "x"').status == 200
    for text in (
        'userName eq "x" or userName eq "y"',
        'not (userName eq "x")',
        '(userName eq "x") and userName eq "y"',
    ):
        assert refusal(where, "GET", "/Users", filter=text) == (400, "invalidFilter")


def test_filter_logic_alone():
    """Without a list of paths, filter_logic=false still means one comparison."""
    where = tenant({"behaviour": {"filter_logic": False}})
    assert ask(where, "GET", "/Users", filter='displayName co "x"').status == 200
    for text in ('userName eq "x" or userName eq "y"', 'not (userName eq "x")', 'emails[type eq "work"]'):
        assert refusal(where, "GET", "/Users", filter=text) == (400, "invalidFilter")


def test_a_profile_brings_its_faults():
    """Rules of the profile are in force from the start, and after a reset."""
    where = tenant({"faults": [{"name": "slow", "type": "drop"}]})
    where.faults.clear()
    where.reset()
    assert [rule.name for rule in where.faults.rules()] == ["slow"]


def test_the_media_type_is_the_profiles():
    """What the answers are labelled with, unless the client asks otherwise."""
    assert load("standard").media_type == "application/scim+json"
    assert load({"media_type": "application/json"}).media_type == "application/json"


def test_a_profile_is_not_changed_by_its_tenants():
    """Policies with other leniencies are new ones."""
    profile = load("segment")
    before = msgspec.to_builtins(profile.document), profile.policy
    profile.with_leniencies(strict=True)
    profile.registry([{"id": "urn:x", "attributes": []}], [{"name": "X", "endpoint": "/X", "schema": "urn:x"}])
    assert (msgspec.to_builtins(profile.document), profile.policy) == before
    assert "X" not in profile.registry().types
    assert profiles.load("segment").policy == profile.policy


def test_a_profile_that_stands_alone(tmp_path):
    """What is read from a file has in it what that extends, and makes the same profile elsewhere."""
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\nextends = "segment"\n[behaviour]\nleft_user = "inactive"\n')
    read = profiles.read(str(path))
    assert "extends" not in read
    assert load_bundled(read).policy == load(str(path)).policy != load("segment").policy
    assert load_bundled(profiles.read({"extends": "segment"})).policy == load("segment").policy
    path.write_text(f'extends = "{path}"')
    with pytest.raises(ProfileError, match="a profile cannot extend itself"):
        profiles.read(str(path))


def test_a_profile_that_comes_along_is_read_once():
    """A test suite makes hundreds of servers: profile and registry are shared, and what is brought along is not."""
    assert load("segment") is load_bundled("segment")
    assert load("segment").registry() is load("segment").registry()
    brought = [{"id": "urn:x", "attributes": []}], [{"name": "X", "endpoint": "/X", "schema": "urn:x"}]
    assert load("segment").registry(*brought) is not load("segment").registry(*brought)
