"""Drives Okta's plans without a socket: from a tenant in this process, or from answers that are scripted."""

import orjson

from mockscim import profiles
from mockscim.provisioning.directory import from_document
from mockscim.provisioning.okta import App, Settings
from mockscim.provisioning.wire import Answer, Request, drive
from mockscim.scim.errors import ScimError
from mockscim.server.address import read_query
from mockscim.tenant import Start, Tenant

NOW = 1_767_225_600.0  # 2026-01-01T00:00:00Z
BASE = "http://localhost/scim/v2"


class Target:
    """A tenant as a SCIM server; ``requests`` are those that came, ``break_next`` makes some go wrong."""

    def __init__(self, profile="standard", **options):
        self.tenant = Tenant("", Start(profiles.load(profile), clock="virtual", **options))
        self.requests: list[Request] = []
        self.answers: list[Answer] = []
        self.broken: list[tuple[str, Answer, bool]] = []

    def break_next(self, match, answer, *, after=False):
        """Answer the next request whose ``METHOD path`` begins so otherwise; ``after``: it is done all the same."""
        self.broken.append((match, answer, after))

    def __call__(self, request):
        """Answer a request."""
        self.requests.append(request)
        answer = self._answer(request)
        self.answers.append(answer)
        return answer

    def _answer(self, request):
        for each in self.broken:
            match, answer, after = each
            if f"{request.method} {request.path}".startswith(match):
                self.broken.remove(each)
                if after:
                    self.serve(request)
                return answer
        return self.serve(request)

    def serve(self, request):
        """What the tenant answers."""
        service = self.tenant.service
        path, _, query = request.path.partition("?")
        try:
            call = service.route(request.method, path, BASE)
            service.read(call, read_query(query), orjson.dumps(request.body) if request.body is not None else b"")
            reply = service.perform(call, self.tenant.clock.text())
        except ScimError as error:
            return Answer(error.status, dict(error.headers), orjson.loads(error.body()))
        return Answer(reply.status, reply.headers, orjson.loads(reply.body) if reply.body else None)

    def taken(self):
        """The requests since this was last asked, as ``METHOD path``."""
        found = [f"{each.method} {each.path}" for each in self.requests]
        self.requests.clear()
        return found

    def resources(self, endpoint):
        """All resources of a kind."""
        return self.serve(Request("GET", f"{endpoint}?count=100000")).body["Resources"]

    def users(self):
        """All users by userName."""
        return {each["userName"]: each for each in self.resources("/Users")}

    def groups(self):
        """The userNames in each group, by its name."""
        names = {each["id"]: each["userName"] for each in self.resources("/Users")}
        return {
            each["displayName"]: {names.get(member["value"], "?") for member in each.get("members", [])}
            for each in self.resources("/Groups")
        }


class Script:
    """Answers from a list, in order; the last is given for ever."""

    def __init__(self, *answers):
        self.left = list(answers)
        self.requests: list[Request] = []

    def __call__(self, request):
        """Answer a request."""
        self.requests.append(request)
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]


def listed(*resources, total=None):
    """A list of resources as an answer."""
    number = len(resources) if total is None else total
    body = {"totalResults": number, "startIndex": 1, "itemsPerPage": len(resources), "Resources": list(resources)}
    return Answer(200, {}, {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], **body})


def refused(status, detail=""):
    """A SCIM error as an answer."""
    schemas = ["urn:ietf:params:scim:api:messages:2.0:Error"]
    return Answer(status, {}, {"schemas": schemas, "detail": detail, "status": str(status)})


def run(push, send, now=NOW):
    """Do all of a push. Returns it."""
    for phase in push.phases():
        for item in phase.items:
            item.end(drive(item.steps(), send), now)
    return push


def person(name, **more):
    """A user of the source."""
    given, _, family = name.partition(" ")
    upn = f"{given.lower()}@example.com"
    known = {"id": f"id-{given.lower()}", "userPrincipalName": upn, "displayName": name}
    return {**known, "givenName": given, "surname": family or "Example", "mail": upn, **more}


def directory(*people, groups=(), assigned=None):
    """A source: people, groups as (name, members), and who is assigned (everybody, unless said)."""
    document = {
        "kind": "directory",
        "users": list(people),
        "groups": [{"id": f"id-{name.lower()}", "displayName": name, "members": list(them)} for name, them in groups],
        "assignments": [
            {"principal": each}
            for each in (assigned if assigned is not None else [each["userPrincipalName"] for each in people])
        ],
    }
    made = from_document(document)
    made.advance(NOW)
    return made


def app(**settings):
    """An application."""
    return App(Settings(**settings))
