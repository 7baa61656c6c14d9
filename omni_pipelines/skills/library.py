"""The skills that a person has: those of the project before their own, and those before the built-in ones."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from omni_pipelines.configuration import user_folder
from omni_pipelines.errors import ConfigurationError, OmniError, nearest
from omni_pipelines.home import Home
from omni_pipelines.skills.folder import SkillFolder
from omni_pipelines.skills.frontmatter import FILE
from omni_pipelines.trust import is_trusted, trust

BUILT_IN = Path(__file__).parent / "builtin"
MAX_SKILLS = 1_000
"""Folders that are looked at in one place."""


class SkillOrigin(StrEnum):
    """Where a skill comes from."""

    PROJECT = "project"
    PERSON = "person"
    BUILT_IN = "built-in"


@dataclass(frozen=True)
class FoundSkill:
    """A skill in one of the places."""

    folder: SkillFolder
    origin: SkillOrigin
    problem: str = ""
    """Why it cannot be used; "" if it can."""
    shadows: tuple[Path, ...] = field(default=())
    """Folders of the same name in later places, which are not used."""

    @property
    def name(self) -> str:
        """The name of the skill."""
        return self.folder.name


class SkillLibrary:
    """The skills for a home."""

    def __init__(self, home: Home, *, person: Path | None = None, trusted: Path | None = None) -> None:
        """`person` replaces the home folder of the person, and `trusted` the file with what they trust."""
        self._project, self._home = home.root.parent, home.root
        self._person = person or Path.home()
        self._trusted = trusted or user_folder() / "trusted.json"

    @property
    def places(self) -> list[tuple[Path, SkillOrigin]]:
        """The folders that hold skills, those that count first."""
        in_project = (self._home / "skills", *(self._project / name / "skills" for name in (".agents", ".claude")))
        in_person = tuple(self._person / name / "skills" for name in (".agents", ".claude"))
        return [
            *((path, SkillOrigin.PROJECT) for path in in_project),
            *((path, SkillOrigin.PERSON) for path in in_person),
            (BUILT_IN, SkillOrigin.BUILT_IN),
        ]

    def stamp(self) -> Mapping[Path, int]:
        """When each file of the skills, but the built-in ones, and what is trusted were changed; reads no file."""
        stamps = {self._trusted: _changed(self._trusted)}
        for place, origin in self.places:
            for path in _folders(place) if origin is not SkillOrigin.BUILT_IN else ():
                with contextlib.suppress(OmniError):  # it cannot be used, whatever changes in it
                    stamps |= {path / name: _changed(path / name) for name in SkillFolder(path).files}
        return stamps

    def skills(self) -> Mapping[str, FoundSkill]:
        """All skills by name, sorted; a skill that cannot be read is there with its problem."""
        found: dict[str, FoundSkill] = {}
        shadowed: dict[str, list[Path]] = {}
        for place, origin in self.places:
            for path in _folders(place):
                if path.name in found:
                    shadowed.setdefault(path.name, []).append(path)
                else:
                    found[path.name] = _found(SkillFolder(path), origin)
        return {
            name: FoundSkill(each.folder, each.origin, each.problem, tuple(shadowed.get(name, ())))
            for name, each in sorted(found.items())
        }

    def skill(self, name: str) -> FoundSkill:
        """The skill with a name.

        Raises:
            ConfigurationError: there is none.
        """
        skills = self.skills()
        if name not in skills:
            cure = nearest(name, list(skills), "see: omni skill list")
            raise ConfigurationError(f"there is no skill {name!r}", cure=cure)
        return skills[name]

    def is_trusted(self, skill: FoundSkill) -> bool:
        """Whether a person trusts the skill as it is now. Those of a project may come from somebody else."""
        if skill.origin is not SkillOrigin.PROJECT:
            return True
        return is_trusted(self._trusted, skill.folder.path, {"files": skill.folder.digest})

    def trust(self, skill: FoundSkill) -> None:
        """Write down that a person trusts the skill as it is now; a change of any of its files needs trust again."""
        trust(self._trusted, skill.folder.path, {"files": skill.folder.digest})

    def permissions(self, skill: FoundSkill) -> tuple[str, ...]:
        """What the skill may ask for: what it declares if it is trusted, else nothing."""
        return skill.folder.metadata.permissions if not skill.problem and self.is_trusted(skill) else ()


def _changed(file: Path) -> int:
    with contextlib.suppress(OSError):
        return file.stat().st_mtime_ns
    return 0


def _folders(place: Path) -> Iterator[Path]:
    try:
        names = sorted(path.name for path in place.iterdir())
    except OSError:
        return
    for name in names[:MAX_SKILLS]:
        path = place / name
        if not name.startswith(".") and not path.is_symlink() and (path / FILE).is_file():
            yield path


def _found(folder: SkillFolder, origin: SkillOrigin) -> FoundSkill:
    try:
        if not folder.metadata.description:
            return FoundSkill(folder, origin, "it has no description, so nobody knows when to use it")
    except ConfigurationError as error:
        return FoundSkill(folder, origin, error.message)
    return FoundSkill(folder, origin)
