"""Where skills are found, which of them counts, and which are trusted."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.skills.library import SkillLibrary, SkillOrigin
from omni_pipelines.testing.builders import Skill


def library(folder: Path) -> SkillLibrary:
    home = Home(folder / "project" / ".omni")
    return SkillLibrary(home, person=folder / "person", trusted=folder / "trusted.json")


def project(folder: Path, place: str = ".agents") -> Path:
    return folder / "project" / place / "skills"


def test_the_built_in_skills_are_there_without_any_folder(tmp_path: Path) -> None:
    found = library(tmp_path).skills()
    assert {"knowledge", "release-notes"} <= found.keys()
    assert all(each.origin is SkillOrigin.BUILT_IN and not each.problem for each in found.values())


def test_the_project_counts_before_the_person_and_both_before_what_is_built_in(tmp_path: Path) -> None:
    places = [project(tmp_path, name) for name in (".omni", ".agents", ".claude")]
    places += [tmp_path / "person" / name / "skills" for name in (".agents", ".claude")]
    for number, place in reversed(list(enumerate(places))):
        Skill("knowledge", f"Number {number}.").create(place)
        found = library(tmp_path).skill("knowledge")
        assert found.folder.metadata.description == f"Number {number}."
        assert len(found.shadows) == len(places) - number
    assert found.origin is SkillOrigin.PROJECT


def test_a_mistake_in_one_field_costs_only_that_field(tmp_path: Path) -> None:
    Skill("mine").with_metadata(permissions=["knowledge:search", "bad one"], intents=["Do it"], version="1").create(
        project(tmp_path)
    )
    found = library(tmp_path).skill("mine")
    assert not found.problem
    assert (found.folder.metadata.intents, found.folder.metadata.permissions) == (("Do it",), ())
    assert {each.field for each in found.folder.field_problems} == {"metadata.permissions", "metadata.version"}


def test_a_skill_that_cannot_be_read_is_listed_with_the_reason_and_hides_no_other(tmp_path: Path) -> None:
    (project(tmp_path) / "broken").mkdir(parents=True)
    (project(tmp_path) / "broken" / "SKILL.md").write_bytes(b"\xff\xfe\x00")
    Skill("mine").create(project(tmp_path))
    found = library(tmp_path).skills()
    assert "cannot be read" in found["broken"].problem
    assert not found["mine"].problem
    assert library(tmp_path).permissions(found["broken"]) == ()


def test_a_project_skill_may_ask_for_nothing_until_it_is_trusted_as_it_is(tmp_path: Path) -> None:
    folder = (
        Skill("mine")
        .with_metadata(permissions=["process:run"])
        .with_script("a.py", "x = 1")
        .create(project(tmp_path))
    )
    skills = library(tmp_path)
    assert skills.permissions(skills.skill("mine")) == ()
    skills.trust(skills.skill("mine"))
    assert skills.permissions(skills.skill("mine")) == ("process:run",)
    (folder / "scripts" / "a.py").write_text("x = 2")
    assert skills.permissions(skills.skill("mine")) == ()
    (folder / "scripts" / "a.py").write_text("x = 1")
    (folder / "scripts" / "b.py").write_text("")
    assert skills.permissions(skills.skill("mine")) == ()


def test_a_skill_of_the_person_needs_no_trust(tmp_path: Path) -> None:
    Skill("mine").with_metadata(permissions=["process:run"]).create(tmp_path / "person" / ".agents" / "skills")
    skills = library(tmp_path)
    assert skills.permissions(skills.skill("mine")) == ("process:run",)


def test_a_link_to_a_folder_is_no_skill(tmp_path: Path) -> None:
    Skill("mine").create(tmp_path / "elsewhere")
    project(tmp_path).mkdir(parents=True)
    (project(tmp_path) / "mine").symlink_to(tmp_path / "elsewhere" / "mine")
    with pytest.raises(ConfigurationError, match="there is no skill 'mine'"):
        library(tmp_path).skill("mine")
