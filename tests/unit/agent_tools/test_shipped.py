"""The catalog that ships: every tool has a policy, a line of help, and together they are small."""

from __future__ import annotations

import orjson
import pytest

from omni_pipelines.agent_tools.shipped import ShippedTools, shipped_tools
from omni_pipelines.errors import ModelMissing
from omni_pipelines.home import Home
from omni_pipelines.permissions.capabilities import check_capability
from omni_pipelines.permissions.files import permission_files
from omni_pipelines.permissions.gatekeeper import Gatekeeper
from omni_pipelines.permissions.policies import Effect
from omni_pipelines.settings import Settings
from omni_pipelines.text.engines import load_counter
from omni_pipelines.tools.documents import check_document

MAX_TOKENS = 2_000
CHANGING = {"files.write", "files.edit", "notes.save", "dagster.launch"}


@pytest.fixture
def shipped(home: Home) -> ShippedTools:
    return shipped_tools(home)


def test_every_tool_has_a_policy_and_each_agrees_with_what_the_tool_says(shipped: ShippedTools) -> None:
    assert sorted(shipped.policies) == shipped.catalog.names
    for definition in shipped.catalog.tools:
        policy = shipped.policies[definition.name]
        assert (policy.effect is Effect.READ) is definition.annotations.read_only_hint
        assert set(policy.paths) <= set(definition.parameters.properties)
        check_capability(policy.capability)
    assert {name for name, policy in shipped.policies.items() if policy.effect is not Effect.READ} == CHANGING


def test_path_argument_of_every_tool_for_files_is_checked_by_the_gatekeeper(shipped: ShippedTools) -> None:
    for definition in shipped.catalog.tools:
        if definition.category in ("files", "git") and "path" in definition.parameters.properties:
            assert shipped.policies[definition.name].paths == ("path",)


def test_every_tool_has_one_line_of_help_and_describes_its_parameters(shipped: ShippedTools) -> None:
    assert check_document(shipped.catalog.generate_tool_schemas()) == []
    for definition in shipped.catalog.tools:
        assert definition.annotations.title
        assert "\n" not in definition.description
        assert all(part.description for part in definition.parameters.properties.values())


def test_catalog_costs_at_most_two_thousand_tokens(shipped: ShippedTools) -> None:
    try:
        count = load_counter(Settings(encoding="o200k_base")).count
    except ModelMissing as error:
        pytest.skip(str(error))
    described = [
        {"name": each.name, "description": each.description, "inputSchema": each.input_schema}
        for each in shipped.catalog.tools
    ]
    assert count(orjson.dumps(described).decode()) <= MAX_TOKENS


def test_agent_may_read_the_knowledge_base_and_nothing_else_without_a_grant(
    home: Home, shipped: ShippedTools
) -> None:
    gatekeeper = Gatekeeper(shipped.catalog, shipped.policies, permission_files(home), "s")
    arguments = {
        "path": "a.md",
        "text": "x",
        "old": "a",
        "new": "b",
        "title": "t",
        "job": "index_job",
        "pattern": "a",
    }
    allowed = set()
    for definition in shipped.catalog.tools:
        needed = {name: arguments.get(name, "a") for name in definition.parameters.required}
        if not gatekeeper.check(definition.name, needed).needs_approval:
            allowed.add(definition.name)
    reading = {name for name in shipped.catalog.names if name.startswith("knowledge.")}
    assert allowed == reading | {"notes.find", "dagster.status"}


def test_note_is_saved_and_found(home: Home, shipped: ShippedTools) -> None:
    saved = shipped.catalog.call("notes.save", {"title": "Keys", "text": "Rotate them.", "tags": ["ops"]}).unwrap()
    assert saved == {"id": "agent: Keys", "version": 1}
    assert shipped.catalog.call("notes.save", {"title": "Keys", "text": "Rotate them now."}).unwrap()["version"] == 2
    [found] = shipped.catalog.call("notes.find", {"query": "rotate"}).unwrap()
    assert (found["title"], found["text"]) == ("Keys", "Rotate them now.")
