"""A line over a home and a folder of files; and a small home made with the real model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from omni_pipelines.configuration import load_settings
from omni_pipelines.errors import ModelMissing
from omni_pipelines.home import Home
from omni_pipelines.knowledge import sql
from omni_pipelines.sources.model.listing import FileContent, ReadFile, SourceFile
from omni_pipelines.steps import documents
from omni_pipelines.steps.parser_process import DocumentParser
from omni_pipelines.steps.step import LoadedEngines
from omni_pipelines.text.engines import load_counter, load_embedder, model_fingerprint
from tests.integration.line import Line, Original
from tests.integration.members import SECRET
from tests.integration.small_home import SmallHome, make_small_home
from tests.integration.statements import select_here
from tests.object_server import make_bucket, point_aws_at, s3_server


class KeptParser(DocumentParser):
    """Leaves its process to the next ingest of these tests: to start one takes longer than most of them."""

    left: ClassVar[list[Any]] = []

    def __enter__(self) -> DocumentParser:
        self._process = self.left.pop() if self.left else None
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.left.append(self._process)
            self._process = None


@pytest.fixture(scope="session", autouse=True)
def one_parser_process() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "DocumentParser", KeptParser)
        yield
    for process in KeptParser.left:
        process.end()


@pytest.fixture
def statements_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "select", select_here)


@pytest.fixture
def line(home: Home) -> Line:
    return Line(home)


@pytest.fixture(scope="module")
def original(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Original:
    """A line that the function `fill` of the module has filled. Tests work on copies."""
    return Original.filled(tmp_path_factory.mktemp("original"), request.module.fill)


@pytest.fixture
def docs(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The files of the original, for a test of a copy; for any other test an empty folder."""
    if "original" in request.fixturenames:
        return Path(request.getfixturevalue("original").docs)
    docs = tmp_path / "docs"
    docs.mkdir()
    return docs


@pytest.fixture
def reads(line: Line) -> list[str]:
    """Names of the files that the line reads, in order."""
    names: list[str] = []

    def counting(read: ReadFile, file: SourceFile, limit: int) -> FileContent:
        names.append(Path(file.path).name)
        return read(file, limit)

    line.read_hook = counting
    return names


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> LoadedEngines:
    settings = load_settings(Home(tmp_path_factory.mktemp("settings") / ".omni"))
    try:
        return LoadedEngines(
            load_counter(settings).count, load_embedder(settings, workers=1), model_fingerprint(settings)
        )
    except ModelMissing as error:
        pytest.skip(str(error))


@pytest.fixture
def small(tmp_path: Path, engines: LoadedEngines) -> SmallHome:
    """Registered, but not ingested."""
    return make_small_home(tmp_path, engines)


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The URL of an S3 server."""
    with s3_server() as url:
        yield url


@pytest.fixture
def store_url(s3: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The address of an empty store."""
    point_aws_at(s3, monkeypatch, SECRET)
    return make_bucket(s3, f"b{abs(hash(request.node.name))}")
