"""Builders of test data on disk: a source tree, a knowledge base with a release, a skill."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.settings import Settings
from omni_pipelines.testing.fakes import FakeEmbedder, WordCounter

if TYPE_CHECKING:
    from omni_pipelines.home import Home
    from omni_pipelines.knowledge.librarian import Librarian
    from omni_pipelines.knowledge.state.snapshot import Snapshot
    from omni_pipelines.records import Release
    from omni_pipelines.text.embedding import Embedder

Content = bytes
"""The type `bytes`, which the method of that name hides."""


class SourceTree:
    """A folder of files: `SourceTree(tmp_path).file("a.md", "text").git_ignore("*.log")`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def file(self, path: str, text: str) -> SourceTree:
        """Write a text file in UTF-8; line endings stay as given."""
        return self.bytes(path, text.encode())

    def bytes(self, path: str, content: Content) -> SourceTree:
        """Write a file."""
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return self

    def files(self, files: Mapping[str, str | Content]) -> SourceTree:
        """Write several files."""
        for path, content in files.items():
            self.bytes(path, content.encode() if isinstance(content, str) else content)
        return self

    def git_ignore(self, *patterns: str, folder: str = "") -> SourceTree:
        """Write the .gitignore of a folder."""
        return self.file(f"{folder or '.'}/.gitignore", "".join(f"{pattern}\n" for pattern in patterns))

    def remove(self, path: str) -> SourceTree:
        """Delete a file."""
        self.path(path).unlink()
        return self

    def path(self, path: str) -> Path:
        """The full path of a file in the tree.

        Raises:
            ConfigurationError: `path` is outside the tree.
        """
        if Path(path).is_absolute() or ".." in Path(path).parts:
            raise ConfigurationError(f"{path} is outside the tree at {self.root}", cure="give a path inside it")
        return self.root / path


class KnowledgeBase:
    """A knowledge base built by the real pipeline with a fake embedder and token counter, so it needs no model.

    `KnowledgeBase(home).with_files({"a.md": "text"}).build().librarian().search("text")`. Change the files and build
    again for the next release.
    """

    def __init__(
        self,
        home: Home,
        *,
        settings: Settings | None = None,
        embedder: Embedder | None = None,
        embedder_fingerprint: str | None = None,
    ) -> None:
        self.home = home
        self.settings = settings or Settings.model_validate({})
        self.embedder = embedder or FakeEmbedder()
        self.count = WordCounter()
        self._fingerprint = embedder_fingerprint or str(getattr(self.embedder, "fingerprint", "embedder-of-a-test"))
        self.tree = SourceTree(home.root.parent / "files")
        self._release: Release | None = None

    def with_files(self, files: Mapping[str, str | Content]) -> KnowledgeBase:
        """Write files into the source tree; see `tree` for more."""
        self.tree.files(files)
        return self

    def without(self, *paths: str) -> KnowledgeBase:
        """Delete files from the source tree."""
        for path in paths:
            self.tree.remove(path)
        return self

    def build(self, *, allow_delete: bool = False) -> KnowledgeBase:
        """Ingest the tree and publish a release, unless nothing changed.

        Raises:
            OmniError: the errors of `omni ingest`.
        """
        from omni_pipelines.pipeline.run import run_pipeline
        from omni_pipelines.sources.registry import load_sources, register, save_sources
        from omni_pipelines.steps.step import LoadedEngines
        from omni_pipelines.steps.step_table import new_run

        self.home.create()
        sources, _ = register(load_sources(self.home), [self.tree.root])
        save_sources(self.home, sources)
        engines = LoadedEngines(self.count, self.embedder, self._fingerprint)
        report = run_pipeline(new_run(self.home, self.settings, engines, "test", allow_delete=allow_delete))
        self._release = report.published.release
        return self

    @property
    def release(self) -> Release:
        """The release of the last build.

        Raises:
            ConfigurationError: the knowledge base was not built.
        """
        if self._release is None:
            raise ConfigurationError(f"the knowledge base in {self.home.root} was not built", cure="call build()")
        return self._release

    def snapshot(self) -> Snapshot:
        """The release of the last build, opened for reading."""
        from omni_pipelines.knowledge.state.snapshot import Snapshot

        return Snapshot.open(self.home, self.release.release)

    def librarian(self) -> Librarian:
        """A librarian that answers from the last build."""
        from omni_pipelines.knowledge.librarian import Librarian

        return Librarian(self.snapshot(), self.settings, self.embedder)


class Skill:
    """A skill folder: `Skill("git").with_metadata(author="me").with_script("commands.py", code).create(folder)`."""

    def __init__(self, name: str, description: str = "") -> None:
        self.name = name
        self._description = description or f"Use when a test needs the skill {name}."
        self._metadata: dict[str, object] = {"version": "0.1.0"}
        self._scripts: dict[str, str] = {}

    def with_metadata(self, **fields: object) -> Skill:
        """Set fields of the `metadata` block, such as author, version, source, intents or permissions."""
        self._metadata.update(fields)
        return self

    def with_script(self, name: str, code: str) -> Skill:
        """Add `scripts/<name>`."""
        self._scripts[f"scripts/{name}"] = code
        return self

    def create(self, folder: Path) -> Path:
        """Write the skill to `folder/<name>`, and return that path."""
        head = {"name": self.name, "description": self._description, "metadata": self._metadata}
        front = yaml.safe_dump(head, sort_keys=False, allow_unicode=True)
        tree = SourceTree(folder / self.name).files(self._scripts)
        return tree.file("SKILL.md", f"---\n{front}---\n\n# {self.name}\n").root
