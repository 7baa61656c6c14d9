"""A skill as a folder: what it holds, its digest, and its SKILL.md, read leniently."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from blake3 import blake3

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.records import SkillMetadata
from omni_pipelines.skills.fields import FieldReader
from omni_pipelines.skills.frontmatter import FILE, Frontmatter, parse_skill_file
from omni_pipelines.skills.problems import SkillProblem

MAX_BYTES = 1 << 20
"""Of a SKILL.md."""
MAX_FILES = 1_000


@dataclass(frozen=True)
class SkillFolder:
    """The folder of a skill. Nothing in it is run by reading it, and no link is followed."""

    path: Path

    @property
    def name(self) -> str:
        """The name of the skill, which is that of its folder."""
        return self.path.name

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Paths of all files in it, sorted; links and what hides are left out.

        Raises:
            ConfigurationError: it has more than 1,000 files.
        """
        found: list[str] = []
        for parent, folders, names in os.walk(self.path):
            folders[:] = sorted(f for f in folders if not f.startswith((".", "__pycache__")))
            folders[:] = [f for f in folders if not Path(parent, f).is_symlink()]
            paths = (Path(parent, name) for name in names if not name.startswith("."))
            found += [path.relative_to(self.path).as_posix() for path in paths if not path.is_symlink()]
            if len(found) > MAX_FILES:
                raise ConfigurationError(f"{self.path} has more than {MAX_FILES:,} files", cure="make it smaller")
        return tuple(sorted(found))

    @property
    def has_scripts(self) -> bool:
        """Whether it has anything that could be run."""
        return any(name.startswith("scripts/") or name.endswith((".py", ".sh")) for name in self.files)

    @cached_property
    def head(self) -> Frontmatter:
        """Its parsed SKILL.md.

        Raises:
            ConfigurationError: it is missing, too large or malformed.
        """
        file = self.path / FILE
        try:
            if file.is_symlink() or not file.is_file():
                raise ConfigurationError(
                    f"{self.path} has no {FILE}", cure="write one; see: omni skill check --example"
                )
            if file.stat().st_size > MAX_BYTES:
                raise ConfigurationError(
                    f"{file} has more than {MAX_BYTES:,} bytes", cure="move parts to references/"
                )
            return parse_skill_file(file.read_bytes().decode())
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{file} cannot be read: {error}", cure="save it as UTF-8") from error

    @cached_property
    def _fields(self) -> FieldReader:
        return FieldReader(self.head, self.name)

    @property
    def metadata(self) -> SkillMetadata:
        """What its head says, as far as it is right.

        Raises:
            ConfigurationError: as for `head`.
        """
        return self._fields.metadata

    @property
    def field_problems(self) -> list[SkillProblem]:
        """What is wrong with the fields of its head.

        Raises:
            ConfigurationError: as for `head`.
        """
        return self._fields.problems

    @property
    def digest(self) -> str:
        """A hash of the names and contents of all its files."""
        hasher = blake3()
        for name in self.files:
            content = (self.path / name).read_bytes()
            hasher.update(f"{len(name.encode())}:{name}:{len(content)}:".encode() + content)
        return hasher.hexdigest()
