"""Skills of others: fetched from a folder, an archive or a git repository, checked, and put into a project.

What was installed, and its checksum, is written beside the skills. Nothing of a skill is run, and it needs trust.
"""

import re
import shutil
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from pydantic import Field

from native.durable import write_whole
from omni_pipelines.configuration import git_environment
from omni_pipelines.errors import ConfigurationError, ToolExecutionError, nearest
from omni_pipelines.permissions.commands import CommandLimits, run_command
from omni_pipelines.record_fields import Moment, now
from omni_pipelines.records import Record
from omni_pipelines.skills.checks import check_skill
from omni_pipelines.skills.fields import skill_name
from omni_pipelines.skills.folder import SkillFolder
from omni_pipelines.skills.frontmatter import FILE
from omni_pipelines.skills.placement import contents, difference, put_in_place, staging

RECORDS = ".installed.json"
MAX_FILES, MAX_BYTES = 2_000, 50 << 20
"""Of an archive."""
CLONE_SECONDS = 300.0
MAX_DEPTH = 4
"""Folders between a source and a skill in it."""
_GIT = re.compile(r"(?:https|ssh|git|file)://.+|[\w.-]+@[\w.-]+:.+")
_CONFIGURATION = (
    "core.hooksPath=/dev/null",
    "protocol.ext.allow=never",
    "core.symlinks=false",
    "core.fsmonitor=false",
)


class InstallOutcome(StrEnum):
    """What came of an installation."""

    INSTALLED = "installed"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


class InstalledSkill(Record):
    """Where a skill of a project comes from."""

    source: str
    """A folder, an archive, or the URL of a repository, with `#REVISION` for a branch or tag."""
    digest: str
    """Of its files as they were installed."""
    at: Moment


class InstalledSkills(Record):
    """The content of the file."""

    skills: Mapping[str, InstalledSkill] = Field(default_factory=dict)


@dataclass(frozen=True)
class SkillInstallation:
    """A skill that was installed or updated."""

    name: str
    folder: Path
    outcome: InstallOutcome
    digest: str
    difference: str


class SkillInstaller:
    """Installs skills into the folder of the skills of a project, which need not exist."""

    def __init__(self, folder: Path, project: Path) -> None:
        self._folder, self._project = folder, project

    @property
    def installed(self) -> Mapping[str, InstalledSkill]:
        """What was installed, by name.

        Raises:
            ConfigurationError: the file of the records is damaged.
        """
        file = self._folder / RECORDS
        try:
            return InstalledSkills.model_validate_json(file.read_bytes()).skills
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{file} is damaged: {error}", cure="remove it, and install again") from error

    def install(
        self, source: str, *, name: str = "", digest: str = "", replace: bool = False
    ) -> list[SkillInstallation]:
        """Install the skills of a source, or one of them; all are checked before the first is put in place.

        Args:
            source: as in `InstalledSkill`.
            name: only this one.
            digest: what its checksum has to be.
            replace: whether a skill may be replaced that is another one, or was changed.

        Raises:
            ConfigurationError: there is no skill, one has mistakes or another checksum, or may not be replaced.
            ToolExecutionError: git cannot fetch the repository.
        """
        with staging(self._project) as stage:
            fetched = _fetched(source, stage / "source")
            chosen = [each for each in _skills_in(fetched, stage / "skills") if name in ("", each.name)]
            if not chosen:
                raise ConfigurationError(
                    f"there is no skill {name} in {source}".replace("  ", " "), cure=f"name a folder with a {FILE}"
                )
            for each in chosen:
                self._check(each, digest, source, replace=replace)
            return [self._put(each, source) for each in chosen]

    def update(self, name: str, *, replace: bool = False) -> SkillInstallation:
        """Install a skill again from where it came from.

        Raises:
            ConfigurationError, ToolExecutionError: as for `install`; or it was not installed.
        """
        [done] = self.install(self._record(name).source, name=name, replace=replace)
        return done

    def remove(self, name: str, *, changed: bool = False) -> Path:
        """Remove an installed skill; one that was changed only if `changed` is true.

        Raises:
            ConfigurationError: it was not installed, or was changed.
        """
        record, folder = self._record(name), self._folder / name
        if folder.is_dir() and SkillFolder(folder).digest != record.digest and not changed:
            raise ConfigurationError(f"{folder} was changed after it was installed", cure="remove it with --force")
        shutil.rmtree(folder, ignore_errors=True)
        self._write({each: kept for each, kept in self.installed.items() if each != name})
        return folder

    def _record(self, name: str) -> InstalledSkill:
        installed = self.installed
        if name not in installed:
            cure = nearest(name, list(installed), "it was not installed by omni skill install")
            raise ConfigurationError(f"there is no installed skill {name!r}", cure=cure)
        return installed[name]

    def _check(self, skill: SkillFolder, digest: str, source: str, *, replace: bool) -> None:
        for problem in check_skill(skill):
            if problem.is_error:
                message = f"{skill.name}: {problem.place}: {problem.message}"
                raise ConfigurationError(message, cure=f"its author has to correct it: {problem.cure}")
        if digest and skill.digest != digest:
            message = f"the checksum of {skill.name} is {skill.digest}, not {digest}"
            raise ConfigurationError(message, cure="ask who gave you the checksum")
        target, record = self._folder / skill.name, self.installed.get(skill.name)
        if not target.exists() or replace or SkillFolder(target).digest == skill.digest:
            return
        if record is None or record.source != source:
            raise ConfigurationError(f"there is another skill in {target}", cure="to replace it: --force")
        if SkillFolder(target).digest != record.digest:
            message = f"{target} was changed after it was installed"
            raise ConfigurationError(message, cure="keep your changes elsewhere; then replace it with --force")

    def _put(self, skill: SkillFolder, source: str) -> SkillInstallation:
        target, digest = self._folder / skill.name, skill.digest
        changes = difference(contents(target), contents(skill.path))
        outcome = InstallOutcome.UPDATED if target.exists() else InstallOutcome.INSTALLED
        if changes:
            put_in_place(skill.path, target)
        else:
            outcome = InstallOutcome.UNCHANGED
        self._write({**self.installed, skill.name: InstalledSkill(source=source, digest=digest, at=now())})
        return SkillInstallation(skill.name, target, outcome, digest, changes)

    def _write(self, skills: Mapping[str, InstalledSkill]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._folder / RECORDS, InstalledSkills(skills=dict(skills)).model_dump_json(indent=1).encode())


def _fetched(source: str, folder: Path) -> Path:
    """A folder with what a source holds."""
    if _GIT.fullmatch(source):
        return _cloned(source, folder)
    path = Path(source).expanduser()
    if path.is_dir():
        return path.absolute()
    folder.mkdir()
    try:
        if zipfile.is_zipfile(path):
            return _unzipped(path, folder)
        if tarfile.is_tarfile(path):
            return _untarred(path, folder)
    except (OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise ConfigurationError(f"{source} cannot be unpacked: {error}", cure="name another archive") from error
    raise ConfigurationError(f"{source} is no folder, archive or URL of a repository", cure="name one of these")


def _cloned(source: str, folder: Path) -> Path:
    program = shutil.which("git")
    if program is None:
        raise ConfigurationError("git is not installed", cure="install it, or name a folder or an archive")
    url, _, revision = source.partition("#")
    options = [word for each in _CONFIGURATION for word in ("-c", each)]
    branch = ["--branch", revision] if revision and not revision.startswith("-") else []
    words = [program, *options, "clone", "--quiet", "--depth=1", "--no-tags", *branch, "--", url, str(folder)]
    environment = {**git_environment(), "GIT_TERMINAL_PROMPT": "0"}
    done = run_command(words, folder.parent, environment, CommandLimits(seconds=CLONE_SECONDS))
    if done.exit_code != 0:
        raise ToolExecutionError("git", done.errors.strip()[-500:] or "it said nothing", done.exit_code)
    return folder


def _unzipped(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        _check_size(path, len(members), sum(member.file_size for member in members))
        for member in members:
            parts = PurePosixPath(member.filename).parts
            if ".." in parts or member.filename.startswith("/") or "\\" in member.filename:
                raise ConfigurationError(f"{path} has an entry that leads out of it", cure="do not trust it")
        archive.extractall(folder)  # links in it become ordinary files
    return folder


def _untarred(path: Path, folder: Path) -> Path:
    with tarfile.open(path) as archive:
        members = archive.getmembers()
        _check_size(path, len(members), sum(member.size for member in members))
        archive.extractall(folder, filter="data")  # refuses what leads out, and special files
    return folder


def _check_size(path: Path, files: int, size: int) -> None:
    if files > MAX_FILES or size > MAX_BYTES:
        cure = f"a skill has at most {MAX_FILES:,} files and {MAX_BYTES >> 20} MiB"
        raise ConfigurationError(f"{path} is too large: {files:,} files, {size:,} bytes", cure=cure)


def _skills_in(source: Path, into: Path) -> list[SkillFolder]:
    """Copies of the skills in a folder, each in a folder of its name; links are left out."""
    found = [path.parent for depth in range(MAX_DEPTH) for path in sorted(source.glob("*/" * depth + FILE))]
    copies: list[SkillFolder] = []
    for folder in found:
        if folder.is_symlink() or any(above in found for above in folder.parents):
            continue
        original = SkillFolder(folder)
        name = skill_name(str(original.head.values.get("name", "")) or folder.name)
        target = into / name
        for file in original.files:
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / file, target / file, follow_symlinks=False)
        copies.append(SkillFolder(target))
    return copies
