"""Provisioning on demand: members of a group who stay behind, and what counts."""

from entra_drive import Run, company, person

from mockscim.provisioning.mapping import load

SALES = {"clauses": [{"attribute": "department", "operator": "EQUALS", "value": "Sales"}]}


def filtered(**departments):
    """A group Eng of people of a department each, who are let through when it is Sales."""
    document = {
        "users": {
            "attributeMappings": [
                {"targetAttributeName": "userName", "source": "userPrincipalName", "matchingPriority": 1}
            ],
            "scope": [SALES],
        },
        "groups": {
            "attributeMappings": [
                {"targetAttributeName": "displayName", "source": "displayName", "matchingPriority": 1},
                {"targetAttributeName": "members", "source": "members"},
            ]
        },
    }
    people = [person(name, department=department) for name, department in departments.items()]
    return Run(company(*people, groups={"Eng": list(departments)}), schema=load(document))


def test_a_member_who_is_out_of_scope_is_named_with_the_reason():
    """In the steps, the answer and the log; that is no failure, and nothing is exported for the member."""
    run = filtered(ann="Sales", bo="Engineering")
    run.on_demand("src-ann")
    found = run.on_demand("Eng", members=["bo@example.com"])
    assert (found.ok, found.exit_status) == (True, 0)
    words = "The member Bo (bo@example.com) is passed over: not let through by a scoping filter."
    assert [step["description"] for step in found.steps if step["status"] == "skipped"] == [words]
    assert found.key["result"] == "Skipped"
    assert found.key["details"] == {"errorCode": "ScopingFilter", "errorMessage": words}
    assert found.entries[-1]["provisioningStatusInfo"]["errorInformation"]["errorCode"] == "ScopingFilter"
    assert run.target.groups == {"Eng": []}
    assert repr(found) == f"<OnDemand: Skipped (ScopingFilter): {words}>"


def test_those_who_are_in_scope_go_along():
    """Of two, one is added and the other named; then the whole is a success."""
    run = filtered(ann="Sales", bo="Engineering")
    run.on_demand("src-ann")
    found = run.on_demand("Eng")
    assert (found.key["result"], run.target.groups) == ("Success", {"Eng": ["ann@example.com"]})
    assert [step["details"].get("SkipReason") for step in found.steps if step["status"] == "skipped"] == [
        "ScopingFilter"
    ]


def test_who_has_come_into_scope_is_no_longer_passed_over():
    """On demand somebody who was out of scope once is looked at again."""
    run = filtered(ann="Sales", bo="Engineering")
    run.on_demand("Eng", members=["src-bo"])
    run.directory.edit_user("src-bo", department="Sales")
    run.on_demand("src-bo")
    assert run.on_demand("Eng", members=["src-bo"]).key["result"] == "Success"
    assert run.target.groups == {"Eng": ["bo@example.com"]}


def test_what_is_provisioned_on_demand_counts():
    """The status says so before there was any cycle."""
    run = filtered(ann="Sales")
    run.on_demand("src-ann")
    assert {"key": "User", "value": 1} in run.job.status()["status"]["synchronizedEntryCountByType"]


def test_a_member_who_is_not_in_the_target_yet_is_a_failure_by_name():
    """In scope, but nobody has provisioned the member: a group does not bring its people along."""
    run = filtered(ann="Sales")
    found = run.on_demand("Eng", members=["src-ann"])
    assert (found.ok, found.exit_status) == (False, 1)
    assert "not in the target yet: Ann." in found.key["details"]["errorMessage"]
