"""A server, a client that does as the test says, and what the judge makes of it."""

import contextlib

import httpx
from edge import AUTH, GROUP, PATCH_OP, USER, a_rule

USERS, GROUPS = "/scim/v2/Users", "/scim/v2/Groups"


class Stage:
    """One server; the client keeps one connection unless said otherwise."""

    def __init__(self, server):
        self.server = server
        self.client = server.client
        self.admin = server.admin
        self.cycle_number = 0

    # -- the client --------------------------------------------------------------------------------------------

    def send(self, method, path, body=None, client=None, **options):
        """One request; None when no answer came."""
        with contextlib.suppress(httpx.TransportError):
            return (client or self.client).request(method, f"/scim/v2{path}", json=body, **options)
        return None

    def create(self, name, client=None, **more):
        """POST a user."""
        return self.send("POST", "/Users", {"schemas": [USER], "userName": name, **more}, client)

    def create_group(self, name, members=(), **more):
        """POST a group."""
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": m} for m in members], **more}
        return self.send("POST", "/Groups", body)

    def patch(self, path, *operations, **options):
        """PATCH with operations: (op, path, value)."""
        listed = [dict(zip(("op", "path", "value"), each, strict=False)) for each in operations]
        return self.send("PATCH", path, {"schemas": [PATCH_OP], "Operations": listed}, **options)

    def find(self, name):
        """Look a user up by userName."""
        return self.send("GET", "/Users", params={"filter": f'userName eq "{name}"'})

    def another(self, agent="another"):
        """A client that says it is somebody else."""
        return self.server.http({**AUTH, "User-Agent": agent})

    # -- what surrounds it -------------------------------------------------------------------------------------

    def fault(self, kind, operation="user.create", phase=None, times=None, name=None, **parameters):
        """Have a fault strike."""
        rule = {
            **a_rule(kind, operation=operation, **parameters),
            "name": name or f"{kind}-{operation}".replace("*", "all"),
        }
        rule.pop("phase")
        rule |= {key: value for key, value in (("phase", phase), ("times", times)) if value is not None}
        return self.server.fault(rule)

    def calm(self):
        """No more faults."""
        assert self.admin.delete("/_mockscim/faults").status_code == 204

    def edit(self, type_, id_, **attributes):
        """Change a resource behind the client's back."""
        answer = self.admin.patch(f"/_mockscim/resources/{type_}/{id_}", json=attributes)
        assert answer.status_code in (200, 204), answer.text

    def lose(self):
        """Make the history say that it dropped something."""
        self.server.call(lambda: setattr(self.server.scim.tenants.use("").journal, "dropped", 7))

    @contextlib.contextmanager
    def cycle(self, **reported):
        """One cycle of the client."""
        self.cycle_number += 1
        self.mark("begin", self.cycle_number)
        yield
        self.mark("end", self.cycle_number, reported=reported or None)

    def mark(self, event, cycle=None, status=201, **more):
        """Mark a begin or an end."""
        answer = self.admin.post("/_mockscim/marks", json={"event": event, "cycle": cycle, **more})
        assert answer.status_code == status, answer.text
        return answer.json()

    def desire(self, users=(), groups=None, status=200):
        """Say where the client should arrive."""
        document = {"users": list(users), **({"groups": list(groups)} if groups is not None else {})}
        answer = self.admin.put("/_mockscim/desired", json=document)
        assert answer.status_code == status, answer.text
        return answer.json()

    # -- the judge ---------------------------------------------------------------------------------------------

    def judge(self, id_, **parameters):
        """What the judge says of one invariant."""
        answer = self.admin.get("/_mockscim/invariants", params={"only": id_, **parameters})
        assert answer.status_code == 200, answer.text
        (item,) = answer.json()["items"]
        assert (item["id"], item["verdict"] == "broken") == (id_, bool(item["evidence"])), item
        return item

    def held(self, id_, **parameters):
        """It held."""
        item = self.judge(id_, **parameters)
        assert item["verdict"] == "held", item
        return item

    def broken(self, id_, *journal, **parameters):
        """It is broken, and these exchanges show it."""
        item = self.judge(id_, **parameters)
        assert item["verdict"] == "broken", item
        if journal:
            assert [proof["journal"] for proof in item["evidence"]] == list(journal), item
        return item

    def idle(self, id_, text="", **parameters):
        """It does not apply."""
        item = self.judge(id_, **parameters)
        assert item["verdict"] == "not applicable", item
        assert not item["incomplete"]
        assert text in item["why"]
        return item

    def incomplete(self, id_):
        """With a part of the journal lost it is incomplete."""
        self.lose()
        item = self.judge(id_)
        assert (item["verdict"], item["incomplete"]) == ("not applicable", True), item
        assert item["why"].startswith("incomplete: the journal dropped 7 exchanges")


def people(*names, **more):
    """Users of a fixture."""
    return [{"userName": name, **more} for name in names]
