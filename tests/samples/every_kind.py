"""A folder with a file of every kind that people have, and the table of what becomes of each in an ingest.

`python -m tests.samples.every_kind` writes the table.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import plistlib
import shutil
import sys
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.state.files import SeenFile, seen_files
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.pipeline.run import run_pipeline
from omni_pipelines.settings import Settings
from omni_pipelines.sources.registry import register, save_sources
from omni_pipelines.steps.step import LoadedEngines
from omni_pipelines.steps.step_table import new_run
from omni_pipelines.testing.fakes import FakeEmbedder, WordCounter
from tests.samples.features import FILES
from tests.samples.fidelity import PAGE, with_table
from tests.samples.scans import scanned_pdf
from tests.samples.seven_zip import seven_zip

_PROSE = b"The pump stands in the cellar of the house.\n"
_FICTION_BOOK = b"""<?xml version="1.0"?>
<FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0">
<description><title-info><book-title>The Pump</book-title></title-info></description>
<body><section><title><p>The cellar</p></title><p>The pump stands still.</p></section></body>
</FictionBook>
"""


def _file(name: str) -> bytes:
    """The file of a format, with some words."""
    return FILES[name](lambda feature: "".join(filter(str.isalnum, feature.title())))


def _tar() -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        entry = tarfile.TarInfo("pump.txt")
        entry.size = len(_PROSE)
        archive.addfile(entry, io.BytesIO(_PROSE))
    return raw.getvalue()


def _like(name: str, *names: str) -> dict[str, bytes]:
    return dict.fromkeys(names, _file(name))


KINDS: Mapping[str, Mapping[str, bytes]] = {
    "PDF": {"manual.pdf": _file("a.pdf"), "no-name": _file("a.pdf"), "scan.pdf": scanned_pdf([["A pump"]])},
    "Office": {
        **_like("a.docx", "letter.docx", "macros.docm", "template.dotx", "old-name.doc"),
        **_like("a.pptx", "talk.pptx", "template.potx", "show.ppsx"),
        **_like("a.xlsx", "prices.xlsx", "macros.xlsm", "template.xltx"),
        **{f"file{suffix}": _file(f"a{suffix}") for suffix in (".xlsb", ".doc", ".xls", ".ppt", ".rtf")},
        **{f"file{suffix}": _file(f"a{suffix}") for suffix in (".odt", ".odp", ".ods")},
        **_like("a.pages", "file.pages", "file.numbers", "file.key"),
    },
    "books": {"novel.epub": _file("a.epub"), "novel.fb2": _FICTION_BOOK},
    "mail": {
        **{f"offer{suffix}": _file(f"a{suffix}") for suffix in (".eml", ".msg", ".mbox", ".mht")},
        "mail-without-a-suffix": _file("a.eml"),
    },
    "structured text": {
        "records.json": _file("a.json"),
        "records.jsonl": b'{"part": "pump", "kg": 7}\n{"part": "valve", "kg": 2}\n',
        **_like("a.geojson", "map.geojson"),
        "table.csv": _file("a.csv"),
        "table.tsv": b"part\tkg\npump\t7\n",
        "settings.yaml": _file("a.yaml"),
        "settings.toml": b'[pump]\nname = "cellar"\n',
        "settings.plist": plistlib.dumps({"pump": "cellar"}),
        **{f"settings{suffix}": b"pump=cellar\n" for suffix in (".properties", ".conf", ".env", ".ini")},
        "page.html": _file("a.html"),
        "data.xml": _file("a.xml"),
        "notebook.ipynb": _file("a.ipynb"),
        "notes.md": _file("a.md"),
    },
    "markup and drawings": {
        **{
            f"text{suffix}": _file(f"a{suffix}")
            for suffix in (".rst", ".adoc", ".org", ".tex", ".bib", ".texi", ".wiki", ".docbook", ".opml", ".svg")
        },
        **_like("a.info", "pump.info", "pump.info-1"),
        **_like("a.man", "pump.1", "pump.man"),
        "plan.drawio": b"<mxGraphModel><root><mxCell id='1' value='Pump' vertex='1'/></root></mxGraphModel>",
        "plan.puml": b"@startuml\nPump -> Valve: opens\n@enduml\n",
        "film.vtt": _file("a.vtt"),
        "film.srt": b"1\n00:00:01,000 --> 00:00:02,000\nThe pump stands still.\n",
    },
    "persons and dates": {"dates.ics": _file("a.ics"), "people.vcf": _file("a.vcf")},
    "data sets": {
        **{f"parts{suffix}": _file(f"a{suffix}") for suffix in (".parquet", ".sqlite")},
        "site.warc": _file("a.warc"),
    },
    "programs and logs": {
        "pump.py": _file("a.py"),
        "pump.go": _file("a.go"),
        **{f"start{suffix}": b"echo pump\n" for suffix in (".sh", ".bat", ".cmd", ".ps1")},
        **dict.fromkeys(("change.diff", "change.patch"), b"--- a\n+++ b\n@@ -1 +1 @@\n-pump\n+valve\n"),
        **dict.fromkeys(("access.log", "access.log.1"), b"GET /pump 200\n" * 9),
    },
    "files without a suffix": dict.fromkeys(
        ("INSTALL", "NOTICE", "COPYING", "README", "Jenkinsfile", "Makefile", "notes"), _PROSE
    ),
    "files with a wrong suffix": {"really-a-pdf.txt": _file("a.pdf"), "really-a-text.docx": _PROSE},
    "archives": {
        "parts.zip": _file("a.zip"),
        "parts.7z": seven_zip({"pump.txt": _PROSE}),
        "parts.tar": _tar(),
        "parts.tar.gz": gzip.compress(_tar()),
        "pump.txt.gz": gzip.compress(_PROSE),
        "pump.txt.bz2": bz2.compress(_PROSE),
        "pump.txt.xz": lzma.compress(_PROSE),
    },
}
"""Kind to the files of the folder, by their names."""


def fates_of_every_kind(folder: Path) -> list[SeenFile]:
    """Ingest a file of every kind from a folder, and say what became of each."""
    for name, raw in (item for files in KINDS.values() for item in files.items()):
        (folder / "files").mkdir(parents=True, exist_ok=True)
        (folder / "files" / name).write_bytes(raw)
    home = Home(folder / HOME_NAME)
    home.create()
    save_sources(home, register([], [folder / "files"])[0])
    engines = LoadedEngines(WordCounter().count, FakeEmbedder(), "fake")
    run_pipeline(new_run(home, Settings(), engines, "every kind"))
    return seen_files(home, require_release(home), None)


def fates_table(seen: list[SeenFile]) -> str:
    """What became of each file, as Markdown."""
    fate_of = {file.path: f"{file.fate.value}{f': {file.reason}' if file.reason else ''}" for file in seen}
    lines = ["| kind | fate | files |", "|---|---|---|"]
    for kind, files in KINDS.items():
        by_fate: dict[str, list[str]] = defaultdict(list)
        for name in files:
            by_fate[fate_of.get(name, "skipped")].append(f"`{name}`")
        lines += [f"| {kind} | {fate} | {' '.join(names)} |" for fate, names in by_fate.items()]
    return "\n".join(lines) + "\n"


def _table_with(programs: str) -> str:
    """The table when PATH is `programs`."""
    os.environ["PATH"] = programs
    with tempfile.TemporaryDirectory() as made:
        return fates_table(fates_of_every_kind(Path(made)))


def main() -> None:
    """Write the table without LibreOffice; an error if LibreOffice, where it is installed, gives another one."""
    programs = os.environ["PATH"]
    written = _table_with("")
    if shutil.which("soffice", path=programs) and _table_with(programs) != written:
        sys.exit("with LibreOffice, a file has another fate: the page says that it has none")
    PAGE.write_text(with_table(PAGE.read_text("utf-8"), "fates", written), "utf-8")


if __name__ == "__main__":
    main()
