"""Small clients, each with one thing wrong: what it does, under which faults, and the invariants that this breaks.

A client is a class with ``run``; the words of its docstring say what is wrong with it. What it is not about is done as
well as a few lines allow.
"""

# What a class of these has is never changed.
# ruff: noqa: RUF012

from edge import PATCH_OP, USER
from lines import Line, Request, filtered

UNENFORCED = {"extends": "standard", "behaviour": {"uniqueness": "none"}}
ALL = {}


def fault(kind, operation="*", **more):
    """A fault rule; what is no key of the envelope is a parameter."""
    keys = {name: more.pop(name) for name in ("phase", "times", "skip", "probability") if name in more}
    return {"type": kind, "match": {"operation": operation}, "parameters": more, **keys}


def user(name, **more):
    """A user as it is sent, or wanted."""
    return {"schemas": [USER], "userName": f"{name}@example.com", "displayName": name.title(), "active": True, **more}


def patch(*operations):
    """A PatchOp of (op, path, value)."""
    return {
        "schemas": [PATCH_OP],
        "Operations": [dict(zip(("op", "path", "value"), o, strict=False)) for o in operations],
    }


def replace(path, value):
    """A PatchOp that gives one attribute a value."""
    return patch(("replace", path, value))


class Broken:
    """What a broken client is.

    Attributes:
        breaks: the invariants that it breaks, no other.
        shows: for each of them an operation that its evidence points at, and words of it.
        faults, profile: what it meets.
        desired: where it should arrive; None where nobody says.
        groups: of the desired state.
    """

    breaks: dict
    faults = ()
    profile = "standard"
    start = {"users": [{"id": f"u-{n}", **user(f"u{n}")} for n in range(1, 8)], "groups": []}
    desired = None
    groups = ()

    def __init_subclass__(cls):
        ALL[cls.__name__] = cls

    def __init__(self, server, judge, open_line):
        self.server, self.judge, self.open_line = server, judge, open_line
        self.line = open_line(Line, server)
        self.ask = self.line.ask

    def cycle(self, work, **reported):
        """One marked cycle."""
        self.judge.begin()
        work()
        self.judge.end(**reported)
        self.line.wait(2400)

    def pages(self, kind="/Users", most=20, size=3):
        """All pages, as they come."""
        start = 1
        for _ in range(most):
            answer = self.ask("GET", f"{kind}?startIndex={start}&count={size}")
            listed = answer.body["Resources"] if answer.ok else []
            yield listed
            start += len(listed)
            if not listed or start > answer.body["totalResults"]:
                return


class BlindRetrier(Broken):
    """Sends a create again until it is told of success; the provider does not see to it that names are unique."""

    breaks = {"I1": ("user.create", "has the userName of"), "I2": ("user.create", "does not hold its id")}
    profile = UNENFORCED
    faults = (fault("drop", "user.create", phase="after", times=1),)

    def run(self):
        while not self.ask("POST", "/Users", user("ann")).ok:
            self.line.wait(2)


class GiverUp(Broken):
    """Takes a create without an answer for one that was not done."""

    breaks = {"I2": ("user.create", "does not hold its id")}
    faults = (fault("drop", "user.create", phase="after", times=1),)

    def run(self):
        for name in ("ann", "bea"):
            self.ask("POST", "/Users", user(name))


class ConflictShrugger(Broken):
    """Takes a 409 for a success and never looks whose the name is."""

    breaks = {"I2": ("user.create", "does not hold its id")}
    faults = (fault("abort", "user.create", phase="after", times=1, status=502),)

    def run(self):
        while self.ask("POST", "/Users", user("ann")).status not in (201, 409):
            self.line.wait(2)


class NeverAgain(Broken):
    """Tries everything once in its life: what failed in the first cycle stays undone."""

    breaks = {"I3": ("user.create", "is missing")}
    faults = (fault("abort", "user.create", times=1, status=500),)
    desired = (user("ann"), user("bea"))
    start = {}

    def run(self):
        self.cycle(lambda: [self.ask("POST", "/Users", user(name)) for name in ("ann", "bea")])
        for _ in range(3):
            self.cycle(lambda: self.ask("GET", "/Users"))


class Rewriter(Broken):
    """Sends all of everybody in every cycle, whether anything changed or not."""

    breaks = {"I4": ("user.replace", "needless|nothing was to be done")}
    desired = (user("u1"), user("u2"))
    start = {"users": [{"id": "u-1", **user("u1")}, {"id": "u-2", **user("u2")}]}

    def run(self):
        for _ in range(3):
            self.cycle(lambda: [self.ask("PUT", f"/Users/u-{n}", user(f"u{n}")) for n in (1, 2)])


class FlipFlop(Broken):
    """Has two sources that do not agree, and writes what each says."""

    breaks = {"I4": ("user.patch", "went back")}

    def run(self):
        for _ in range(2):
            self.cycle(
                lambda: [self.ask("PATCH", "/Users/u-1", replace("title", t)) for t in ("Chief", "Head", "Chief")]
            )


class LostUpdatePutter(Broken):
    """Puts back a whole resource that somebody else has changed since it was read."""

    breaks = {"I5": ("user.replace", "overwrote")}
    faults = (fault("concurrent_edit", "user.replace", attribute="title", value="Somebody else's"),)

    def run(self):
        read = self.ask("GET", "/Users/u-1").body
        self.ask("PUT", "/Users/u-1", {**read, "displayName": "Ours"})


class MemberReplacer(Broken):
    """Replaces all members by those that it read before somebody else added one."""

    breaks = {"I5": ("group.patch", "member")}
    start = {**Broken.start, "groups": [{"id": "g-1", "displayName": "Staff", "members": ["u-1"]}]}

    def run(self):
        members = self.ask("GET", "/Groups/g-1").body["members"]
        self.judge.ask("PATCH", "/resources/Groups/g-1", patch(("add", "members", [{"value": "u-2"}])))
        self.ask(
            "PATCH", "/Groups/g-1", replace("members", [*({"value": m["value"]} for m in members), {"value": "u-3"}])
        )


class CaseComparer(Broken):
    """Compares userNames letter by letter, and deletes whom it takes for a stranger."""

    breaks = {"I6": ("user.delete", "is desired and was deleted")}
    faults = (fault("case_fold", "user.create", mode="upper"),)
    desired = (user("u1"),)
    start = {}

    def run(self):
        self.ask("POST", "/Users", user("u1"))
        wanted = {"u1@example.com"}
        for found in self.ask("GET", "/Users").body["Resources"]:
            if found["userName"] not in wanted:
                self.ask("DELETE", f"/Users/{found['id']}")
        self.ask("POST", "/Users", user("u1"))


class MassDeleter(Broken):
    """Has no guard: an empty source empties the directory."""

    breaks = {"I6": ("user.delete", "the cap is")}
    strictness = {"max_deletes": 3}

    def run(self):
        found = [r for page in self.pages() for r in page]
        self.cycle(lambda: [self.ask("DELETE", f"/Users/{r['id']}") for r in found])


class PageStopper(Broken):
    """Reads the first page only, and takes out of the group whom it does not find there."""

    breaks = {"I7": ("group.patch", "in part")}
    start = {**Broken.start, "groups": [{"id": "g-1", "displayName": "All", "members": ["u-1", "u-7"]}]}

    def run(self):
        here = {r["id"] for r in self.ask("GET", "/Users?startIndex=1&count=5").body["Resources"]}
        gone = [id_ for id_ in ("u-1", "u-7") if id_ not in here]
        self.ask("PATCH", "/Groups/g-1", patch(*(("remove", f'members[value eq "{id_}"]') for id_ in gone)))


class AbsenceDeleter(Broken):
    """Takes who is on a page that failed for gone, and deactivates them."""

    breaks = {"I7": ("user.patch", "could not be read")}
    faults = (fault("page_fail", "user.list", page=2, outcome="503"),)

    def run(self):
        here = {r["id"] for page in self.pages() for r in page}
        for id_ in ("u-1", "u-5"):
            if id_ not in here:
                self.ask("PATCH", f"/Users/{id_}", replace("active", False))


class RetryAfterIgnorer(Broken):
    """Comes again after a second, whatever it was told."""

    breaks = {"I8": ("user.create", "Retry-After: 30")}
    faults = (fault("abort", "user.create", times=3, status=429, retry_after=30),)

    def run(self):
        while not self.ask("POST", "/Users", user("ann")).ok:
            self.line.wait(1)


class Crowd(Broken):
    """Has all its workers come back at the same moment."""

    breaks = {"I8": ("user.get", "connections retried")}
    faults = (fault("abort", "user.get", times=6, status=503),)
    strictness = {"herd": 5}

    def run(self):
        workers = [self.open_line(Line, self.server) for _ in range(6)]
        for _ in range(2):
            for number, worker in enumerate(workers, 1):
                worker.ask("GET", f"/Users/u-{number}")


class Looper(Broken):
    """Never gives up on a 409: the same create again and again."""

    breaks = {"I9": ("user.create", "was tried")}
    faults = (fault("conflict", "user.create", holder="hidden"),)

    def run(self):
        for _ in range(12):
            self.ask("POST", "/Users", user("ann"))
            self.line.wait(1)


class EndlessPager(Broken):
    """Asks for the next page as long as one comes, and does not see that it is always the same."""

    breaks = {"I9": ("user.list", "nothing new")}
    faults = (
        fault("start_index", "user.list", mode="ignored"),
        fault("total_results", "user.list", mode="grows", by=9),
    )

    def run(self):
        for _ in self.pages(most=9):
            pass


class TokenStormer(Broken):
    """Goes on through its list with a token that is no longer good."""

    breaks = {"I10": ("user.create", "token refused")}

    def run(self):
        minted = self.judge.ask("POST", "/tokens", {})
        self.line.token = minted["token"]
        self.ask("GET", "/Users")
        self.judge.ask("DELETE", "/tokens", {"token": minted["token"]})
        for name in ("ann", "bea", "cyd"):
            self.ask("POST", "/Users", user(name))


class Leaker(Broken):
    """Follows a redirect to another host and sends its token there."""

    breaks = {"I10": ("user.get", "credentials were sent to")}
    faults = (fault("redirect", "user.get", times=1, status=307, to="http://elsewhere.example.com"),)

    def run(self):
        answer = self.ask("GET", "/Users/u-1")
        host = answer.headers["location"].split("/")[2]
        self.line.send(Request("GET", "/Users/u-1", headers={"Host": host}))


class Resurrecter(Broken):
    """Keeps what failed in a queue, and plays it back when it is no longer meant."""

    breaks = {"I11": ("user.patch", "came back by a retry")}
    faults = (fault("abort", "user.patch", times=1, status=503),)
    start = {"users": [{"id": "u-1", **user("u1"), "active": False}]}

    def run(self):
        activate, deactivate = replace("active", True), replace("active", False)
        queue = [] if self.ask("PATCH", "/Users/u-1", activate).ok else [activate]
        self.line.wait(5)
        self.ask("PATCH", "/Users/u-1", activate | {"Operations": [{"op": "add", "path": "active", "value": True}]})
        self.ask("PATCH", "/Users/u-1", deactivate)
        for late in queue:
            self.ask("PATCH", "/Users/u-1", late)


class Rejoiner(Broken):
    """Adds a member again whom somebody took out, from an old list."""

    breaks = {"I11": ("group.patch", "came back, not desired"), "I3": ("group.patch", "member")}
    start = {
        "users": [{"id": "u-1", **user("u1")}],
        "groups": [{"id": "g-1", "displayName": "Staff", "members": ["u-1"]}],
    }
    desired = (user("u1"),)
    groups = ({"displayName": "Staff", "members": []},)

    def run(self):
        self.ask("PATCH", "/Groups/g-1", patch(("remove", 'members[value eq "u-1"]')))
        self.ask("PATCH", "/Groups/g-1", patch(("add", "members", [{"value": "u-1"}])))


class Stumbler(Broken):
    """Ends the cycle at the first resource that fails, and begins there again in the next."""

    breaks = {"I12": (None, "is missing")}
    faults = (fault("poison", "user.create", user_name="ann@example.com"),)
    desired = (user("ann"), user("bea"))
    start = {}

    def run(self):
        for _ in range(4):
            self.cycle(self.turn)

    def turn(self):
        for name in ("ann", "bea"):
            if not self.ask("POST", "/Users", user(name)).ok:
                return


class SilentDropper(Broken):
    """Drops what is refused and says that all went well."""

    breaks = {"I13": ("user.create", "reports no failure")}

    def run(self):
        self.cycle(lambda: self.ask("POST", "/Users", user("ann", active="perhaps")), success=True, failed=[])


class EarlyReporter(Broken):
    """Reports as done what it has only sent."""

    breaks = {"I13": ("user.create", "as done")}
    faults = (fault("lost_ack", "user.create", times=1, outcome="reset"), fault("drop", "user.create"))

    def run(self):
        self.ask("POST", "/Users", user("ann"))
        held = self.ask("GET", filtered("/Users", "userName", "ann@example.com")).body["Resources"][0]
        sent = ["bea@example.com"]
        ids = {"ann@example.com": held["id"]}
        self.cycle(lambda: self.ask("POST", "/Users", user("bea")), succeeded=sent, success=False, ids=ids)
