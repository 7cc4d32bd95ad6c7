"""Plans: requests out, answers in, and a driver for who has a function that answers."""

from mockscim.provisioning.wire import Answer, Request, Steps, drive


def test_an_answer_is_read_without_care_for_its_shape():
    """Headers in any case; a body that is no object has no resource; no answer is not good."""
    answer = Answer(200, {"Retry-After": "5"}, {"id": "1"})
    assert answer.good
    assert answer.header("retry-after") == "5"
    assert answer.header("ETag") is None
    assert answer.resource == {"id": "1"}
    assert Answer(204).resource == Answer(502, {}, "<html>").resource == {}
    assert not Answer(404).good
    assert not Answer(None, error="timeout").good


def test_a_plan_is_driven_to_its_end():
    """Each request gets its answer, and the plan's result comes back."""

    def plan() -> Steps[list[int | None]]:
        found = []
        for number in range(3):
            answer = yield Request("GET", f"/Users/{number}")
            found.append(answer.status)
        return found

    sent = []

    def send(request: Request) -> Answer:
        sent.append(request.path)
        return Answer(200 + len(sent))

    assert drive(plan(), send) == [201, 202, 203]
    assert sent == ["/Users/0", "/Users/1", "/Users/2"]


def test_a_plan_without_requests_is_done_at_once():
    """Nothing is sent."""

    def plan() -> Steps[str]:
        return "done"
        yield Request("GET", "/")

    assert drive(plan(), lambda _: Answer(500)) == "done"
