"""`omni skill` as a person meets it."""

from __future__ import annotations

import json
from pathlib import Path

from omni_pipelines.testing.builders import Skill
from tests.unit.cli.conftest import Omni


def test_the_example_is_a_skill_that_passes_the_check(omni: Omni, tmp_path: Path) -> None:
    folder = tmp_path / ".agents" / "skills" / "release-notes"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(omni("skill", "check", "--example").out)
    done = omni("skill", "check", str(folder))
    assert (done.code, done.out) == (0, "release-notes: valid\n")


def test_a_check_names_the_place_of_a_mistake_and_ends_with_one(omni: Omni, tmp_path: Path) -> None:
    Skill("mine").with_metadata(version="1").create(tmp_path / ".agents" / "skills")
    done = omni("skill", "check", "--all")
    assert done.code == 1
    assert "mine/SKILL.md:5 metadata.version: error: '1' is not a version; write three numbers" in done.out
    assert "mine: not valid\n" in done.out
    result = json.loads(omni("skill", "check", "mine", "--json").out)
    assert result["valid"] is False
    assert result["checks"][0]["problems"][0]["line"] == 5


def test_a_check_of_nothing_is_a_usage_error(omni: Omni) -> None:
    assert omni("skill", "check").code == 2
    assert omni("skill", "check", "none").code == 2


def test_a_project_skill_is_used_after_trust_and_the_hidden_one_is_named(omni: Omni, tmp_path: Path) -> None:
    folder = tmp_path / ".agents" / "skills"
    Skill("knowledge").with_metadata(permissions=["process:run"]).create(folder)
    listed = omni("skill", "list")
    assert "not trusted" in listed.out
    assert "is used, not" in listed.err
    assert "may ask for: nothing" in omni("skill", "info", "knowledge").out
    assert omni("skill", "trust", "knowledge").code == 2
    assert "may ask for: process:run" in omni("skill", "trust", "knowledge", "--yes").out
    assert json.loads(omni("skill", "info", "knowledge", "--json").out)["trusted"] is True


def test_tests_of_a_skill_run_only_after_trust(omni: Omni, tmp_path: Path) -> None:
    folder = Skill("mine").create(tmp_path / ".agents" / "skills")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_it.py").write_text("def test_it():\n    assert False\n")
    refused = omni("skill", "test", "mine")
    assert refused.code == 2
    assert "is not trusted" in refused.err
    omni("skill", "trust", "mine", "--yes")
    assert omni("skill", "test", "mine").code == 1
