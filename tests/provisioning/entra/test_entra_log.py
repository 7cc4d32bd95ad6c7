"""What an administrator sees: the provisioning log, the status of the job, and provisioning on demand."""

import orjson
from entra_drive import BASE, START, Run, Target, answers, codes, company, person

from mockscim.clock import format_instant
from mockscim.provisioning.scoping import Scope

FLAGGED = f"{BASE}?aadOptscim062020"

# --- the log ---


def test_an_entry_has_every_field_of_a_provisioning_object_summary():
    """Field by field, and its names those of Graph's."""
    run = Run(company("ann"), name="Segment")
    (entry,) = run.cycle().entries
    job = run.job.status()
    assert list(entry) == [
        "id", "activityDateTime", "tenantId", "jobId", "cycleId", "changeId", "provisioningAction",
        "durationInMilliseconds", "initiatedBy", "servicePrincipal", "sourceSystem", "targetSystem", "sourceIdentity",
        "targetIdentity", "provisioningStatusInfo", "provisioningSteps", "modifiedProperties",
    ]  # fmt: skip
    assert entry["jobId"] == job["id"]
    assert entry["activityDateTime"] == format_instant(START)
    assert entry["durationInMilliseconds"] == 20
    assert entry["initiatedBy"] == {
        "id": "",
        "displayName": "Azure AD Provisioning Service",
        "initiatorType": "system",
    }
    assert entry["servicePrincipal"]["displayName"] == "Segment"
    assert entry["sourceIdentity"]["details"]["UserPrincipalName"] == "ann@example.com"
    assert entry["targetIdentity"]["id"] == run.link("ann").id
    assert entry["provisioningStatusInfo"] == {"status": "success", "errorInformation": None}


def test_the_steps_of_a_create_have_their_documented_names():
    """Import, scoping, matching, processing, export."""
    steps = Run(company("ann")).cycle().entries[0]["provisioningSteps"]
    assert [(each["name"], each["provisioningStepType"]) for each in steps] == [
        ("EntryImportAdd", "import"),
        ("EntrySynchronizationScoping", "scoping"),
        ("EntryImport", "matching"),
        ("EntrySynchronizationAdd", "processing"),
        ("EntryExportAdd", "export"),
    ]
    scoping = steps[1]["details"]
    assert scoping["IsEffectivelyEntitledForProvisioning"] == "True"
    assert scoping["ScopeEvaluationResult"] == "{}"


def test_modified_properties_tell_what_was_and_what_is():
    """Of a create there is no old value; of an update the target's."""
    run = Run(company("ann"))
    made = {each["displayName"]: each for each in run.cycle().entries[0]["modifiedProperties"]}
    assert made["userName"] == {"displayName": "userName", "oldValue": None, "newValue": "ann@example.com"}
    assert made["active"]["newValue"] == "True"
    run.directory.edit_user("src-ann", displayName="Ann A.")
    assert run.cycle().entries[0]["modifiedProperties"] == [
        {"displayName": "displayName", "oldValue": "Ann", "newValue": "Ann A."}
    ]


def test_who_is_gone_from_the_target_is_named_by_the_id_that_was():
    """The entry of a DELETE has the target id, and the name that the person had."""
    run = Run(company("ann"))
    run.cycle()
    id_ = run.link("ann").id
    run.directory.hard_delete_user("src-ann")
    (entry,) = run.cycle().entries
    assert entry["provisioningAction"] == "delete"
    assert (entry["targetIdentity"]["id"], entry["sourceIdentity"]["displayName"]) == (id_, "Ann")


def test_what_an_expression_redacts_is_not_in_the_log():
    """Redact: the value is sent, and not shown."""
    from mockscim.provisioning import mapping

    schema = mapping.dump(mapping.load("non-gallery"))
    schema["users"]["attributeMappings"].append(
        {"targetAttributeName": "nickName", "type": "Expression", "source": "Redact([mailNickname])"}
    )
    run = Run(company("ann"), None, mapping.load(schema))
    log = orjson.dumps(run.cycle().entries[0]["modifiedProperties"]).decode()
    assert "[Redacted]" in log
    assert run.target.users["ann@example.com"]["nickName"] == "ann"


def test_nothing_to_change_is_a_skip_and_says_redundant_export():
    """The step has the SkipReason, the entry the code."""
    run = Run(company("ann"))
    run.cycle()
    run.job.restart(run.now)
    (entry,) = run.cycle().entries
    assert entry["provisioningStatusInfo"]["status"] == "skipped"
    assert entry["provisioningSteps"][-1]["details"] == {"SkipReason": "RedundantExport"}


def test_memberships_are_an_entry_of_their_own_with_reference_resolution():
    """The members are source ids, as the portal shows the objects of the source."""
    run = Run(company("ann", groups={"Eng": ["ann"]}))
    entry = run.cycle().entries[-1]
    assert (entry["sourceIdentity"]["displayName"], entry["provisioningAction"]) == ("Eng", "update")
    assert "referenceResolution" in [each["provisioningStepType"] for each in entry["provisioningSteps"]]
    assert entry["modifiedProperties"] == [{"displayName": "members", "oldValue": None, "newValue": "src-ann"}]


def test_a_failure_counts_its_retries():
    """The text says how often, and when next."""
    run = Run(company("ann"))
    run.target.say = [answers(500, method="POST")]
    run.until(START + 13 * 3600)
    reasons = [e["provisioningStatusInfo"]["errorInformation"]["reason"] for c in run.cycles for e in c.entries]
    assert [f"retried {n} times" in reason for n, reason in enumerate(reasons)] == [True] * 3


def test_entries_have_ids_of_their_own_and_share_the_cycles():
    """Id differs, cycleId does not, changeId is one an object."""
    run = Run(company("ann", "bo", groups={"Eng": ["ann", "bo"]}))
    entries = run.cycle().entries
    assert len({each["id"] for each in entries}) == len(entries) == 4
    assert len({each["cycleId"] for each in entries}) == 1
    assert len({each["changeId"] for each in entries}) == 3


def test_the_log_is_json():
    """Nothing in it that could not be written as NDJSON."""
    run = Run(company("ann", groups={"Eng": ["ann"]}))
    run.target.say = [answers(500, "<html>", method="PATCH")]
    cycle = run.cycle()
    assert orjson.loads(orjson.dumps(cycle.entries)) == cycle.entries


# --- the status ---


def test_the_status_has_every_field_of_a_synchronization_job():
    """Names and values are Graph's."""
    run = Run(company("ann"), deletion_threshold=500)
    before = run.job.status()["status"]
    assert (before["code"], before["lastExecution"]) == ("Active", None)
    run.cycle()
    job = run.job.status()
    assert list(job) == ["id", "templateId", "schedule", "status", "synchronizationJobSettings"]
    assert job["schedule"] == {"expiration": None, "interval": "PT40M", "state": "Active"}
    assert job["synchronizationJobSettings"] == [{"name": "QuarantineTooManyDeletesThreshold", "value": "500"}]
    assert list(job["status"]) == [
        "code", "countSuccessiveCompleteFailures", "escrowsPruned", "lastExecution", "lastSuccessfulExecution",
        "lastSuccessfulExecutionWithExports", "progress", "quarantine", "steadyStateFirstAchievedTime",
        "steadyStateLastAchievedTime", "synchronizedEntryCountByType", "troubleshootingUrl",
    ]  # fmt: skip


def test_a_new_job_is_disabled_and_has_not_run():
    """Until it is started; its id begins with the template's, and has the tenant without dashes."""
    from mockscim.provisioning.entra import Job, Settings

    job = Job(Settings(tenant_id="5b22a1f0-1111-4222-8333-444455556666"))
    status = job.status()
    assert (status["status"]["code"], status["schedule"]["state"]) == ("NotRun", "Disabled")
    assert status["id"].startswith("scim.5b22a1f0111142228333444455556666.")
    assert Job(Settings(app="segment")).settings.job_id.startswith("segment.")
    assert (job.next_cycle(), job.why_not()) == (None, "provisioning has not been started")


def test_an_execution_counts():
    """Entitled, exported, escrowed, imported: of the initial cycle and of an incremental one."""
    run = Run(company("ann", "bo", person("cy", accountEnabled=False), groups={"Eng": ["ann", "bo", "cy"]}))
    run.target.say = [answers(500, method="POST", start="/Users", times=1)]
    run.cycle()
    found = run.job.status()["status"]["lastExecution"]
    assert (found["state"], found["countImported"], found["countImportedDeltas"]) == ("EntryLevelErrors", 4, 0)
    assert (found["countEntitled"], found["countEntitledForProvisioning"]) == (4, 3)
    assert (found["countEscrowed"], found["countExported"], found["countExports"]) == (2, 3, 4)
    run.directory.edit_user("src-bo", jobTitle="Lead")
    run.cycle()
    found = run.job.status()["status"]["lastExecution"]
    assert (found["state"], found["countImported"], found["countImportedDeltas"]) == ("Succeeded", 1, 1)


def test_executions_without_exports_leave_the_last_one_with_them():
    """LastSuccessfulExecutionWithExports stays, lastExecution goes on."""
    run = Run(company("ann"))
    run.cycle()
    run.cycle()
    status = run.job.status()["status"]
    assert status["lastSuccessfulExecutionWithExports"]["timeBegan"] == format_instant(START)
    assert status["lastExecution"]["timeBegan"] == format_instant(START + 2400)
    assert status["steadyStateFirstAchievedTime"] < status["steadyStateLastAchievedTime"]


def test_progress_counts_pages_and_totals_never_fall():
    """Pages rather than objects; the totals fall with the store alone."""
    names = [f"u{n}" for n in range(12)]
    run = Run(company(*names), page_size=5)
    run.cycle()
    (progress,) = run.job.status()["status"]["progress"]
    assert (progress["units"], progress["completedUnits"], progress["totalUnits"]) == ("users pages", 3, 3)
    run.directory.hard_delete_user("src-u0")
    run.cycle()
    assert run.job.status()["status"]["synchronizedEntryCountByType"][0] == {"key": "User", "value": 12}
    run.job.restart(run.now, "Full")
    assert run.job.status()["status"]["synchronizedEntryCountByType"] == []


# --- on demand ---


def test_one_user_is_provisioned_on_demand():
    """Import, scope, match, act; neither schedule nor watermark has a part in it."""
    run = Run(company("ann", "bo"))
    found = run.on_demand("ann@example.com")
    assert (found.ok, found.exit_status, found.key["result"]) == (True, 0, "Success")
    assert list(dict.fromkeys(step["name"] for step in found.steps)) == [
        "Import user",
        "Determine if user is in scope",
        "Match user between source and target system",
        "Perform action",
    ]
    assert list(run.target.users) == ["ann@example.com"]
    assert run.job.state.watermark is None
    assert orjson.loads(found.value) == found.entries


def test_the_connection_is_shown_on_demand_only_where_it_failed():
    """It is tested first; bad credentials are told in words."""
    run = Run(company("ann"))
    run.target.say = [answers(401)]
    found = run.on_demand("src-ann")
    assert [step["name"] for step in found.steps] == ["Test connection"]
    assert (found.ok, found.exit_status) == (False, 1)
    assert found.key["details"]["errorCode"] == "Unauthorized"
    assert run.code == "Active"


def test_on_demand_does_not_look_at_the_flag():
    """The shapes are the legacy ones."""
    run = Run(company("ann"), target=FLAGGED)
    run.on_demand("src-ann")
    run.directory.edit_user("src-ann", displayName="Other")
    run.target.forget()
    run.on_demand("src-ann")
    assert run.target.sent("PATCH")[0].body["Operations"][0]["op"] == "Replace"
    assert run.job.settings.flagged


def test_who_is_disabled_or_deleted_is_not_provisioned_on_demand():
    """That waits for a cycle; nothing is sent."""
    run = Run(company(person("ann", accountEnabled=False), "bo"))
    run.directory.soft_delete_user("src-bo")
    for name in ("src-ann", "src-bo"):
        found = run.on_demand(name)
        assert (found.ok, found.exit_status) == (False, 2)
        assert "disabled or deleted" in found.key["details"]["errorMessage"]
    assert run.target.requests == []


def test_who_is_not_in_scope_is_skipped_on_demand():
    """The answer says why; that is no failure."""
    run = Run(company("ann", "bo", assigned=["src-bo"]))
    found = run.on_demand("src-ann")
    assert (found.key["result"], found.key["details"]["errorCode"]) == ("Skipped", "NotAssigned")
    assert "ann@example.com" not in run.target.users


def test_a_group_of_five_is_provisioned_on_demand():
    """With its members, as far as they are in the target."""
    run = Run(company("ann", "bo", groups={"Eng": ["ann", "bo"]}))
    run.on_demand("src-ann")
    run.on_demand("src-bo")
    run.on_demand("Eng")
    assert run.target.groups == {"Eng": ["ann@example.com", "bo@example.com"]}


def test_of_a_larger_group_five_members_are_named():
    """Six are too many; five of them, by name, are not."""
    names = [f"u{n}" for n in range(6)]
    run = Run(company(*names, groups={"Eng": names}))
    for name in names[:3]:
        run.on_demand(f"src-{name}")
    run.now += 60
    assert "at most 5" in run.on_demand("Eng").key["details"]["errorMessage"]
    assert "no member" in run.on_demand("Eng", members=["nobody"]).key["details"]["errorMessage"]
    run.on_demand("Eng", members=["u0@example.com", "src-u1"])
    assert run.target.groups == {"Eng": ["u0@example.com", "u1@example.com"]}
    assert len(run.on_demand("Eng", members=[f"src-{n}" for n in names]).steps) == 0


def test_nobody_of_that_name_is_told():
    """A user or group that the source does not have."""
    found = Run(company("ann")).on_demand("zoe@example.com")
    assert (found.exit_status, found.steps) == (2, [])


def test_more_than_five_requests_in_ten_seconds_are_refused():
    """Graph's limit; ten seconds later there is room again."""
    run = Run(company("ann"))
    found = [run.on_demand("src-ann").exit_status for _ in range(6)]
    run.now += 10
    assert [*found, run.on_demand("src-ann").exit_status] == [0, 0, 0, 0, 0, 2, 0]


def test_a_failure_on_demand_has_its_code_and_does_not_wait_in_escrow():
    """The administrator sees it; the job does not."""
    run = Run(company("ann"))
    run.target.say = [answers(409, {"detail": "taken"}, method="POST")]
    found = run.on_demand("src-ann")
    assert (found.key["result"], found.key["details"]["errorCode"], found.exit_status) == ("Failure", "Conflict", 1)
    assert run.job.state.escrows == {}


def test_a_success_on_demand_ends_the_wait_in_escrow():
    """What failed in a cycle and was put right by hand is not tried again."""
    run = Run(company("ann"))
    run.target.say = [answers(500, method="POST")]
    run.cycle()
    run.target.say = []
    run.on_demand("src-ann")
    assert run.job.state.escrows == {}


def test_a_time_out_on_demand_has_an_exit_status_of_its_own():
    """3, as of the test of the connection."""
    run = Run(company("ann"))
    run.target.say = [answers(None, method="POST", error="timeout")]
    assert run.on_demand("src-ann").exit_status == 3


def test_a_cycle_after_it_knows_who_was_provisioned_on_demand():
    """The id is cached: no second query, nothing created twice."""
    run = Run(company("ann", "bo"))
    run.on_demand("src-ann")
    assert [each[1:3] for each in codes(run.again())] == [("update", "skipped"), ("create", "success")]


# --- a bundled source ---


def test_the_small_directory_goes_into_segment():
    """Six people and three groups of the fixture, with the published mapping and the flag."""
    from mockscim.provisioning.directory import load

    run = Run(load("directory-small"), Target("segment"), app="segment", target=FLAGGED, scope=Scope())
    run.cycle()
    assert run.job.state.escrows == {}
    assert set(run.target.groups) == {"Engineering", "Sales"}
    assert run.target.groups["Engineering"] == ["ann@example.com", "bjorn@example.com", "chidi@example.com"]
