"""I13 sound reporting."""

from stage import people

NEW = "new@example.com"
ANN = "ann@example.com"


def test_i13_needs_reports(stage):
    """Without marks that report something there is nothing to judge."""
    it = stage()
    it.idle("I13", "POST marks")
    with it.cycle():
        it.create(NEW)
    it.idle("I13", "POST marks")
    with it.cycle(anything=1):
        pass
    it.idle("I13", "neither")


def test_i13_sound(stage):
    """What is reported as done is there, what failed is said."""
    it = stage()
    it.server.fault(
        {"name": "p", "type": "abort", "parameters": {"status": 400}, "match": {"where": 'userName sw "bad"'}}
    )
    with it.cycle(success=True, succeeded=[NEW, "Engineering"]):
        it.create(NEW)
    with it.cycle(succeeded=[NEW], failed=["BAD@example.com"]):
        it.create("bad@example.com")
    with it.cycle(success=False):
        it.create("bad@example.com")
    with it.cycle(failed=1):
        it.create("bad@example.com")
    it.held("I13")
    it.incomplete("I13")


def test_i13_reported_and_not_so(stage):
    """What is reported as done and is not there, or not as desired, is a false report."""
    it = stage()
    it.fault("abort", status=503)
    with it.cycle(succeeded=[NEW], failed=[]):
        it.create(NEW)
    what = [proof["what"] for proof in it.broken("I13")["evidence"]]
    assert (
        what[0]
        == "cycle 1 reports new@example.com as done: it is not there; the last write about it was POST /Users: 503"
    )
    assert what[1] == "cycle 1 reports no failure of new@example.com, but POST /Users ended with 503"
    it = stage()
    it.desire([{"userName": ANN, "displayName": "Other"}])
    with it.cycle(succeeded=[ANN]):
        pass
    assert "displayName is" in it.broken("I13")["evidence"][0]["what"]


def test_i13_the_provider_lied(stage):
    """What was acknowledged may be reported."""
    it = stage()
    it.fault("phantom_ack")
    with it.cycle(success=True, succeeded=[NEW]):
        assert it.create(NEW).status_code == 201
    it.held("I13")


def test_i13_the_state_at_the_end_of_the_cycle(stage):
    """What became of it later does not make a report false."""
    it = stage()
    with it.cycle(succeeded=[NEW]):
        made = it.create(NEW).json()["id"]
    it.send("DELETE", f"/Users/{made}")
    it.held("I13")


def test_i13_silent_drop(stage):
    """A failure that is not reported is dropped; one whose effect is there, or that was mended, is none."""
    it = stage()
    it.fault("abort", "user.patch", status=500, times=1)
    with it.cycle(success=True):
        it.patch("/Users/u-1", ("replace", "title", "A"))
        it.patch("/Users/u-1", ("replace", "title", "A"))
        assert it.send("DELETE", "/Users/nobody").status_code == 404
        assert it.create(ANN).status_code == 409
    it.held("I13")
    it.calm()
    it.fault("abort", "user.patch", status=500)
    with it.cycle(success=True):
        it.patch("/Users/u-1", ("replace", "title", "A"))
    it.held("I13")
    with it.cycle(success=True):
        it.patch("/Users/u-1", ("replace", "title", "B"))
    it.broken("I13", 6)


def test_i13_lost_but_done(stage):
    """A lost answer to what was done is no failure."""
    it = stage()
    it.fault("lost_ack", outcome="reset")
    with it.cycle(success=True):
        it.create(NEW)
    it.held("I13")


def test_i13_who_is_not_desired(stage):
    """Of who is not desired, done means gone or inactive."""
    it = stage()
    it.desire(people(ANN))
    with it.cycle(succeeded=["bjorn@example.com", "chidi@example.com"]):
        it.send("DELETE", "/Users/u-2")
    (proof,) = it.broken("I13")["evidence"]
    assert "chidi@example.com as done: it is there and not desired" in proof["what"]
