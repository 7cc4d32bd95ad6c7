"""I1 no duplicates, I2 no orphans."""

from stage import people

ANN = "ann@example.com"
NEW = "new@example.com"


def test_i1_held_and_idle(stage):
    """Before anything is committed there is nothing to judge; then each name is one resource's."""
    it = stage()
    it.find(ANN)
    it.idle("I1", "committed nothing")
    assert it.create(NEW, externalId="1").status_code == 201
    assert it.create(NEW).status_code == 409
    it.held("I1")


def test_i1_broken_by_an_external_id_in_other_letters(stage):
    """A second resource with the same externalId is a duplicate, whoever enforces what."""
    it = stage()
    it.create("a@example.com", externalId="x-1")
    it.create("b@example.com", externalId="X-1")
    proof = it.broken("I1", 2)["evidence"][0]
    assert proof["history"] == 2
    assert "b@example.com" in proof["what"]


def test_i1_broken_by_a_change_also_when_mended(stage):
    """A duplicate counts at the commit that makes it, also of a PATCH, also when it is gone in the end."""
    it = stage()
    first = it.create("a@example.com", externalId="x-1").json()["id"]
    second = it.create("b@example.com").json()["id"]
    it.patch(f"/Users/{second}", ("replace", "externalId", "x-1"))
    it.send("DELETE", f"/Users/{first}")
    it.broken("I1", 3)


def test_i1_spares_what_others_did(stage):
    """Duplicates of the fixture, or made behind the client's back, are not the client's."""
    it = stage(fixture={"users": [{"userName": "a", "externalId": "1"}, {"userName": "b", "externalId": "1"}]})
    answer = it.admin.post("/_mockscim/resources/User", json={"userName": "c", "externalId": "1"})
    assert answer.status_code == 201
    it.create("d@example.com", externalId="2")
    it.held("I1")


def test_i1_needs_only_the_history(stage):
    """A journal that dropped something does not matter, a history that did makes it incomplete."""
    it = stage()
    it.create(NEW)
    it.lose()
    it.held("I1")
    history = it.server.scim.tenants.use("").history

    def drop():
        history._n += 3  # as if three older changes were gone

    it.server.call(drop)
    item = it.judge("I1")
    assert (item["verdict"], item["incomplete"]) == ("not applicable", True)
    assert "the history dropped 3 changes" in item["why"]


def test_i2_held_when_the_answer_arrived(stage):
    """The answer to the create brings the id."""
    it = stage()
    it.find(ANN)
    it.idle("I2", "made nothing")
    it.create(NEW)
    it.held("I2")


def test_i2_broken_by_giving_up(stage):
    """Who gives up after a lost answer leaves a resource that nobody holds the id of."""
    it = stage()
    it.fault("lost_ack", outcome="reset")
    assert it.create(NEW) is None
    proof = it.broken("I2", 1)["evidence"][0]
    assert NEW in proof["what"]
    assert "no answer" in proof["what"]
    # That it is desired makes it no less an orphan: the client does not know of it.
    it.desire([*people(NEW)])
    it.broken("I2", 1)


def test_i2_held_after_a_look_up(stage):
    """A look-up brings the id, and so does addressing it."""
    it = stage()
    it.fault("lost_ack", outcome="503")
    assert it.create(NEW).status_code == 503
    it.broken("I2", 1)
    it.calm()
    assert it.create(NEW).status_code == 409
    it.broken("I2", 1)
    assert it.find(NEW).json()["totalResults"] == 1
    it.held("I2")


def test_i2_by_the_mapping_of_the_client(stage):
    """Where the client says which ids it holds, that counts and nothing else."""
    it = stage()
    with it.cycle(ids={NEW: "something"}):
        made = it.create(NEW).json()["id"]
    it.broken("I2", 1)
    with it.cycle(ids={NEW: made}):
        pass
    it.held("I2")


def test_i2_counts_what_is_alive(stage):
    """What is deleted again is no orphan; with a part of the journal gone nobody knows."""
    it = stage()
    it.fault("lost_ack", outcome="drop", times=1)
    it.create(NEW)
    found = it.find(NEW).json()["Resources"][0]["id"]
    it.send("DELETE", f"/Users/{found}")
    it.held("I2")
    it.incomplete("I2")
