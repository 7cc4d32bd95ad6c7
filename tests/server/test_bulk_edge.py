"""Bulk jobs over HTTP: limits, the journal and the history, and faults among the operations."""

import json
import time

import httpx
import pytest
from edge import AUTH, ERROR, GROUP, SCIM_JSON, USER, a_user, request_bytes

BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BULK_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"


def create(name, bulk_id=None, **more):
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id or name, "data": a_user(name, **more)}


def group(name, *members):
    data = {"schemas": [GROUP], "displayName": name, "members": [{"value": member} for member in members]}
    return {"method": "POST", "path": "/Groups", "bulkId": name, "data": data}


def job(*operations, **more):
    return {"schemas": [BULK_REQUEST], "Operations": list(operations), **more}


def post(server, *operations, **more):
    return server.client.post("/scim/v2/Bulk", content=json.dumps(job(*operations, **more)), headers=SCIM_JSON)


def statuses(answer):
    assert answer.status_code == 200, answer.text
    assert answer.json()["schemas"] == [BULK_RESPONSE]
    return [result["status"] for result in answer.json()["Operations"]]


@pytest.fixture
def empty(serve):
    """A server without data."""
    return serve(fixture=None)


def test_a_job_over_the_wire(empty):
    """A circle of groups with a user: every location leads to what its operation made, in that version."""
    answer = post(empty, group("g", "bulkId:h", "bulkId:u"), group("h", "bulkId:g"), create("u"))
    assert statuses(answer) == ["201", "201", "201"]
    assert answer.headers["Content-Type"] == "application/scim+json"
    results = {result["bulkId"]: result for result in answer.json()["Operations"]}
    found = {name: empty.client.get(result["location"]) for name, result in results.items()}
    for name, result in results.items():
        assert found[name].headers["ETag"] == result["version"]
    members = [member["value"] for member in found["g"].json()["members"]]
    assert members == [results[name]["location"].rsplit("/", 1)[1] for name in ("h", "u")]


def test_journal_and_history(empty):
    """One exchange, bulk.run, with the changes of all operations and their leniencies; each change names it."""
    post(empty, create("a", active="True"), group("g", "bulkId:a"), {"method": "DELETE", "path": "/Users/bulkId:a"})
    (entry,) = empty.journal()
    assert (entry["operation"], entry["committed"], entry["resource"]) == ("bulk.run", True, None)
    history = empty.admin.get("/_mockscim/history").json()["items"]
    assert entry["changes"] == [change["n"] for change in history]
    assert [(change["operation"], change["type"]) for change in history] == [
        ("create", "User"),
        ("create", "Group"),
        ("delete", "User"),
        ("update", "Group"),
    ]
    assert {change["journal"] for change in history} == {entry["n"]}
    assert [(note["code"], note["detail"].split(":")[0]) for note in entry["leniencies"]] == [
        ("boolean-string", "Operations[0]")
    ]


def test_secrets_are_masked(empty):
    """A password inside an operation is not readable in the journal."""
    post(empty, create("a", password="t0p-secret"))
    assert "t0p-secret" not in json.dumps(empty.journal())


def test_what_is_undone_is_not_in_the_history(empty):
    """A circle that cannot be closed leaves neither a change nor a used version."""
    answer = post(empty, group("g", "bulkId:h"), group("h", "bulkId:g", "nobody"))
    assert statuses(answer) == ["409", "400"]
    assert empty.admin.get("/_mockscim/history").json()["items"] == []
    assert empty.journal()[0]["committed"] is False
    assert empty.client.post("/scim/v2/Users", json=a_user()).headers["ETag"] == 'W/"1"'


def test_same_seed_same_ids(serve):
    """The ids that a job gives follow from the seed, those that are promised to a circle as well."""
    operations = [create("a"), group("g", "bulkId:h"), group("h", "bulkId:g")]
    first, second = (post(serve(fixture=None, seed=7), *operations).json()["Operations"] for _ in range(2))
    ids = [[result["location"].rsplit("/", 1)[1] for result in results] for results in (first, second)]
    assert ids[0] == ids[1]


@pytest.mark.parametrize("limit", [1000, 2000])
def test_the_largest_body_is_the_largest_payload(serve, limit):
    """The size published is --max-body; as many bytes are taken, one more is 413 and names the limit (§3.7.4)."""
    server = serve(fixture=None, max_body=limit)
    assert server.client.get("/scim/v2/ServiceProviderConfig").json()["bulk"]["maxPayloadSize"] == limit
    body = json.dumps(job(create("a"))).encode()
    whole = server.client.post("/scim/v2/Bulk", content=body + b" " * (limit - len(body)), headers=SCIM_JSON)
    assert statuses(whole) == ["201"]
    more = server.client.post("/scim/v2/Bulk", content=body + b" " * (limit + 1 - len(body)), headers=SCIM_JSON)
    assert more.status_code == 413
    assert more.json()["schemas"] == [ERROR]
    assert str(limit) in more.json()["detail"]


def test_a_profile_with_a_smaller_payload(serve, tmp_path):
    """A profile may bound a job more closely than any other body, and the number of its operations."""
    path = tmp_path / "small.toml"
    path.write_text('extends = "standard"\n[behaviour]\nmax_payload = 900\nmax_operations = 2\n')
    server = serve(profile=str(path), fixture=None)
    published = server.client.get("/scim/v2/ServiceProviderConfig").json()["bulk"]
    assert published == {"supported": True, "maxOperations": 2, "maxPayloadSize": 900}
    assert server.client.post("/scim/v2/Users", json=a_user(displayName="x" * 2000)).status_code == 201
    assert post(server, create("a", displayName="x" * 2000)).json()["detail"].endswith("maxPayloadSize is 900")
    assert post(server, *[create("a")] * 3).json()["detail"].endswith("maxOperations is 2")


def test_segment_has_no_bulk(serve):
    """501, and ServiceProviderConfig says so; the guess can be switched."""
    server = serve(profile="segment", fixture=None)
    assert post(server, create("a")).status_code == 501
    assert server.client.get("/scim/v2/ServiceProviderConfig").json()["bulk"]["supported"] is False
    switched = {"extends": "segment", "behaviour": {"bulk": True}}
    assert statuses(post(serve(profile=switched, fixture=None), create("a@example.com"))) == ["201"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
def test_it_needs_the_token(server, headers):
    """Without the token nothing of the job is done, whatever rules there are."""
    server.fault({"type": "abort", "parameters": {"status": 418}, "match": {"operation": "user.*"}})
    before = server.users()
    assert server.http(headers).post("/scim/v2/Bulk", json=job(create("a"))).status_code == 401
    assert server.users() == before


def test_other_methods(server):
    """/Bulk takes POST only."""
    answer = server.client.get("/scim/v2/Bulk")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


# --- faults among the operations ---


def test_an_error_before_is_the_result_of_its_operation(empty):
    """The rule counts operations as requests: the second create is not done, and what refers to it fails."""
    empty.fault(
        {
            "name": "r",
            "type": "abort",
            "parameters": {"status": 429, "detail": "slow down"},
            "match": {"operation": "user.create"},
            "skip": 1,
            "times": 1,
        }
    )
    answer = post(empty, create("a"), create("b"), create("c"), group("g", "bulkId:b"), group("h", "bulkId:c"))
    assert statuses(answer) == ["201", "429", "201", "400", "201"]
    assert answer.json()["Operations"][1]["response"]["detail"] == "slow down"
    assert empty.users() == ["a", "c"]
    (entry,) = empty.journal()
    assert entry["faults"] == [{"rule": "r", "type": "abort", "phase": "before", "outcome": "429"}]
    rule = empty.admin.get("/_mockscim/faults/r").json()
    assert (rule["matches"], rule["hits"]) == (3, 1)


def test_an_error_after_is_told_of_what_is_done(empty):
    """The user is there although its operation says 503; what refers to it is done."""
    empty.fault("user.create=503:1:after")
    answer = post(empty, create("a"), group("g", "bulkId:a"), failOnErrors=2)
    assert statuses(answer) == ["503", "201"]
    assert empty.users() == ["a"]


def test_where_and_refinements_see_the_operation(empty):
    """A filter is held against each operation's resource, references resolved; refinements are those of each."""
    empty.fault(
        {"type": "abort", "parameters": {"status": 500}, "match": {"operation": "*", "where": 'userName eq "b"'}}
    )
    empty.fault({"type": "abort", "parameters": {"status": 502}, "match": {"operation": "group.member.add"}})
    empty.fault({"type": "abort", "parameters": {"status": 504}, "match": {"path": "/Groups", "method": "POST"}})
    patch = {"Operations": [{"op": "add", "path": "members", "value": [{"value": "bulkId:a"}]}]}
    assert statuses(post(empty, create("a"), create("b"), group("g"))) == ["201", "500", "504"]
    made = empty.client.get("/scim/v2/Users").json()["Resources"][0]["id"]
    change = {"method": "PATCH", "path": f"/Users/{made}", "data": patch}
    assert statuses(post(empty, create("x"), {**change, "path": "/Groups/none"})) == ["201", "400"]
    empty.admin.delete("/_mockscim/faults")
    group_id = post(empty, group("g")).json()["Operations"][0]["location"].rsplit("/", 1)[1]
    empty.fault({"type": "abort", "parameters": {"status": 502}, "match": {"operation": "group.member.add"}})
    assert statuses(post(empty, create("a", "a2"), {**change, "path": f"/Groups/{group_id}"})) == ["409", "400"]
    assert statuses(post(empty, create("n", "a"), {**change, "path": f"/Groups/{group_id}"})) == ["201", "502"]


def test_latency_adds_up(empty):
    """The delays of the request and of all its operations are waited for before the one answer."""
    empty.fault("user.create=latency(40ms)")
    empty.fault("bulk.run=latency(50ms)")
    began = time.perf_counter()
    assert statuses(post(empty, create("a"), create("b"), create("c"))) == ["201"] * 3
    assert 0.16 < time.perf_counter() - began < 1
    assert [fault["outcome"] for fault in empty.journal()[0]["faults"]] == ["latency 50ms", *["latency 40ms"] * 3]


@pytest.mark.parametrize("outcome", ["reset", "drop", "hang(50ms)"])
@pytest.mark.parametrize(("phase", "left"), [("before", ["a"]), ("after", ["a", "b", "c"])])
def test_a_connection_lost_in_the_midst(empty, outcome, phase, left):
    """Before: what came earlier is done, the rest is not. After: all is done. No answer in either."""
    kind, _, argument = outcome.rstrip(")").partition("(")
    rule = {"type": kind, "phase": phase, "skip": 1, "times": 1, "match": {"operation": "user.create"}}
    empty.fault({**rule, "parameters": {"seconds": argument} if argument else {}})
    with pytest.raises(httpx.HTTPError):
        post(empty, create("a"), create("b"), create("c"))
    assert empty.users() == left
    (entry,) = empty.wait_journal()
    assert (entry["response"], len(entry["changes"])) == (None, len(left))
    assert entry["faults"][0]["phase"] == phase


def test_a_truncated_answer(empty):
    """Truncation by a rule about operations is that of the whole answer; all is done."""
    empty.fault("user.create=truncate(20)")
    with pytest.raises(httpx.HTTPError):
        post(empty, create("a"), create("b"))
    assert empty.users() == ["a", "b"]


def test_the_fault_of_the_request_goes_first(empty):
    """Before: no operation is asked about. After: it stands against those of the operations, unless these stop all."""
    empty.fault({"name": "inner", "type": "reset", "match": {"operation": "user.create"}, "phase": "after"})
    empty.fault({"name": "outer", "type": "abort", "parameters": {"status": 503}, "match": {"operation": "bulk.run"}})
    assert post(empty, create("a")).status_code == 503
    assert empty.users() == []
    assert empty.admin.get("/_mockscim/faults/inner").json()["matches"] == 0
    rule = {"type": "abort", "parameters": {"status": 503}, "match": {"operation": "bulk.run"}, "phase": "after"}
    empty.admin.put("/_mockscim/faults/outer", json=rule)
    assert post(empty, create("a")).status_code == 503
    assert empty.users() == ["a"]
    assert [fault["rule"] for fault in empty.journal()[-1]["faults"]] == ["outer", "inner"]
    stop = {"type": "reset", "match": {"operation": "user.create"}, "phase": "before", "skip": 1}
    empty.admin.put("/_mockscim/faults/inner", json=stop)
    with pytest.raises(httpx.HTTPError):
        post(empty, create("b"), create("c"))
    assert empty.users() == ["a", "b"]


def test_a_rule_about_everything(empty):
    """``*`` strikes the request first; with a skip it reaches into the job."""
    empty.fault({"type": "abort", "parameters": {"status": 500}, "match": {"operation": "*"}, "skip": 2, "times": 1})
    assert statuses(post(empty, create("a"), create("b"))) == ["201", "500"]


@pytest.mark.parametrize("operation", ["bulk.run", "user.create"])
@pytest.mark.parametrize(("operations", "commits"), [([create("a")], True), ([create("taken")], False)])
def test_a_rule_about_what_commits(empty, operation, operations, commits):
    """match.committed is asked of a job as a whole, or of each operation; asking leaves no trace."""
    empty.client.post("/scim/v2/Users", json=a_user("taken"))
    rule = {"type": "reset", "phase": "after", "match": {"operation": operation, "committed": True}}
    empty.fault(rule)
    if commits:
        with pytest.raises(httpx.HTTPError):
            post(empty, *operations)
    else:
        assert statuses(post(empty, *operations)) == ["409"]
    assert empty.users() == (["a", "taken"] if commits else ["taken"])
    assert len(empty.admin.get("/_mockscim/history").json()["items"]) == 1 + commits


def test_a_reset_while_a_job_waits(empty):
    """A job held by a latency before it begins is cut by a reset, and nothing of it is done."""
    empty.fault("bulk.run=latency(3s)")
    raw = empty.raw().send(request_bytes("POST", "/scim/v2/Bulk", job(create("a"))))
    empty.wait_pending()
    assert empty.admin.post("/_mockscim/reset").status_code == 204
    with pytest.raises(ConnectionError):
        raw.everything()
    assert empty.users() == []


def test_other_users_of_the_same_process(serve):
    """A job changes its own tenant only."""
    server = serve(fixture=None)
    other = server.http(AUTH, "other")
    answer = other.post("/scim/v2/Bulk", json=job(create("a")))
    assert "/t/other/scim/v2/Users/" in answer.json()["Operations"][0]["location"]
    assert (server.users(), server.users("other")) == ([], ["a"])
    assert USER in other.get("/scim/v2/Users").json()["Resources"][0]["schemas"]
