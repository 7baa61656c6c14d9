"""Skills that are generated: without a model, with one that repairs its draft, and with one that never does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from skills_ref.validator import validate

from omni_pipelines.agent_tools.shipped import shipped_tools
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.language_models.port import Message
from omni_pipelines.permissions.files import permission_files
from omni_pipelines.skills.checks import check_skill
from omni_pipelines.skills.folder import SkillFolder
from omni_pipelines.skills.generation.drafts import SkillDraft, SkillRequest, offline_draft
from omni_pipelines.skills.generation.generator import GenerationFailed, GenerationOutcome
from omni_pipelines.skills.generation.recipe_table import RECIPES
from omni_pipelines.skills.library import SkillLibrary
from omni_pipelines.testing.builders import KnowledgeBase
from omni_pipelines.testing.fakes import ScriptedModel
from tests.integration.skills.twenty_skills import (
    BROKEN,
    TWENTY,
    capabilities,
    generated,
    in_a_task,
    in_terminal,
    make_project,
    model_drafts,
    over_mcp,
    words,
    written,
)


def project_files(home: Home) -> set[str]:
    return {path.relative_to(home.root.parent).as_posix() for path in home.root.parent.rglob("*")}


TRIED = [
    "sheet-page", "everything", "text-size", "house-style", "handbook", "changes", "invite", "minutes", "unquoted",
]  # fmt: skip
"""One of each recipe. The tests and the command of a skill take a process each, which lasts seconds."""


def test_twenty_skills_pass_their_check_and_one_of_each_recipe_its_tests_and_runs_everywhere(
    tiny_knowledge_base: KnowledgeBase,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = Home(tmp_path / "project" / ".omni")
    shutil.copytree(tiny_knowledge_base.home.root, home.root)
    make_project(home)
    library, texts, origins = SkillLibrary(home), set(), dict[str, str]()
    for name, (description, _) in TWENTY.items():
        made = generated(home, SkillRequest.of(name, description), unverified=name not in TRIED)
        assert (made.outcome, made.repairs) == (GenerationOutcome.NEW, 0)
        origins[name] = made.draft.origin
        assert check_skill(SkillFolder(made.folder), words, capabilities(shipped_tools(home))) == []
        assert validate(made.folder) == []
        texts.add((made.folder / "scripts" / "commands.py").read_text() + made.draft.files["SKILL.md"])
        if name in TRIED:
            library.trust(library.skill(name))
    assert len(texts) == len(TWENTY) >= 20
    assert sorted(origins[name] for name in TRIED) == sorted(f"the recipe {recipe.name}" for recipe in RECIPES)

    # a third of them in each way; docs/benchmarks/generated_skills.md is about each of the twenty in every way
    wrong = over_mcp(home, TRIED[::3])
    wrong |= in_a_task(home, TRIED[1::3])
    capsys.readouterr()
    wrong |= in_terminal(home, TRIED[2::3], lambda: capsys.readouterr().out)
    assert {name: problem for name, problem in wrong.items() if problem} == {}
    entries = [line.entry for line in permission_files(home).audit.lines()]
    audited = [each.tool for each in entries if each.event == "outcome" and each.tool.startswith("skill.")]
    assert set(audited) == {f"skill.{name.replace('-', '_')}.{TWENTY[name].run.command}" for name in TRIED}


def test_the_same_request_changes_nothing_and_another_one_replaces_only_when_told(home: Home) -> None:
    first = generated(home, SkillRequest.of("mine", "Count words"), unverified=True)
    assert (
        generated(home, SkillRequest.of("mine", "Count words"), unverified=True).outcome
        is GenerationOutcome.UNCHANGED
    )
    other = SkillRequest.of("mine", "Count words of pages")
    with pytest.raises(ConfigurationError, match="there is another skill"):
        generated(home, other, unverified=True)
    planned_ = generated(home, other, unverified=True, keep=False)
    assert planned_.outcome is GenerationOutcome.PLANNED
    assert "+Count words of pages." in planned_.difference
    assert "Count words of pages" not in (first.folder / "SKILL.md").read_text()
    assert generated(home, other, unverified=True, replace=True).outcome is GenerationOutcome.REPLACED
    assert "Count words of pages" in (first.folder / "SKILL.md").read_text()
    assert not list(home.root.parent.glob(".omni-skill-*"))


def test_what_is_not_allowed_is_not_used(home: Home) -> None:
    with pytest.raises(ConfigurationError, match=r"commits, needs git:read") as refused:
        offline_draft(SkillRequest.of("", "Summarise git commits", ["files:read"]))
    assert "-p git:read" in refused.value.cure
    assert offline_draft(SkillRequest.of("", "Summarise git commits", ["git:read"])).origin == "the recipe commits"
    for name, description in (("", "做这个"), ("", ""), ("7", "Count"), ("", "x" * 301)):
        with pytest.raises(ConfigurationError):
            SkillRequest.of(name, description)


@pytest.mark.parametrize("pair", [BROKEN[start : start + 2] for start in (0, 2, 4)], ids=range(3))
def test_a_model_that_writes_broken_code_twice_gets_the_errors_and_then_its_skill_is_kept(
    home: Home, pair: Any
) -> None:
    request = SkillRequest.of("mine", "Convert CSV files to JSON")
    replies = [each if isinstance(each, str) else written(request, **each) for each, _ in pair]
    model = ScriptedModel([*replies, written(request)])
    made = generated(home, request, model_drafts(home, request, model))
    assert (made.outcome, made.repairs, made.draft.origin) == (GenerationOutcome.NEW, 2, "scripted")
    for asked, (_, problem) in zip(model.calls[1:], pair, strict=True):
        told: Message = asked.messages[-1]
        assert problem in told.content
    metadata = SkillFolder(made.folder).metadata
    assert metadata.routing_keywords == ("csv", "tables rows")
    assert metadata.permissions == ("files:read",)
    assert validate(made.folder) == []


def test_a_model_that_never_gets_it_right_leaves_nothing_behind_and_the_reason_is_clear(home: Home) -> None:
    before = project_files(home)
    request = SkillRequest.of("mine", "Convert CSV files to JSON", ["knowledge:search"])
    model = ScriptedModel([written(request_for_example()) for _ in range(4)])
    with pytest.raises(GenerationFailed, match=r"declares files:read, which the person does not allow") as failed:
        generated(home, request, model_drafts(home, request, model))
    assert "nothing was written" in failed.value.message
    assert len(model.calls) == 4
    assert project_files(home) == before


def request_for_example() -> SkillRequest:
    return SkillRequest.of("mine", "Convert CSV files to JSON")


def test_code_of_a_model_runs_only_confined(home: Home) -> None:
    request = SkillRequest.of("mine", "Convert CSV files to JSON")
    target = home.root.parent / "stolen"
    evil = f"\nfrom pathlib import Path\nPath({str(target)!r}).write_text('x')\n"
    draft = offline_draft(request)
    files = {**draft.files, "scripts/commands.py": draft.files["scripts/commands.py"] + evil}
    with pytest.raises(GenerationFailed, match="cannot be imported: PermissionError"):
        generated(home, request, lambda problems: SkillDraft(files, "evil"))
    assert not target.exists()
