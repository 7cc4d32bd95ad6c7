"""kill -9 under load: what was acknowledged is there, once; what was not is there as a whole or not at all.

By default some rounds; ``MOCKSCIM_LONG_MINUTES=60`` in the environment makes it look for an hour.
"""

import http.client
import itertools
import json
import os
import random
import threading
import time
from collections import defaultdict

import pytest

LONG = float(os.environ.get("MOCKSCIM_LONG_MINUTES", "0"))
ROUNDS = 5
CLIENTS = 6
# How long a server lives, in seconds.
SHORTEST, LONGEST = 0.05, 0.6


class Known:
    """What one client knows of one user.

    Attributes:
        state: its displayName and version as they were acknowledged; None for a user who is not there.
        tried: displayNames that may have been written since, with no answer; None for a deletion.
    """

    def __init__(self):
        self.state = None
        self.tried = []


class Client(threading.Thread):
    """Writes its own users and its own group, until the server is gone."""

    def __init__(self, server, name, memory):
        super().__init__(daemon=True)
        self.server, self.memory = server, memory
        self.label = name
        self.draw = random.Random(f"{name} {len(memory.versions)}")  # noqa: S311
        self.failure = None
        self.connection = http.client.HTTPConnection(*server.address, timeout=10)

    def run(self):
        try:
            while True:
                try:
                    self.step()
                except (ConnectionResetError, http.client.HTTPException):
                    self.connection.close()  # cut by a fault, or by its end: what was asked for is in doubt
        except OSError:
            pass  # nobody listens any more
        except AssertionError as error:
            self.failure = error
        finally:
            self.connection.close()

    def ask(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.server.ready['token']}", "Content-Type": "application/scim+json"}
        self.connection.request(method, f"/scim/v2{path}", None if body is None else json.dumps(body), headers)
        response = self.connection.getresponse()
        content = response.read()
        return response.status, json.loads(content) if content else None

    def step(self):
        # Copied at once: other clients add theirs meanwhile.
        mine = [name for name in list(self.memory.users) if name.startswith(f"{self.label}-")]
        there = [name for name in mine if self.memory.users[name].state is not None]
        way = self.draw.random()
        if way < 0.4 or not there:
            self.create(self.memory.name(self.label))
        elif way < 0.6:
            self.rename(self.draw.choice(there))
        elif way < 0.7:
            self.delete(self.draw.choice(there))
        elif way < 0.9:
            self.member(self.draw.choice(there))
        else:
            self.bulk([self.memory.name(self.label) for _ in range(3)])

    def create(self, name):
        self.memory.users[name].tried.append(name)
        status, body = self.ask("POST", "/Users", {"userName": name, "displayName": name})
        assert status == 201, (status, body)
        self.memory.created(name, body["id"], body["meta"]["version"])

    def bulk(self, names):
        self.memory.together.append(names)
        for name in names:
            self.memory.users[name].tried.append(name)
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": name, "data": {"userName": name, "displayName": name}}
            for name in names
        ]
        status, body = self.ask("POST", "/Bulk", {"Operations": operations})
        assert status == 200, (status, body)
        for name, result in zip(names, body["Operations"], strict=True):
            self.memory.created(name, result["location"].rpartition("/")[2], result["version"])
        self.memory.together.remove(names)

    def rename(self, name):
        known, value = self.memory.users[name], f"renamed {next(self.memory.counter)}"
        known.tried.append(value)
        patch = {"Operations": [{"op": "replace", "path": "displayName", "value": value}]}
        status, body = self.ask("PATCH", f"/Users/{self.memory.ids[name]}", patch)
        assert status == 200, (status, body)
        self.memory.acknowledged(name, value, body["meta"]["version"])

    def delete(self, name):
        known = self.memory.users[name]
        known.tried.append(None)
        status, _ = self.ask("DELETE", f"/Users/{self.memory.ids[name]}")
        assert status == 204
        known.state, known.tried = None, []
        self.memory.members[self.label].pop(name, None)

    def member(self, name):
        """Into the group or out of it."""
        members, id_ = self.memory.members[self.label], self.memory.ids[name]
        group = self.memory.groups.get(self.label)
        if group is None:
            status, body = self.ask("POST", "/Groups", {"displayName": self.label})
            assert status == 201, (status, body)
            self.memory.groups[self.label] = body["id"]
            return
        operation = {"op": "add", "path": "members", "value": [{"value": id_}]}
        if name in members:
            operation = {"op": "remove", "path": f'members[value eq "{id_}"]'}
        was = name in members
        members[name] = None  # in doubt
        status, body = self.ask("PATCH", f"/Groups/{group}", {"Operations": [operation]})
        assert status in (200, 204), (status, body)
        del members[name]
        if not was:
            members[name] = True


class Memory:
    """What all clients know together, over all rounds."""

    def __init__(self):
        self.users = defaultdict(Known)
        self.ids = {}
        self.groups = {}
        self.members = defaultdict(dict)  # by client: name -> True for a member, None where that is in doubt
        self.together = []  # names that went out in one bulk request, and no answer came
        self.versions = set()
        self.counter = itertools.count(1)

    def name(self, label):
        return f"{label}-{next(self.counter)}"

    def created(self, name, id_, version):
        assert id_ not in self.ids.values(), f"{id_} was given before"
        self.ids[name] = id_
        self.acknowledged(name, name, version)

    def acknowledged(self, name, value, version):
        number = int(version.removeprefix('W/"').partition("-")[0].rstrip('"'))
        assert number not in self.versions, f"the version {version} was given before"
        self.versions.add(number)
        known = self.users[name]
        known.state, known.tried = (value, number), []

    def compare(self, server):
        """Hold what a server has against what is known; from then on that is known."""
        listed = server.request("GET", "/scim/v2/Users").body["Resources"]
        found = {each["userName"]: each for each in listed}
        assert len(found) == len(listed), "a user is there twice"
        assert len({each["id"] for each in listed}) == len(listed)
        for name, known in self.users.items():
            self._compare(name, known, found.pop(name, None))
        assert not found, f"nobody made {sorted(found)}"
        for names in self.together:
            assert len({self.users[name].state is None for name in names}) == 1, f"half a bulk request: {names}"
        self.together.clear()
        there = {each["id"] for each in listed}
        for label, id_ in self.groups.items():
            group = server.request("GET", f"/scim/v2/Groups/{id_}").body
            values = {member["value"] for member in group.get("members", ())}
            assert values <= there, "a member is not there"
            sure = {self.ids[name] for name, is_in in self.members[label].items() if is_in}
            doubt = {self.ids[name] for name, is_in in self.members[label].items() if is_in is None}
            assert sure - values <= {self.ids.get(name) for name, known in self.users.items() if known.state is None}
            assert values <= sure | doubt
            self.members[label] = {name: True for name in self.users if self.ids.get(name) in values}

    def _compare(self, name, known, user):
        if user is None:
            # Not there: never acknowledged, gone with an acknowledged deletion, or with one that was not.
            assert known.state is None or None in known.tried, f"{name} is lost"
            known.state, known.tried = None, []
            return
        version = int(user["meta"]["version"].removeprefix('W/"').partition("-")[0].rstrip('"'))
        value = user["displayName"]
        if known.state is None:
            assert known.tried == [name], f"{name} is there again"
        if known.state is None or value != known.state[0]:
            assert value in known.tried, f"{name} is {value}: nobody made it that"
            assert version not in self.versions, f"{name} has a version that was another's"
            self.versions.add(version)
        else:
            assert version == known.state[1], f"{name} has changed, and nobody changed it"
        self.ids[name] = user["id"]
        known.state, known.tried = (value, version), []


@pytest.mark.timeout(LONG * 60 + 300)
@pytest.mark.parametrize(
    "faults", [(), ("--fault", "user.create=lost_ack(reset):0.1", "--fault", "user.patch=lost_ack(reset):0.1")]
)
def test_a_server_that_is_killed_has_lost_nothing_and_done_nothing_twice(start, faults):
    """Clients write until the server is killed, round after round, and the next one has what was acknowledged.

    It has each unanswered request as a whole or not at all, and gives no id and no version that was given before.
    """
    memory, draw = Memory(), random.Random(int(LONG))  # noqa: S311
    until, rounds = time.monotonic() + LONG * 60, 0
    while rounds < ROUNDS or time.monotonic() < until:
        server = start("--token", "for-tests", *faults)
        memory.compare(server)
        clients = [Client(server, f"c{n}", memory) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(draw.uniform(SHORTEST, LONGEST))
        server.process.kill()
        server.process.communicate()
        for client in clients:
            client.join(30)
            assert client.failure is None, client.failure
        rounds += 1
    memory.compare(start("--token", "for-tests"))
    assert len(memory.versions) > ROUNDS * CLIENTS  # they did write
