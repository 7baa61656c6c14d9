"""Every call passes the gatekeeper: rules, approvals of exact arguments, taint, and the audit log before the call."""

from __future__ import annotations

from typing import Any

import pytest

from omni_pipelines.errors import ConfigurationError, ToolNotFoundError
from omni_pipelines.permissions.approvals import MAX_WAITING, ApprovalAnswer, ApprovalRequest, ApprovalScope
from omni_pipelines.permissions.approvers import NobodyThere, YesTo
from omni_pipelines.permissions.gatekeeper import Gatekeeper
from omni_pipelines.permissions.grants import Grant
from omni_pipelines.permissions.policies import Effect, ToolPolicy
from omni_pipelines.tools.signature import tool
from tests.unit.permissions.conftest import World, says

ONCE, SESSION, PROJECT = ApprovalScope
NOTE = {"path": "a.md", "text": "hello"}


def test_call_without_a_grant_is_blocked_and_says_how_to_approve_it(world: World) -> None:
    response = world.gatekeeper().call("files.write", NOTE)
    [waiting] = world.files.approvals.waiting()
    assert (response.is_blocked, response.error_code) == (True, "3004")
    assert response.metadata["cure"].endswith(f"omni permissions approve {waiting.id}")
    assert world.calls == []


def test_granted_call_runs(world: World) -> None:
    world.grant("files:*")
    assert world.gatekeeper().call("files.write", NOTE).unwrap() == "written"
    assert world.calls == [("files.write", NOTE)]


def test_denying_rule_beats_allowing_ones_in_any_order(world: World) -> None:
    world.grant("files:write", decision="deny")
    world.grant("**")
    response = world.gatekeeper(says(PROJECT)).call("files.write", NOTE)
    assert (response.is_blocked, response.error_code, world.calls) == (True, "2006", [])


@pytest.mark.parametrize(
    ("path", "runs"),
    [("docs/a.md", True), ("docs", True), ("docs/../b.md", False), ("docs2/a.md", False), ("Docs/a.md", False)],
)
def test_grant_for_a_path_covers_what_is_below_it(world: World, path: str, runs: bool) -> None:
    world.grant("files:write", path="docs")
    assert world.gatekeeper().call("files.write", {"path": path}).is_success is runs


@pytest.mark.parametrize("path", ["private/a.md", "Private/a.md", "PRIVATE", "ｐrivate/a.md", "./private//a.md"])
def test_denied_path_is_denied_in_every_spelling_that_a_file_system_may_accept(world: World, path: str) -> None:
    world.grant("files:write")
    world.grant("files:write", decision="deny", path="private")
    assert world.gatekeeper().call("files.write", {"path": path}).error_code == "2006"


def test_grant_for_a_host_covers_only_that_host(world: World) -> None:
    world.grant("net:send", host="example.org")
    codes = [
        world.gatekeeper().call("web.send", {"url": url}).error_code
        for url in (
            "https://example.org/a",
            "https://example.org.evil.net/",
            "http://example.org/",
            "https://a@example.org",
        )
    ]
    assert codes == [None, "3004", "2004", "2004"]


def test_grant_for_a_path_covers_no_tool_whose_paths_are_unknown(world: World) -> None:
    world.grant("skill:*", path="docs")
    assert world.gatekeeper().call("skill.helper", {"path": "docs/a.md"}).error_code == "3004"


def test_rule_of_another_project_or_of_yesterday_does_not_count(world: World) -> None:
    world.grant("files:write", project="/somewhere/else")
    world.grant("files:write", until="2020-01-01T00:00:00Z")
    assert world.gatekeeper().call("files.write", NOTE).error_code == "3004"


def test_tool_that_says_it_is_read_only_is_believed_nothing(world: World) -> None:
    world.grant("**")
    gatekeeper = world.gatekeeper(is_tainted=True)
    assert [
        gatekeeper.call(name, NOTE if "write" in name else {}).error_code for name in ("files.write", "skill.helper")
    ] == [
        "3004",
        "3004",
    ]


def test_after_untrusted_text_a_granted_write_needs_an_approval(world: World) -> None:
    world.grant("**")
    gatekeeper = world.gatekeeper()
    assert gatekeeper.call("files.write", NOTE).is_success
    assert gatekeeper.call("docs.read", {"path": "x"}).is_success
    assert gatekeeper.is_tainted
    assert gatekeeper.call("files.write", NOTE).error_code == "3004"
    assert gatekeeper.call("docs.read", {"path": "y"}).is_success


def test_approval_once_counts_for_one_call_with_exactly_these_arguments(world: World) -> None:
    person = says(ONCE)
    gatekeeper = world.gatekeeper(person, is_tainted=True)
    assert gatekeeper.call("files.write", NOTE).is_success
    assert gatekeeper.call("files.write", NOTE).is_success
    assert [request.arguments for request in person.asked] == [NOTE, NOTE]


@pytest.mark.parametrize(
    ("scope", "asked_in_session", "asked_in_another"), [(ONCE, 2, 3), (SESSION, 1, 2), (PROJECT, 1, 1)]
)
def test_approval_lasts_as_long_as_its_scope(
    world: World, scope: ApprovalScope, asked_in_session: int, asked_in_another: int
) -> None:
    person = says(scope)
    for _ in range(2):
        world.gatekeeper(person).call("files.write", NOTE)
    assert len(person.asked) == asked_in_session
    world.gatekeeper(person, session="s2").call("files.write", NOTE)
    assert len(person.asked) == asked_in_another


@pytest.mark.parametrize(
    "other",
    [{**NOTE, "text": "hello "}, {**NOTE, "path": "b.md"}, {"path": "a.md"}, {**NOTE, "text": "hеllo"}],
    ids=["longer", "path", "left out", "look-alike"],
)
def test_approval_does_not_count_for_other_arguments(world: World, other: dict[str, str]) -> None:
    world.gatekeeper(says(PROJECT)).call("files.write", NOTE)
    assert world.gatekeeper().call("files.write", other).error_code == "3004"


def test_approval_counts_for_equal_arguments_in_another_order(world: World) -> None:
    world.gatekeeper(says(PROJECT)).call("files.write", NOTE)
    assert world.gatekeeper().call("files.write", dict(reversed(NOTE.items()))).is_success


def test_revoked_approval_does_not_count(world: World) -> None:
    world.gatekeeper(says(PROJECT)).call("files.write", NOTE)
    [approval] = world.files.approvals.approved()
    world.files.approvals.revoke(approval.id)
    assert world.gatekeeper().call("files.write", NOTE).error_code == "3004"


def test_waiting_call_that_is_approved_runs_once_in_its_session(world: World) -> None:
    world.gatekeeper().call("files.write", NOTE)
    [waiting] = world.files.approvals.waiting()
    world.files.approvals.approve_waiting(waiting.id, ONCE)
    assert world.gatekeeper(session="s2").call("files.write", NOTE).is_blocked
    assert world.gatekeeper().call("files.write", NOTE).is_success
    assert world.gatekeeper().call("files.write", NOTE).is_blocked


def test_call_that_was_approved_in_the_review_of_a_plan_is_not_asked_again(world: World) -> None:
    person = says(None)
    gatekeeper = world.gatekeeper(person)
    gatekeeper.approve("files.write", NOTE, ONCE)
    gatekeeper.taint()
    assert gatekeeper.call("files.write", NOTE).is_success
    assert person.asked == []


def test_refusal_of_a_person_is_told_with_its_reason(world: World) -> None:
    class Person:
        def ask(self, request: ApprovalRequest) -> ApprovalAnswer:
            return ApprovalAnswer(reason="not this file")

    response = world.gatekeeper(Person()).call("files.write", NOTE)
    assert response.error_code == "2006"
    assert "not this file" in str(response.error_message)


def test_arguments_that_change_while_the_person_thinks_are_not_what_runs(world: World) -> None:
    arguments = dict(NOTE)

    class Person:
        def ask(self, request: ApprovalRequest) -> ApprovalAnswer:
            arguments["path"] = "other.md"
            request.arguments["path"] = "other.md"
            return ApprovalAnswer(ONCE)

    world.gatekeeper(Person()).call("files.write", arguments)
    assert world.calls == [("files.write", NOTE)]


def test_call_whose_effect_changed_while_the_person_thought_is_refused(world: World) -> None:
    class Person:
        def ask(self, request: ApprovalRequest) -> ApprovalAnswer:
            world.state["preview"] = "another difference"
            return ApprovalAnswer(ONCE)

    response = world.gatekeeper(Person()).call("files.write", NOTE)
    assert (response.error_code, world.calls) == ("2004", [])


def test_tool_whose_definition_changed_needs_a_new_approval(world: World) -> None:
    world.gatekeeper(says(PROJECT)).call("skill.helper", {})
    catalog = world.catalog()
    definition = catalog.get_tool_schema("skill.helper").model_copy(update={"description": "Another helper."})
    catalog._tools["skill.helper"].definition = definition
    assert Gatekeeper(catalog, world.policies(), world.files, "s1").call("skill.helper", {}).is_blocked


def test_policy_for_a_tool_that_does_not_exist_is_refused(world: World) -> None:
    with pytest.raises(ToolNotFoundError):
        Gatekeeper(world.catalog(), {"git.log": ToolPolicy("git:log", Effect.READ)}, world.files, "s1")


def test_tool_that_was_added_later_is_treated_as_one_that_runs_programs(world: World) -> None:
    gatekeeper = world.gatekeeper()

    @tool("knowledge.evil", read_only=True)
    def evil() -> str:
        """Has the name of a harmless category."""
        return "ran"

    gatekeeper.catalog.add(evil)
    assert gatekeeper.call("knowledge.evil", {}).error_code == "3004"
    world.grant("knowledge:evil")
    assert gatekeeper.call("knowledge.evil", {}).is_success
    gatekeeper.taint()
    assert gatekeeper.call("knowledge.evil", {}).error_code == "3004"


@pytest.mark.parametrize(
    ("tool_name", "arguments", "code"),
    [
        ("files.wrte", {}, "3001"),
        ("files.write", {}, "1002"),
        ("files.write", {"path": 3}, "1003"),
        ("files.write", {"path": object()}, "1001"),
        ("files.write", {"path": "a", "text": "\ud800"}, "1001"),
        ("\ud800", {}, "3001"),
        ("files.write", {"path": "/etc/passwd"}, "2004"),
    ],
)
def test_call_that_is_wrong_is_refused_and_written_down(
    world: World, tool_name: str, arguments: dict[str, Any], code: str
) -> None:
    world.grant("**")
    assert world.gatekeeper().call(tool_name, arguments).error_code == code
    assert world.calls == []
    [line] = world.files.audit.lines()
    assert (line.entry.is_allowed, line.entry.error_code) == (False, code)


def test_decision_is_written_before_the_call_and_its_outcome_after(world: World) -> None:
    world.grant("files:write")
    world.gatekeeper().call("files.write", NOTE)
    decision, outcome = [line.entry for line in world.files.audit.lines()]
    assert (decision.event, decision.tool, decision.is_allowed, decision.status) == (
        "decision",
        "files.write",
        True,
        "",
    )
    assert (outcome.event, outcome.status, outcome.call) == ("outcome", "success", decision.call)


def test_secret_in_an_argument_is_masked_in_the_log(world: World) -> None:
    secret = "ghp_" + "a8Kd93jX0qPz7LmN4vRt6WyB1cEf2GhJ5sUo"
    world.grant("files:write")
    world.gatekeeper().call("files.write", {"path": "a.md", "text": secret})
    assert secret not in world.files.audit.file.read_text()


def test_call_does_not_run_if_its_decision_cannot_be_written(world: World) -> None:
    world.grant("**")
    world.files.audit.file.mkdir()
    response = world.gatekeeper().call("files.write", NOTE)
    assert (response.error_code, world.calls) == ("4002", [])


def test_refusal_that_cannot_be_written_down_is_a_refusal(world: World) -> None:
    world.files.audit.file.mkdir()
    response = world.gatekeeper().call("files.write", NOTE)
    assert (response.error_code, "cannot be written" in response.metadata["audit"]) == ("3004", True)


def test_call_does_not_run_after_the_log_was_changed(world: World) -> None:
    world.grant("**")
    world.gatekeeper().call("files.write", NOTE)
    log = world.files.audit.file
    log.write_bytes(log.read_bytes().replace(b"a.md", b"b.md"))
    response = world.gatekeeper().call("files.write", NOTE)
    assert (response.error_code, len(world.calls)) == ("4004", 1)


@pytest.mark.parametrize("content", [b"{", b'{"grants": [{"capabilities": "git:lo*"}]}', b'{"allow": "everything"}'])
def test_damaged_grants_stop_every_call(world: World, content: bytes) -> None:
    world.files.grants.file.parent.mkdir(parents=True, exist_ok=True)
    world.files.grants.file.write_bytes(content)
    world.files.grants.file.chmod(0o600)
    assert world.gatekeeper().call("docs.read", {"path": "a"}).is_error
    assert world.calls == []


def test_grants_that_others_can_write_grant_nothing(world: World) -> None:
    world.grant("**")
    world.files.grants.file.chmod(0o666)
    with pytest.raises(ConfigurationError, match="others can write"):
        world.files.grants.read()
    assert world.gatekeeper().call("files.write", NOTE).is_error


def test_approvals_that_others_can_write_approve_nothing(world: World) -> None:
    world.gatekeeper().approve("files.write", NOTE, PROJECT)
    world.files.approvals.file.chmod(0o620)
    assert world.gatekeeper().call("files.write", NOTE).is_error
    assert world.calls == []


def test_what_is_allowed_without_a_grant_never_writes(world: World) -> None:
    policies = {**world.policies(), "files.write": ToolPolicy("knowledge:rollback", Effect.WRITE)}
    denied = Gatekeeper(world.catalog(), policies, world.files, "s1")
    assert denied.call("files.write", NOTE).error_code == "3004"
    granted = [Grant(capabilities="knowledge:rollback")]
    assert (
        Gatekeeper(world.catalog(), policies, world.files, "s1", granted=granted).call("files.write", NOTE).is_success
    )


@pytest.mark.parametrize(
    ("pattern", "call", "is_tainted", "runs"),
    [
        ("files:write", "files.write", False, True),
        ("files:*", "files.write", False, True),
        ("git:*", "files.write", False, False),
        ("files:write", "files.write", True, False),
        ("**", "files.write", True, False),
        ("docs:read", "docs.read", True, True),
    ],
)
def test_yes_beforehand_counts_after_reading_only_for_reading(
    world: World, pattern: str, call: str, is_tainted: bool, runs: bool
) -> None:
    gatekeeper = world.gatekeeper(YesTo([pattern], NobodyThere()), is_tainted=is_tainted)
    assert gatekeeper.call(call, {"path": "a.md"}).is_success is runs


def test_old_calls_that_wait_are_forgotten(world: World) -> None:
    for number in range(MAX_WAITING + 3):
        world.gatekeeper().call("files.write", {"path": f"{number}.md"})
    assert len(world.files.approvals.waiting()) == MAX_WAITING


def test_grant_is_removed_by_its_id(world: World) -> None:
    grant = world.grant("files:write")
    world.grant("git:*")
    assert world.files.grants.remove(grant.id) == grant
    assert [each.capabilities for each in world.files.grants.read()] == ["git:*"]
    with pytest.raises(ConfigurationError, match="there is no grant"):
        world.files.grants.remove(grant.id)
