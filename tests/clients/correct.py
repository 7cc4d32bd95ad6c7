"""Three clients that do right: what happens, they never destroy on a guess, never make anybody twice, and get there.

    Reconciler   reads the whole directory, compares, sends small PATCHes; deletes what it once made, after a look
    Replacer     looks each resource up, PUTs the whole of it with If-Match; several at a time
    CycleEngine  as Microsoft Entra ID does it: look-ups by filter, its PATCH shapes, deactivates instead of deleting

They share how they meet what goes wrong: a write that failed is in doubt until a look-up has told. None does I/O: they
yield requests and waits (lines.py).
"""

from email.utils import parsedate_to_datetime

from edge import GROUP, PATCH_OP, USER
from lines import LOST, Answer, Request, Together, Wait, filtered

TRIES = 4
# Times that the same is asked for in a row without an answer, however many steps ask for it. On the wire it may be
# twice as often: aiohttp's client sends a GET again by itself, once, also where the connection was new.
VAIN = 4
LOOKS = (1, 8, 40)  # seconds between look-ups of what is in doubt: writes land late, indexes lag
LONGEST = 300  # seconds: a longer Retry-After is not believed
MANAGED = {"/Users": ("externalId", "displayName", "active"), "/Groups": ("externalId", "displayName")}
NAME = {"/Users": "userName", "/Groups": "displayName"}
URN = {"/Users": USER, "/Groups": GROUP}


class UnknownError(Exception):
    """Nothing is known of a resource in this cycle: it is left as it is."""


class StoppedError(Exception):
    """Nothing works any more, or the token is refused: the cycle ends here."""


class Provisioner:
    """What the three have in common; ``cycle`` brings the directory to where it should be.

    ``wanted`` is {"/Users": {name: attributes}, "/Groups": {name: attributes, members by name}}; each has an
    externalId, and that is what tells whether a resource is the one that is meant, or its name where it has none.
    """

    def __init__(self):
        self.ids = {"/Users": {}, "/Groups": {}}
        self.external = {}  # externalIds by kind and name
        self.refused = 0  # answers 401 in a row
        self.failures = 0  # requests in a row that failed at the server or on the way

    # -- one request -------------------------------------------------------------------------------------------

    def send(self, method, path, body=None, headers=None):
        """One attempt. A success that says it is none is none; nothing works after a dozen failures in a row."""
        answer = yield Request(method, path, body, headers or {})
        if answer.ok and isinstance(answer.body, dict) and "Error" in str(answer.body.get("schemas")):
            status = str(answer.body.get("status"))
            answer = Answer(int(status) if status.isdigit() else 500, answer.body, answer.headers)
        passing = answer.status is None or answer.status in (408, 429) or answer.status >= 500
        self.failures = self.failures + 1 if passing else 0
        self.refused = self.refused + 1 if answer.status == 401 else 0 if not passing else self.refused
        if self.failures >= 12 or self.refused > 1:
            raise StoppedError
        return answer

    def pause(self, answer, tried):
        """Wait as long as was asked for, and longer each time."""
        value = answer.headers.get("retry-after", "").strip()
        asked = 0.0
        if value.isascii() and value.isdigit():
            asked = float(value)
        elif value:
            try:
                now = parsedate_to_datetime(answer.headers["date"])
                asked = (parsedate_to_datetime(value) - now).total_seconds() + 1
            except (ValueError, TypeError, KeyError, OverflowError):
                asked = 0.0
        yield Wait(max(2.0**tried, asked if asked <= LONGEST else 0.0))

    def read(self, path, usable):
        """The body of a GET once it can be used; None for what is not there.

        Raises:
            UnknownError: it could not be had.
        """
        for tried in range(TRIES):
            if self.vain.get(path, 0) >= VAIN:
                break
            self.vain[path] = self.vain.get(path, 0) + 1
            answer = yield from self.send("GET", path)
            if answer.status is not None and answer.status < 500:
                self.vain.pop(path)
            if answer.ok and usable(answer.body):
                return answer.body
            if answer.status in (404, 410):
                return None
            if answer.status is not None and 400 <= answer.status < 500 and answer.status not in (401, 408, 429):
                break
            yield from self.pause(answer, tried)
        raise UnknownError

    # -- what is there -----------------------------------------------------------------------------------------

    def get(self, kind, name, id_):
        """The resource with an id, if it is still the one that is meant."""
        found = yield from self.read(f"{kind}/{id_}", is_resource)
        return found if found is not None and self.is_meant(kind, name, found) else None

    def find(self, kind, name):
        """The resource with a name, or with its externalId; None where none is found.

        Raises:
            UnknownError: somebody is found who cannot be told, or is counted and not shown.
        """
        for key, value in ((NAME[kind], name), ("externalId", self.external[kind, name])):
            page = (yield from self.read(filtered(kind, key, value), is_page)) or {}
            listed = page.get("Resources") or []
            for record in listed:
                if is_resource(record) and self.is_meant(kind, name, record):
                    return record
            if listed or str(page.get("totalResults", 0)) != "0":
                raise UnknownError
        return None

    def is_meant(self, kind, name, record):
        """Whether a resource is the one that goes by a name."""
        return record.get("externalId", self.external[kind, name]) == self.external[kind, name] and (
            "externalId" in record or called(kind, record) == fold(name)
        )

    def look(self, kind, name, waits=LOOKS):
        """The same, with patience."""
        for wait in waits:
            yield Wait(wait)
            found = yield from self.find(kind, name)
            if found is not None:
                return found
        return None

    # -- changes -----------------------------------------------------------------------------------------------

    def create(self, kind, name, document):
        """Make a resource, or adopt the one that is there; None where it cannot be."""
        body = {"schemas": [URN[kind]], NAME[kind]: name, **document}
        self.ids[kind][name] = None  # in doubt from now on, also in the cycles to come
        for tried in range(3):
            answer = yield from self.send("POST", kind, body)
            if answer.ok and is_resource(answer.body):
                return answer.body
            if answer.status in (403, 404):
                return None
            yield from self.pause(answer, tried)
            final = answer.status is not None and 300 <= answer.status < 500 and answer.status not in (401, 408, 429)
            found = yield from self.look(kind, name, LOOKS if answer.status == 409 or not final else LOOKS[:1])
            if found is not None or final:
                return found
        return None

    def update(self, kind, name, record, wanted):
        """Bring a resource to where it should be; whether that went well."""
        for tried in range(TRIES):
            operations = self.operations(kind, record, wanted)
            if not operations:
                return True
            answer = yield from self.change(kind, record, wanted, operations)
            if answer.status == 403 or (answer.status == 400 and kind == "/Users"):
                return False
            if answer.ok and kind == "/Users":
                # What was acknowledged is not sent again in this cycle, whatever is shown.
                return not (is_resource(answer.body) and self.operations(kind, answer.body, wanted))
            # A refused member may be too new; half of a change may be done; the id may be another by now.
            yield from self.pause(answer, tried if answer.status != 400 else 6)
            again = yield from self.get(kind, name, record["id"])
            again = again or (yield from self.find(kind, name))
            if again is None:
                return False
            record = again
            self.ids[kind][name] = record["id"]
        return False

    def change(self, kind, record, wanted, operations):
        """Send one change of a resource."""
        body = {"schemas": [PATCH_OP], "Operations": operations}
        return (yield from self.send("PATCH", f"{kind}/{record['id']}", body))

    def operations(self, kind, record, wanted):
        """What a PATCH would have to do; nothing where all is as it should be."""
        differing = [key for key in MANAGED[kind] if plain(record.get(key)) != wanted[key]]
        found = [{"op": "replace", "path": key, "value": wanted[key]} for key in differing]
        return found + (self.memberships(record, wanted["members"]) if kind == "/Groups" else [])

    def memberships(self, record, wanted):
        """The members to add and to remove."""
        held = members_of(record)
        missing = [id_ for id_ in wanted if id_ not in held]
        found = [{"op": "add", "path": "members", "value": [{"value": id_} for id_ in missing]}] if missing else []
        return found + [{"op": "remove", "path": f'members[value eq "{id_}"]'} for id_ in sorted(held - set(wanted))]

    def remove(self, kind, id_):
        """Delete what is no longer wanted; whether that was acknowledged."""
        for tried in range(TRIES):
            answer = yield from self.delete(kind, id_)
            if answer.ok or answer.status in (404, 410):
                return True
            if answer.status in (400, 403):
                return False
            yield from self.pause(answer, tried)
        return False

    def delete(self, kind, id_):
        """One attempt to take somebody away."""
        return (yield from self.send("DELETE", f"{kind}/{id_}"))

    # -- a cycle -----------------------------------------------------------------------------------------------

    def cycle(self, wanted):
        """One synchronisation; what to report of it."""
        self.done, self.failed = [], []
        self.refused = self.failures = 0
        self.vain = {}  # paths that have been asked for in vain, and how often
        self.external.update(
            {(k, name): each["externalId"] for k, named in wanted.items() for name, each in named.items()}
        )
        success = True
        try:
            listed = yield from self.enumerate()
            yield Together([self.settle("/Users", name, wanted["/Users"][name], listed) for name in wanted["/Users"]])
            for name, group in wanted["/Groups"].items():
                here = [id_ for member in group["members"] if (id_ := self.ids["/Users"].get(member))]
                yield from self.settle("/Groups", name, {**group, "displayName": name, "members": here}, listed)
            for kind in ("/Groups", "/Users"):
                for name in [name for name in self.ids[kind] if name not in wanted[kind]]:
                    yield from self.retire(kind, name)
        except (StoppedError, UnknownError):
            success = False
        ids = {name: id_ for held in self.ids.values() for name, id_ in held.items() if id_}
        return {"success": success and not self.failed, "succeeded": self.done, "failed": self.failed, "ids": ids}

    def enumerate(self):
        """What is there, by id and by externalId, or name where it has none; {} for who does not read it all."""
        return {}
        yield

    def settle(self, kind, name, wanted, listed):
        """One resource: find or make it, then mend it."""
        try:
            known = (self.ids[kind].get(name), wanted["externalId"], fold(name))  # the id that it holds comes first
            record = next((r for key in known if (r := listed.get((kind, key))) and self.is_meant(kind, name, r)), None)
            if record is None and self.ids[kind].get(name):
                record = yield from self.get(kind, name, self.ids[kind][name])
            elif record is not None and kind == "/Groups":
                record = (yield from self.get(kind, name, record["id"])) or record
            if record is None:
                record = yield from self.find(kind, name)
            if record is None:
                record = yield from self.create(kind, name, {k: wanted[k] for k in wanted if k != "members"})
            if record is None:
                self.failed.append(name)
                return
            self.ids[kind][name] = record["id"]
            good = yield from self.update(kind, name, record, wanted)
            (self.done if good else self.failed).append(name)
        except UnknownError:
            self.failed.append(name)

    def retire(self, kind, name):
        """Take away what the client once made or adopted; forget it once a look has shown that it is gone."""
        try:
            id_ = self.ids[kind][name]
            record = yield from self.get(kind, name, id_) if id_ else self.find(kind, name)
            if record is None or plain(record.get("active")) is False:
                del self.ids[kind][name]
            elif not (yield from self.remove(kind, record["id"])):
                self.failed.append(name)
        except UnknownError:
            self.failed.append(name)


class Reconciler(Provisioner):
    """Reads all pages, and trusts only a reading without a flaw with what is to go."""

    def enumerate(self):
        users, whole = yield from self.walk("/Users")
        groups, all_groups = yield from self.walk("/Groups")
        self.whole = whole and all_groups
        return {**users, **groups}

    def walk(self, kind):
        """The resources of a collection by name, and whether that is all of them."""
        found, ids, start, totals, whole = {}, set(), 1, set(), True
        for _ in range(50):
            try:
                page = yield from self.read(f"{kind}?startIndex={start}&count=3", is_page)
            except UnknownError:
                return found, False
            listed = (page or {}).get("Resources") or []
            total = str((page or {}).get("totalResults"))
            totals.add(int(total) if total.isdigit() else -1)
            usable = [r for r in listed if is_resource(r) and called(kind, r)]
            fresh = [r for r in usable if r["id"] not in ids]
            whole = whole and len(fresh) == len(listed)
            ids.update(r["id"] for r in fresh)
            for r in fresh:
                found[kind, r["id"]] = r
                found.setdefault((kind, r.get("externalId") or called(kind, r)), r)
            start += len(listed)
            if not fresh or start > max(totals):
                break
        return found, whole and totals == {len(ids)}

    def retire(self, kind, name):
        if self.whole:
            yield from super().retire(kind, name)
        else:
            self.failed.append(name)


class Replacer(Provisioner):
    """Sends whole resources, each with the version that it has read; where there are no versions, PATCHes."""

    def change(self, kind, record, wanted, operations):
        try:
            record = (yield from self.read(f"{kind}/{record['id']}", is_resource)) or record
        except UnknownError:
            return LOST
        version = (record.get("meta") or {}).get("version")
        if not version:
            return (yield from super().change(kind, record, wanted, operations))
        whole = {key: value for key, value in record.items() if key not in ("meta", "groups")}
        members = {"members": [{"value": id_} for id_ in wanted["members"]]} if kind == "/Groups" else {}
        whole.update({**wanted, **members})
        return (yield from self.send("PUT", f"{kind}/{record['id']}", whole, {"If-Match": version}))


class CycleEngine(Provisioner):
    """Entra's shapes: one operation a PATCH for members, capitals, and nobody is ever deleted but deactivated."""

    def memberships(self, record, wanted):
        held = members_of(record)
        moves = [("Add", id_) for id_ in wanted if id_ not in held] + [
            ("Remove", id_) for id_ in sorted(held - {*wanted})
        ]
        return [{"op": op, "path": "members", "value": [{"value": id_}]} for op, id_ in moves[:1]]

    def operations(self, kind, record, wanted):
        found = super().operations(kind, record, wanted)
        return [{**each, "op": each["op"].capitalize()} for each in found]

    def delete(self, kind, id_):
        if kind == "/Groups":
            return (yield from super().delete(kind, id_))
        body = {"schemas": [PATCH_OP], "Operations": [{"op": "Replace", "path": "active", "value": False}]}
        return (yield from self.send("PATCH", f"{kind}/{id_}", body))


def fold(name):
    """A name as it is compared."""
    return str(name).strip().casefold()


def called(kind, record):
    """What a resource is called, folded; empty for what has no name."""
    return fold(record.get(NAME[kind]) or "")


def plain(value):
    """A boolean that came as text."""
    return {"true": True, "false": False}.get(str(value).lower(), value)


def members_of(record):
    """The ids of a group's members."""
    listed = record.get("members") or []
    return {str(m.get("value")) for m in listed if isinstance(m, dict)} if isinstance(listed, list) else set()


def is_resource(body):
    """Whether that is a resource that can be used."""
    return isinstance(body, dict) and isinstance(body.get("id"), str) and bool(body["id"])


def is_page(body):
    """Whether that is a page of a list: an empty one may lack Resources."""
    if not isinstance(body, dict) or "totalResults" not in body:
        return False
    return isinstance(body.get("Resources"), list) or str(body["totalResults"]) == "0"
