"""Scans and pictures that text recognition could read, and that were not read."""

from typing import NamedTuple

from native import text_recognition
from native.lance_tables import LanceTable, TableVersion
from omni_pipelines.home import Home
from omni_pipelines.knowledge.state.table_files import read_quarantine
from omni_pipelines.knowledge.state.unread_files import read_unread
from omni_pipelines.records import Release
from omni_pipelines.refusals import RECOGNIZABLE, Fate
from omni_pipelines.schemas import DOCUMENTS


class Recognizable(NamedTuple):
    """Numbers of files."""

    scans: int
    """Documents without text on some or all pages."""
    pictures: int
    """Files of pictures; most pictures show no text."""


def recognizable(home: Home, release: Release) -> Recognizable:
    """How many files text recognition could read.

    Raises:
        EngineError: the table of documents is damaged.
    """
    from omni_pipelines.text.readers.registry import picture_reader  # all readers: a search need not wait for them

    version = TableVersion.parse(release.tables[DOCUMENTS.name]).version
    partial = LanceTable(home.table(DOCUMENTS.name)).read(["source", "path", "partial"], version=version)
    reasons = {(row["source"], row["path"]): row["partial"] for row in partial.to_pylist()}
    for row in read_quarantine(home, ["source", "path", "detail"]):
        reasons[row["source"], row["path"]] = row["detail"]
    unread = (file for files in read_unread(home).values() for file in files if file.fate is Fate.UNKNOWN)
    return Recognizable(
        sum(RECOGNIZABLE in reason for reason in reasons.values()),
        sum(picture_reader(file.path) is not None for file in unread),
    )


def recognition_hint(found: Recognizable) -> str:
    """How many files could be read, and how; "" if there are none."""
    counts = [
        f"{count:,} {name.removesuffix('s') if count == 1 else name}"
        for name, count in found._asdict().items()
        if count
    ]
    if not counts:
        return ""
    install = "" if text_recognition.installed() else f"{text_recognition.INSTALL}, "
    return f"{' and '.join(counts)} could be read: {install}set ocr = true in omni.toml, and run omni ingest"
