"""What steps hand to workers can be copied to other processes. Ray copies it in the same way."""

from __future__ import annotations

import functools
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import pytest

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.settings import Settings
from omni_pipelines.sources.model.listing import FileContent, SourceFile
from omni_pipelines.sources.model.source import Source
from omni_pipelines.steps.chunks import chunks_of
from omni_pipelines.steps.file_reading import ContentReader, OpenedFile
from omni_pipelines.steps.parser_process import DocumentParser
from omni_pipelines.steps.quarantine import Refusal
from omni_pipelines.steps.step import ConfiguredEngines, embedded
from omni_pipelines.text.readers.formats import PLAIN, READERS, UNKNOWN

SOURCE = Source(name="notes", root=Path("/notes"), include=("*.md",), exclude=("drafts/",))
FILE = SourceFile("a.md", 5, 0, "mark", READERS[0])
SETTINGS = Settings()


@pytest.mark.parametrize(
    "handed",
    [
        ContentReader(SOURCE, SETTINGS, DocumentParser()),
        OpenedFile(FILE, FileContent(b"Words", "mark", READERS[1])),
        OpenedFile(FILE, Unreadable(RefusalCode.VANISHED, "the file is gone")),
        Refusal(FILE, "x/1", Unreadable(RefusalCode.PARSE, "no text")),
        functools.partial(chunks_of, SETTINGS, ConfiguredEngines(SETTINGS)),
        functools.partial(embedded, ConfiguredEngines(SETTINGS), "document"),
    ],
    ids=["reader", "file", "file that is gone", "refusal", "cutter", "embedder"],
)
def test_work_and_its_items_can_be_copied_to_another_process(handed: object) -> None:
    assert isinstance(ForkingPickler.loads(ForkingPickler.dumps(handed)), type(handed))


def test_reader_of_a_format_stays_the_same_object() -> None:
    """Readers are compared by identity."""
    for reader in (*READERS, PLAIN, UNKNOWN):
        assert ForkingPickler.loads(ForkingPickler.dumps(reader)) is reader


def test_engines_of_a_worker_use_one_thread() -> None:
    copy = ForkingPickler.loads(ForkingPickler.dumps(ConfiguredEngines(Settings(workers=8))))
    assert copy.__reduce__()[1][0].workers == 1
