"""The fixtures of the test kit. Every pytest run loads this module, so a fixture imports what it needs itself."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from omni_pipelines.home import Home
    from omni_pipelines.testing.builders import KnowledgeBase, SourceTree
    from omni_pipelines.testing.fakes import FakeClock, FakeEmbedder, ScriptedModel, WordCounter

TINY_FILES = {
    "keys.md": (
        "# Keys\n\nKeys are rotated with the rotate command.\nThe old key stays valid for one hour.\n\n"
        "## Revoking\n\nA revoked key is refused at once.\n"
    ),
    "backup.md": "# Backups\n\nBackups run every night at three.\nThey are kept for thirty days.\n",
    "src/cache.py": (
        '"""A cache that forgets what was not used for longest."""\n\n\n'
        "def remember(key: str, value: str) -> None:\n"
        '    """Keep a value until the cache is full."""\n'
    ),
}
"""The files of `tiny_knowledge_base`, by path."""


@pytest.fixture
def clean_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides the settings of the developer: OMNI_* and DAGSTER_HOME, except the cache of models, which are large."""
    for name in [name for name in os.environ if name.startswith("OMNI_") and name != "OMNI_CACHE"]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)


@pytest.fixture
def omni_home(clean_settings: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Home:
    """An empty home that `omni` and `find_home()` use, in this process and its children."""
    from omni_pipelines.configuration import HOME_VARIABLE
    from omni_pipelines.home import HOME_NAME, Home

    home = Home(tmp_path / HOME_NAME)
    home.create()
    monkeypatch.setenv(HOME_VARIABLE, str(home.root))
    return home


@pytest.fixture
def source_tree(tmp_path: Path) -> SourceTree:
    """An empty folder for source files, next to the home."""
    from omni_pipelines.testing.builders import SourceTree

    return SourceTree(tmp_path / "files")


@pytest.fixture
def make_knowledge_base(tmp_path: Path) -> Callable[..., KnowledgeBase]:
    """Builds a new knowledge base from files with each call: `make_knowledge_base({"a.md": "text"})`."""
    numbers = itertools.count(1)
    return lambda files: _build(tmp_path / f"knowledge-{next(numbers)}", files)


@pytest.fixture(scope="session")
def tiny_knowledge_base(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    """Three files and one release. All tests of a run share it, so they must not change it."""
    return _build(tmp_path_factory.mktemp("tiny"), TINY_FILES)


def _build(folder: Path, files: Mapping[str, str | bytes]) -> KnowledgeBase:
    from omni_pipelines.home import HOME_NAME, Home
    from omni_pipelines.testing.builders import KnowledgeBase

    return KnowledgeBase(Home(folder / HOME_NAME)).with_files(files).build()


@pytest.fixture
def fake_clock() -> FakeClock:
    """A clock that the test moves."""
    from omni_pipelines.testing.fakes import FakeClock

    return FakeClock()


@pytest.fixture
def fake_embedder() -> FakeEmbedder:
    """An embedder with 384 dimensions that needs no model."""
    from omni_pipelines.testing.fakes import FakeEmbedder

    return FakeEmbedder()


@pytest.fixture
def word_counter() -> WordCounter:
    """A token counter that counts words and needs no vocabulary."""
    from omni_pipelines.testing.fakes import WordCounter

    return WordCounter()


@pytest.fixture
def scripted_model() -> Iterator[ScriptedModel]:
    """A language model with an empty script. The test fails at its end if the script did not match the calls."""
    from omni_pipelines.testing.fakes import ScriptedModel

    model = ScriptedModel()
    yield model
    model.check()
