"""Explanations: which clause of a filter holds and why, and what each operation of a PATCH does."""

import pytest
from edge import PATCH_OP, SCIM_JSON
from test_gates import a_user

EXPLAIN = "/_mockscim/explain"


@pytest.fixture
def ann(serve):
    """A server with one user, and her id."""
    server = serve(fixture=None)
    body = {**a_user(), "title": "Dr", "emails": [{"value": "ann@example.com", "type": "work"}], "password": "s3cret!"}
    made = server.client.post("/scim/v2/Users", json=body, headers=SCIM_JSON).json()
    return server, made["id"]


def explain(server, **question):
    """Ask, and get the explanation."""
    answer = server.admin.post(EXPLAIN, json=question)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_each_clause_is_told(ann):
    """A filter that does not match says which clause fails, and what stands there."""
    server, id_ = ann
    told = explain(server, filter='userName eq "ANN@example.com" and (title eq "Prof" or not (active pr))', id=id_)
    assert (told["looked_at"], told["matching"]) == (1, 1)
    told = explain(server, filter='userName eq "ANN@example.com" and title eq "Prof"')
    assert (told["matching"], told["index"]) == (0, ["username = ann@example.com", "title = prof"])
    first, second = told["resources"][0]["parts"]
    assert first == {
        "clause": 'userName eq "ANN@example.com"', "matches": True, "values": ["ann@example.com"], "case": "ignored"
    }  # fmt: skip
    assert (second["matches"], second["values"]) == (False, ["Dr"])


def test_leniencies_and_reading_of_a_filter(ann):
    """It is told how the text is read, and which leniencies that needs."""
    server, _ = ann
    told = explain(server, filter='emails[type eq "work"].value eq "ann@example.com" or title eq Dr and active pr')
    assert told["read_as"].startswith("emails[type eq")
    assert {one["code"] for one in told["leniencies"]} == {"value-path-comparison", "unquoted-filter-value"}
    assert told["resources"][0]["matches"] is True


def test_a_patch_step_by_step(ann):
    """Each operation says what it changes and what it needs; nothing is committed."""
    server, id_ = ann
    before = server.client.get(f"/scim/v2/Users/{id_}").json()
    operations = [
        {"op": "Replace", "path": "title", "value": "Prof"},
        {"op": "add", "path": "title", "value": "Prof"},
        {"op": "add", "value": {"nickName": "A", "password": "other"}},
    ]
    told = explain(server, id=id_, patch={"schemas": [PATCH_OP], "Operations": operations})
    assert [step["changes"] for step in told["steps"]] == [
        {"title": {"before": "Dr", "after": "Prof"}},
        {},
        {"nickName": {"before": None, "after": "A"}},
    ]
    assert told["result"] == "accepted"
    assert "other" not in str(told["steps"][2]["changes"])
    assert server.client.get(f"/scim/v2/Users/{id_}").json() == before
    assert server.admin.get("/_mockscim/history").json()["items"][-1]["operation"] == "create"


def test_a_patch_that_is_refused_says_where(ann):
    """The operation at which it fails has the error; what would come after is not looked at."""
    server, id_ = ann
    operations = [
        {"op": "replace", "path": "title", "value": "Prof"},
        {"op": "replace", "path": "id", "value": "x"},
        {"op": "remove", "path": "title"},
    ]
    told = explain(server, id=id_, patch={"schemas": [PATCH_OP], "Operations": operations})
    assert len(told["steps"]) == 2
    assert told["steps"][1]["error"]["scimType"] == "mutability"
    assert told["result"].startswith("refused")


def test_members(serve):
    """Changes of a group's members are told by their ids."""
    server = serve(fixture="small")
    groups = server.client.get("/scim/v2/Groups").json()["Resources"]
    group = max(groups, key=lambda group: len(group["members"]))
    held = [member["value"] for member in group["members"]]
    operations = [{"op": "remove", "path": f'members[value eq "{held[0]}"]'}]
    told = explain(server, type="Group", id=group["id"], patch={"schemas": [PATCH_OP], "Operations": operations})
    assert told["steps"][0]["changes"] == {"members": {"before": held, "after": held[1:]}}
    assert len(held) > 1


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ({}, 400),
        ({"filter": "("}, 400),
        ({"filter": "title pr", "type": "Robot"}, 404),
        ({"filter": "title pr", "id": "nobody"}, 404),
        ({"patch": {}, "id": "nobody"}, 400),
        ({"patch": {}}, 404),
        ({"patch": {}, "id": ""}, 404),
        ({"patch": {}, "id": ".search"}, 404),
        ({"filters": "title pr"}, 400),
    ],
)
def test_what_cannot_be_explained(ann, question, status):
    """A wrong question is refused with words."""
    server, _ = ann
    answer = server.admin.post(EXPLAIN, json=question)
    assert (answer.status_code, bool(answer.json()["detail"])) == (status, True)
