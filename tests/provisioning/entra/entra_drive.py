"""Drives a provisioning job against a tenant in the same process, or against answers that a test has written.

Nothing is sent over a socket, and the time is whatever the test says.
"""

import itertools
from urllib.parse import parse_qsl, urlsplit

import orjson

from mockscim import profiles
from mockscim.clock import parse_instant
from mockscim.provisioning.directory import from_document
from mockscim.provisioning.entra import Job, Settings
from mockscim.provisioning.wire import Answer, drive
from mockscim.scim.errors import ScimError
from mockscim.tenant import Start, Tenant

BASE = "http://scim.example.com/scim/v2"
START = parse_instant("2026-01-05T08:00:00Z")
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
NO_SUCH = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "404", "detail": "not found"}


def person(name, **more):
    """A user of the source, by a first name in small letters."""
    return {
        "id": f"src-{name}",
        "userPrincipalName": f"{name}@example.com",
        "displayName": name.capitalize(),
        "mail": f"{name}@example.com",
        "mailNickname": name,
        "accountEnabled": True,
        **more,
    }


def company(*names, groups=None, assigned=None, **more):
    """A directory of people; assigned are the groups, or what ``assigned`` says."""
    groups = groups or {}
    documents = [{"id": f"grp-{g}", "displayName": g, "members": [f"src-{m}" for m in ms]} for g, ms in groups.items()]
    users = [person(name) if isinstance(name, str) else name for name in names]
    principals = assigned if assigned is not None else [f"grp-{g}" for g in groups] or [each["id"] for each in users]
    made = from_document(
        {
            "kind": "directory",
            "users": users,
            "groups": documents,
            "appRoleAssignments": [{"principalId": each} for each in principals],
            **more,
        }
    )
    made.advance(START)
    return made


class Target:
    """A tenant of a profile. Answers that a test has put in ``say`` come first.

    Attributes:
        requests: those that came, in order; ``lines`` are their methods and paths.
        say: functions that are given each request and may answer it, or return None.
    """

    def __init__(self, profile="standard", **start):
        self.tenant = Tenant("", Start(profiles.load(profile), None, seed=1, clock="virtual", **start))
        self.requests = []
        self.say = []

    def __call__(self, request):
        self.requests.append(request)
        for each in self.say:
            answer = each(request)
            if answer is not None:
                return answer
        return self.answer(request)

    def answer(self, request):
        split = urlsplit(request.path)
        service = self.tenant.service
        try:
            call = service.route(request.method, split.path, BASE)
            body = orjson.dumps(request.body) if request.body is not None else b""
            service.read(call, parse_qsl(split.query), body)
            reply = service.perform(call, self.tenant.clock.text())
        except ScimError as error:
            return Answer(error.status, dict(error.headers), error.document(), seconds=0.01)
        self.tenant.note(reply.changes, None)
        return Answer(reply.status, reply.headers, orjson.loads(reply.body) if reply.body else None, seconds=0.01)

    @property
    def lines(self):
        return [f"{each.method} {urlsplit(each.path).path}" for each in self.requests]

    def sent(self, method, start="/"):
        """The requests of a method below a path."""
        return [each for each in self.requests if each.method == method and each.path.startswith(start)]

    def forget(self):
        self.requests.clear()

    def ask(self, method, path, body=None):
        """Edit it behind the job's back."""
        from mockscim.provisioning.wire import Request

        return self.answer(Request(method, path, body))

    @property
    def users(self):
        """By userName: the resource."""
        return {each["userName"]: each for each in self.tenant.dump()["users"]}

    @property
    def groups(self):
        """By displayName: the userNames of its members, sorted."""
        names = {each["id"]: each["userName"] for each in self.tenant.dump()["users"]}
        return {
            each["displayName"]: sorted(names[m["value"]] for m in each.get("members", []))
            for each in self.tenant.dump().get("groups", [])
        }

    def active(self):
        """The userNames of those who are enabled."""
        return sorted(name for name, each in self.users.items() if each.get("active", True))


class Run:
    """A job, its source, its target, and a time that passes."""

    def __init__(self, directory, to=None, schema=None, **settings):
        settings.setdefault("target", BASE)
        self.directory, self.target = directory, to or Target()
        self.job = Job(Settings(**settings), schema)
        self.now = START
        self.cycles = []
        self.job.start(self.now)

    def cycle(self, *, later=40 * MINUTE, shuffle=None):
        """One cycle now; then the clock is moved on. ``shuffle`` orders the items of each phase."""
        self.directory.advance(self.now)
        cycle = self.job.cycle(self.directory, self.now)
        for phase in cycle.phases():
            items = list(phase.items)
            if shuffle is not None:
                shuffle.shuffle(items)
            for item in items:
                item.end(drive(item.steps(), self.target), self.now)
        self.cycles.append(cycle)
        self.now += later
        return cycle

    def again(self, **more):
        """A further cycle, of whose requests alone the target remembers."""
        self.target.forget()
        return self.cycle(**more)

    def until(self, end):
        """Cycles whenever they are due, until a time."""
        while (due := self.job.next_cycle()) is not None and due <= end:
            self.now = max(self.now, due)
            self.cycle(later=0.0)
        self.now = end

    def link(self, name, kind="User"):
        return self.job.state.links(kind).get(("src-" if kind == "User" else "grp-") + name)

    def on_demand(self, key, **more):
        return drive(self.job.on_demand(self.directory, key, self.now, **more).steps(), self.target)

    @property
    def quarantine(self):
        return self.job.status()["status"]["quarantine"]

    @property
    def code(self):
        return self.job.status()["status"]["code"]


def codes(cycle):
    """Name → status and code of each log entry, in order."""
    found = []
    for entry in cycle.entries:
        info = entry["provisioningStatusInfo"]["errorInformation"]
        status = entry["provisioningStatusInfo"]["status"]
        action = entry["provisioningAction"]
        found.append((entry["sourceIdentity"]["displayName"], action, status, info["errorCode"] if info else None))
    return found


def answers(status, body=None, *, method=None, start="", times=None, **more):
    """A rule for ``Target.say``: this answer to requests of a method below a path, so many times."""
    left = itertools.count() if times is None else iter(range(times))

    def rule(request):
        fits = (method is None or request.method == method) and request.path.startswith(start)
        if not fits or next(left, None) is None:
            return None
        return Answer(status, more.get("headers", {}), body, more.get("error", ""), 0.01)

    return rule
