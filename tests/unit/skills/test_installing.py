"""Skills of others: fetched, checked, put in place whole, updated and removed."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from omni_pipelines.errors import ConfigurationError, ToolExecutionError
from omni_pipelines.skills.folder import SkillFolder
from omni_pipelines.skills.installing import InstallOutcome, SkillInstaller
from omni_pipelines.testing.builders import Skill

HEAD = {"version": "1.0.0"}


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "shared"
    for name in ("one", "two"):
        Skill(name, "Does something. Use when testing.").with_metadata(**HEAD).with_script("a.py", "x = 1\n").create(
            folder / "skills"
        )
    return folder


@pytest.fixture
def installer(tmp_path: Path) -> SkillInstaller:
    project = tmp_path / "project"
    project.mkdir()
    return SkillInstaller(project / ".agents" / "skills", project)


def packed(shared: Path, kind: str) -> str:
    if kind == "folder":
        return str(shared)
    if kind in ("zip", "gztar"):
        return shutil.make_archive(str(shared.parent / "packed"), kind, shared)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.example"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "x"], ["branch", "v1"]):
        subprocess.run([*git, *words], cwd=shared, check=True)
    return f"{shared.as_uri()}#v1"


@pytest.mark.parametrize("kind", ["folder", "zip", "gztar", "git"])
def test_skills_of_every_kind_of_source_are_installed_with_their_checksums(
    shared: Path, installer: SkillInstaller, kind: str
) -> None:
    source = packed(shared, kind)
    done = installer.install(source)
    assert [(each.name, each.outcome) for each in done] == [
        ("one", InstallOutcome.INSTALLED),
        ("two", InstallOutcome.INSTALLED),
    ]
    assert all(SkillFolder(each.folder).digest == each.digest for each in done)
    assert {name: record.digest for name, record in installer.installed.items()} == {
        each.name: each.digest for each in done
    }
    assert installer.install(source, name="one")[0].outcome is InstallOutcome.UNCHANGED
    with pytest.raises(ConfigurationError, match="the checksum of one is"):
        installer.install(source, name="one", digest="0" * 64)


def test_an_update_takes_over_what_is_new_and_never_what_a_person_changed(
    shared: Path, installer: SkillInstaller
) -> None:
    [first] = installer.install(str(shared), name="one")
    script = shared / "skills" / "one" / "scripts" / "a.py"
    script.write_text("x = 2\n")
    updated = installer.update("one")
    assert (updated.outcome, "+x = 2" in updated.difference) == (InstallOutcome.UPDATED, True)
    mine = first.folder / "scripts" / "a.py"
    mine.write_text("x = 3\n")
    script.write_text("x = 4\n")
    for change in (installer.update, installer.remove):
        with pytest.raises(ConfigurationError, match="was changed after it was installed"):
            change("one")
    assert mine.read_text() == "x = 3\n"
    assert installer.update("one", replace=True).outcome is InstallOutcome.UPDATED
    installer.remove("one")
    assert not first.folder.exists()
    assert installer.installed == {}
    with pytest.raises(ConfigurationError, match="there is no installed skill 'one'"):
        installer.remove("one")


def test_another_skill_of_the_same_name_is_replaced_only_when_told(shared: Path, installer: SkillInstaller) -> None:
    own = Skill("one", "Mine. Use it.").create(shared.parent / "project" / ".agents" / "skills")
    before = SkillFolder(own).digest
    with pytest.raises(ConfigurationError, match="there is another skill"):
        installer.install(str(shared))
    assert SkillFolder(own).digest == before
    assert not (own.parent / "two").exists()  # all are checked before the first is put in place
    installer.install(str(shared), replace=True)
    assert (own.parent / "two").exists()


def test_a_skill_with_mistakes_is_not_installed_and_nothing_is_left(shared: Path, installer: SkillInstaller) -> None:
    Skill("two").with_metadata(version="1").create(shared / "skills")
    with pytest.raises(ConfigurationError, match=r"two: SKILL\.md:5 metadata\.version"):
        installer.install(str(shared))
    assert list((shared.parent / "project").iterdir()) == []


def archive(folder: Path, name: str) -> str:
    path = folder / "evil.tar" if name.endswith("tar") else folder / "evil.zip"
    if path.suffix == ".tar":
        with tarfile.open(path, "w") as tar:
            member = tarfile.TarInfo("../../stolen")
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
    else:
        with zipfile.ZipFile(path, "w") as packed_:
            packed_.writestr("../../stolen", "x")
    return str(path)


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_that_leads_out_of_itself_is_refused(tmp_path: Path, installer: SkillInstaller, kind: str) -> None:
    with pytest.raises(ConfigurationError):
        installer.install(archive(tmp_path, kind))
    assert not list(tmp_path.rglob("stolen"))


def test_what_is_no_source_is_an_error_with_a_cure(tmp_path: Path, installer: SkillInstaller) -> None:
    (tmp_path / "text.md").write_text("x")
    for source in (str(tmp_path / "none"), str(tmp_path / "text.md"), str(tmp_path / "project")):
        with pytest.raises(ConfigurationError) as refused:
            installer.install(source)
        assert refused.value.cure
    with pytest.raises(ToolExecutionError):
        installer.install((tmp_path / "no-repository").as_uri())


def test_links_and_hidden_files_stay_behind(shared: Path, installer: SkillInstaller, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    folder = shared / "skills" / "one"
    (folder / "link.md").symlink_to(tmp_path / "secret")
    (folder / ".env").write_text("key")
    [done] = installer.install(str(shared), name="one")
    assert sorted(path.name for path in done.folder.rglob("*") if path.is_file()) == ["SKILL.md", "a.py"]
