"""How the simulator is brought to send each documented request.

``exchanges/entra.json`` holds what Microsoft documents, with ``${variables}`` where an id or a run's name stands. Here
these texts are the ids and names, so that nothing has to be replaced.
"""

import json
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from entra_drive import BASE, NO_SUCH, Run, company, person

from mockscim.provisioning import mapping
from mockscim.provisioning.entra import connection, shapes
from mockscim.provisioning.wire import Answer, drive

STEPS = json.loads((Path(__file__).parents[2] / "exchanges" / "entra.json").read_text())["steps"]
DOCUMENTED = {step["name"]: step for step in STEPS if step["level"] == "DOC" and not step["name"].startswith(" ")}
EMPTY = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 0, "Resources": []}
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORK = 'emails[type eq "work"].value'
ROLE = "WindowsAzureActiveDirectoryRole"
UID, GID = "${uid}", "${gid}"
ROLES = [
    {"id": "r1", "value": "Reader", "displayName": "Reader"},
    {"id": "r2", "value": "Writer", "displayName": "Writer"},
]


class Scripted:
    """A target that has one object, or none, and remembers the requests."""

    def __init__(self, id_, current=None):
        self.id, self.current, self.requests = id_, current, []

    def __call__(self, request):
        self.requests.append(request)
        if request.method == "POST":
            self.current = {"id": self.id, **request.body}
            return Answer(201, {}, self.current)
        if request.method != "GET":
            return Answer(204)
        if "filter=" in request.path:
            probe = request.purpose == "test connection"
            return Answer(200, {}, EMPTY if probe or not self.current else listed(self.current))
        return Answer(200, {}, self.current) if self.current else Answer(404, {}, NO_SUCH)


def listed(resource):
    return {**EMPTY, "totalResults": 1, "Resources": [resource]}


def rows(*pairs, groups=False):
    """A mapping of target attributes to source attributes; the first is matched on."""
    found = [
        {
            "targetAttributeName": to,
            "source": source,
            **({"matchingPriority": 1} if n == 0 else {}),
            **({"type": "Expression"} if "(" in source else {}),
        }
        for n, (to, source) in enumerate(pairs)
    ]
    other = [{"targetAttributeName": "displayName", "source": "displayName", "matchingPriority": 1}]
    users, both = (other, found) if groups else (found, other)
    return mapping.load({"users": {"attributeMappings": users}, "groups": {"attributeMappings": both}})


def sent(run, method):
    """The last request of a method that a cycle makes."""
    run.cycle()
    return [each for each in run.target.requests if each.method == method][-1]


def made(user, schema=None, **settings):
    """The request that creates a user."""
    return sent(job(user, Scripted(UID), schema, **settings), "POST")


def job(user, to, schema=None, **settings):
    return Run(company(person("x", **user)), to, schema, **settings)


def patched(current, wanted, *more, **settings):
    """The PATCH that makes a target's user what a source user is: target attribute → value."""
    user = {f"attribute{n}": value for n, value in enumerate(wanted.values())}
    pairs = [("userName", "userPrincipalName"), *((to, f"attribute{n}") for n, to in enumerate(wanted))]
    resource = {"id": UID, "userName": "x@example.com", **current}
    return sent(job(user, Scripted(UID, resource), rows(*pairs, *more), **settings), "PATCH")


def activity(*, active, before=None, **settings):
    """The PATCH that enables a user, or disables one: who is found again is enabled, and blocked after that."""
    schema = rows(("userName", "userPrincipalName"), ("active", ACTIVE))
    target = Scripted(UID, {"id": UID, "userName": "x@example.com", "active": not active})
    run = job({}, target, schema, **settings)
    if active:
        return sent(run, "PATCH")
    run.cycle()
    run.directory.edit_user("src-x", accountEnabled=False)
    return sent(run, "PATCH")


ACTIVE = 'Switch([IsSoftDeleted], , "False", "True", "True", "False")'


def roles(function):
    """The PATCH of roles that an expression gives."""
    user = person("x")
    directory = company(
        user,
        assigned=[],
        appRoles=[{**each} for each in ROLES] if function == "AppRoleAssignmentsComplex" else NAMED,
    )
    for role in [each["id"] for each in (ROLES if function == "AppRoleAssignmentsComplex" else NAMED)]:
        directory.assign("src-x", role)
    schema = rows(("userName", "userPrincipalName"), ("roles", f"{function}([appRoleAssignments])"))
    held = [{"primary": True, "type": ROLE, "value": "Admin"}]
    current = {"id": "${rid}", "userName": "x@example.com", "roles": held}
    return sent(Run(directory, Scripted("${rid}", current), schema), "PATCH")


NAMED = [{"id": "r1", "value": "User", "displayName": "User"}, {"id": "r2", "value": "Test", "displayName": "Test"}]


def group_run(*members, current=None, name="Group ${run}", **settings):
    """A job that knows a group, and people by the ids in the target that these texts are."""
    directory = company(*[person(each) for each in members], groups={"G": members})
    directory.edit_group("grp-G", displayName=name)
    ids = {f"{each}@example.com": f"${{{each}}}" for each in members}

    def target(request):
        target.requests.append(request)
        if request.path.startswith("/Users") and request.method == "GET" and request.purpose != "test connection":
            query = dict(parse_qsl(urlsplit(request.path).query)).get("filter", "")
            found = next((i for n, i in ids.items() if n in query), next(iter(ids.values())))
            return Answer(
                200, {}, listed({"id": found, "userName": query.split('"')[1] if query else "", "active": True})
            )
        return group(request)

    group = Scripted(GID, current)
    target.requests = []
    schema = mapping.load(
        {
            "users": {"attributeMappings": [{**USER_NAME}, {"targetAttributeName": "active", **SWITCH}]},
            "groups": mapping.dump(mapping.load("non-gallery"))["groups"],
        }
    )
    return Run(directory, target, schema, **settings)


USER_NAME = {"targetAttributeName": "userName", "source": "userPrincipalName", "matchingPriority": 1}
SWITCH = {"type": "Expression", "source": ACTIVE}


def removal(member, **settings):
    """The PATCH that takes somebody out of a group, who stays in scope."""
    run = group_run(member, "other", **settings)
    run.directory.assign(f"src-{member}")
    run.cycle()
    run.directory.remove_member("grp-G", f"src-{member}")
    return sent(run, "PATCH")


def several():
    """Members with and without $ref in one body: the exchange's author put both spellings together."""
    one = group_run("vid", "mid")
    two = group_run("mid2", null_refs=False)
    first, second = sent(one, "PATCH"), sent(two, "PATCH")
    first.body["Operations"] += second.body["Operations"]
    return first


def without_manager():
    """A manager is taken away."""
    directory = company(person("boss"), person("x", manager="src-boss"))
    target = Scripted(UID, None)
    schema = rows(("userName", "userPrincipalName"), (f"{ENTERPRISE}:manager", "manager"))
    ids = iter(["${mid}", UID])
    answer = target.__call__

    def send(request):
        if request.method == "GET" and "filter=" in request.path:
            target.current = None
        if request.method == "POST":
            target.id = next(ids)
        if request.method == "GET" and request.path == f"/Users/{shapes.quote(UID, safe='')}":
            return Answer(200, {}, {"id": UID, "userName": "x@example.com"})
        return answer(request)

    send.requests = target.requests
    run = Run(directory, send, schema)
    run.cycle()
    run.directory.edit_user("src-x", manager=None)
    return sent(run, "PATCH")


def deletion(kind):
    """What a hard deletion sends."""
    if kind == "Group":
        run = group_run("uid")
        run.cycle()
        run.directory.delete_group("grp-G")
        return sent(run, "DELETE")
    run = job({}, Scripted(UID))
    run.cycle()
    run.directory.hard_delete_user("src-x")
    return sent(run, "DELETE")


def matched(path, source, value):
    """The query for a user by a matching attribute."""
    schema = rows((path, source))
    run = job({source: value}, Scripted(UID, {"id": UID}), schema)
    run.cycle()
    return next(each for each in run.target.requests if each.purpose.startswith("match user"))


def probes():
    """The requests of Test Connection, with a GUID that is called ${uuid}."""

    class Draw:
        def getrandbits(self, bits):
            return 0

    found = []
    plan = connection.test(mapping.load("non-gallery"), Draw(), "https://scim.example.com/v2")
    drive(plan, lambda r: found.append(r) or Answer(200, {}, EMPTY))
    guid = "00000000-0000-4000-8000-000000000000"
    return [each._replace(path=each.path.replace(guid, "%24%7Buuid%7D")) for each in found]


def fetched(kind, id_=None):
    """How an object is read whose id is known."""
    if kind == "Group":
        run = group_run("uid")
        run.cycle()
        run.directory.edit_group("grp-G", displayName="Other")
        run.cycle()
        return [each for each in run.target.requests if each.purpose == "read group"][-1]
    run = job({}, Scripted(id_))
    run.cycle()
    run.directory.edit_user("src-x", displayName="Other")
    run.cycle()
    return [each for each in run.target.requests if each.purpose == "read user"][-1]


def searched(kind):
    run = group_run("uid")
    run.cycle()
    return next(each for each in run.target.requests if each.purpose.startswith(f"match {kind}"))


def created_group():
    """The request that creates a group."""
    directory = company(groups={"x": []})
    directory.add_group({"id": "gext-${run}", "displayName": "Group ${run}"})
    directory.assign("gext-${run}")
    directory.delete_group("grp-x")
    return sent(Run(directory, Scripted(GID)), "POST")


def renamed():
    """The PATCH that renames a group."""
    current = {"id": GID, "displayName": "Group ${run}", "externalId": "grp-G"}
    run = group_run("uid", current=current)
    run.cycle()
    run.directory.edit_group("grp-G", displayName="Group ${run} upd")
    return sent(run, "PATCH")


def role_user():
    """The create of a user with one role; the sample announces the core schema alone, and has no e-mail."""
    user = {
        "userPrincipalName": "role_${run}@testuser.example",
        "displayName": "Role User",
        "mailNickname": "role-${run}",
        "mail": None,
    }
    directory = company(person("x", **user), assigned=[], appRoles=[{"id": "a", "value": "Admin", "displayName": "A"}])
    directory.assign("src-x", "a")
    role = f'roles[primary eq "True" and type eq "{ROLE}"].value'
    schema = rows(
        ("externalId", "mailNickname"),
        ("userName", "userPrincipalName"),
        ("active", ACTIVE),
        ("displayName", "displayName"),
        (role, "SingleAppRoleAssignment([appRoleAssignments])"),
    )
    return sent(Run(directory, Scripted("${rid}"), schema, user_schemas=shapes.USER_SCHEMAS[:1]), "POST")


ADA = {
    "userPrincipalName": "Test_User_${run}",
    "displayName": None,
    "mail": "Work_${run}@testuser.example",
    "mailNickname": "ext-${run}",
    "givenName": "Ada",
    "surname": "Lovel",
}
FIVE = {
    "displayName": "Disp One",
    WORK: "multi1_${run}@testuser.example",
    "name.givenName": "GivenOne",
    "name.familyName": "FamOne",
    "externalId": "ext1-${run}",
    f"{ENTERPRISE}:employeeNumber": "EN1",
}
TWO = {
    "displayName": "Disp Two",
    WORK: "multi2_${run}@testuser.example",
    "name.givenName": "GivenTwo",
    "name.familyName": "FamTwo",
    f"{ENTERPRISE}:employeeNumber": "EN2",
}
HELD = {
    "displayName": "D",
    "name": {"givenName": "G", "familyName": "F"},
    "emails": [{"type": "work", "value": "old@testuser.example"}],
    "externalId": "e",
    "nickName": "N",
    ENTERPRISE: {"employeeNumber": "E"},
}
MADE = {
    "Test Connection: filter on matching attribute with a random GUID -> 200 and an empty ListResponse": (
        lambda: probes()[0]
    ),
    "Test Connection (groups): random displayName, members excluded": lambda: probes()[1],
    "Schema discovery: GET /Schemas is a ListResponse with User and Group": lambda: next(connection.discover()),
    "Schema discovery: GET /Schemas: userName is camelCased, required, uniqueness server": (
        lambda: next(connection.discover())
    ),
    "Create User": lambda: made(ADA),
    "Get User": lambda: fetched("User", UID),
    "Get User: not found -> 404 with the Error schema": lambda: fetched("User", "no-such-${run}"),
    "Get User by query (userName eq)": lambda: matched("userName", "userPrincipalName", "Test_User_${run}"),
    "Get User by query: zero results": lambda: matched("userName", "userPrincipalName", "non-existent user ${run}"),
    "Get User by externalId": lambda: matched("externalId", "mailNickname", "ext-${run}"),
    'Get User by emails[type eq "work"].value': lambda: matched(WORK, "mail", "Work_${run}@testuser.example"),
    "Update User [multi-valued]: Replace work e-mail and family name": lambda: patched(
        HELD, {WORK: "upd_${run}@testuser.example", "name.familyName": "Byron"}
    ),
    "Update User [single-valued]: Replace userName": lambda: sent(
        job(
            {"userPrincipalName": "renamed_${run}@testuser.example"},
            Scripted(UID, {"id": UID, "externalId": "x", "userName": "x@example.com"}),
            rows(("externalId", "mailNickname"), ("userName", "userPrincipalName")),
        ),
        "PATCH",
    ),
    "Disable User: Replace active false (boolean, capitalised op, schemas after Operations)": lambda: activity(
        active=False, booleans="json", schemas_last=True
    ),
    "Restore User: Replace active true": lambda: activity(active=True, booleans="json"),
    'Disable User without flag aadOptscim062020: string "False"': lambda: activity(active=False),
    'Restore User without flag: string "True"': lambda: activity(active=True),
    "Disable User with flag aadOptscim062020": lambda: activity(active=False, target=f"{BASE}/?aadOptscim062020"),
    "Re-enable (flag)": lambda: activity(active=True, target=f"{BASE}?aadOptscim062020"),
    "Add single-value string without flag (op Add)": lambda: patched({}, {"nickName": "Addie"}),
    "Add single-value string with flag (op add)": lambda: patched({}, {"nickName": "Ada2"}, compliant=True),
    "Replace multiple attributes without flag (one op each)": lambda: patched(HELD, FIVE),
    "Replace multiple attributes with flag (path op + path-less object with dotted and URN keys)": lambda: patched(
        HELD, TWO, compliant=True
    ),
    "Remove manager (op Remove)": without_manager,
    "AppRoleAssignmentsComplex PATCH: Add roles whose value is a JSON string": lambda: roles(
        "AppRoleAssignmentsComplex"
    ),
    "AssertiveAppRoleAssignmentsComplex PATCH: replace roles": lambda: roles("AssertiveAppRoleAssignmentsComplex"),
    "Create user with a primary role (SingleAppRoleAssignment sample)": role_user,
    "Create Group (documented body with the ADSCIM schema URN)": created_group,
    "Get Group with excludedAttributes=members": lambda: fetched("Group"),
    "Get Group by displayName with excludedAttributes=members": lambda: searched("group"),
    "Update Group [non-member]: Replace displayName": renamed,
    "Update Group [Add Members] with $ref null": lambda: sent(group_run("uid"), "PATCH"),
    "Several members in one PATCH (onboarding checklist)": several,
    "Update Group [Remove Members] without flag: path members + value array": lambda: removal("uid"),
    'Remove member with flag: members[value eq "id"]': lambda: removal("vid", compliant=True),
    "Delete Group": lambda: deletion("Group"),
    "Delete User (hard delete)": lambda: deletion("User"),
}
