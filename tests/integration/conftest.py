"""A line over a home and a folder of files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from omni_pipelines.ingest import documents
from omni_pipelines.ingest.reading import read_file
from omni_pipelines.settings import Home
from tests.integration.line import Line


@pytest.fixture
def line(home: Home) -> Line:
    return Line(home)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    return folder


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of the files that were opened, in order."""
    opened: list[str] = []

    def counting(path: Path, limit: int) -> tuple[bytes, str]:
        opened.append(path.name)
        return read_file(path, limit)

    monkeypatch.setattr(documents, "read_file", counting)
    return opened
