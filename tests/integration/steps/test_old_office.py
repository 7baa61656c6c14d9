"""Old Office files: LibreOffice converts them if it is installed; else they are read without it, or name the cure."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from native import office_converter
from native.office_converter import ConversionFailed, convert_office
from tests.integration.line import Line, refused, texts, write
from tests.samples import office
from tests.samples.ole import old_word

OLD_WORD = old_word([("Plain.\r", 0, 0)])
WORD_PERFECT = b"\xffWPC\0\1" * 100
_LIBRE_OFFICE = """#!{python}
import os, shutil, sys
arguments = sys.argv[1:]
out, source = arguments[arguments.index("--outdir") + 1], arguments[-1]
target = arguments[arguments.index("--convert-to") + 1].partition(":")[0]
profile = next(each.partition("=file://")[2] for each in arguments if each.startswith("-env:UserInstallation"))
with open("{log}", "w") as log:
    print(sorted(os.environ), source, arguments[:4], sep="\\n", file=log)
    print(open(profile + "/user/registrymodifications.xcu").read(), file=log)
{act}
"""
_CONVERT = 'shutil.copy("{made}", os.path.join(out, "document." + target))'


@pytest.fixture
def libre_office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in the place of LibreOffice that makes the same Word file of everything; its log."""
    made = tmp_path / "made.docx"
    made.write_bytes(office.docx(office.word_paragraph("The otters swim.")))
    return install(tmp_path, monkeypatch, _CONVERT.format(made=made))


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, act: str) -> Path:
    log, program = folder / "log", folder / "bin" / "soffice"
    program.parent.mkdir()
    program.write_text(_LIBRE_OFFICE.format(python=sys.executable, log=log, act=act))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.defpath}")
    return log


@pytest.fixture
def without_libre_office(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office_converter, "_PROGRAMS", ())


@pytest.mark.usefixtures("without_libre_office")
def test_old_office_file_is_named_with_the_cure_until_libre_office_is_there(
    line: Line, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.add(write(docs, {"letter.wpd": WORD_PERFECT, "noname": OLD_WORD, "old.doc": OLD_WORD}))
    line.ingest()
    assert (refused(line), texts(line)) == (
        {"letter.wpd": "E_NEEDS_PROGRAM"},
        {"noname": "Plain.", "old.doc": "Plain."},
    )
    (detail,) = (row["detail"] for row in line.rows("quarantine", "detail"))
    assert "install it, then run omni ingest again" in detail
    made = tmp_path / "made.docx"
    made.write_bytes(office.docx(office.word_paragraph("The otters swim.")))
    install(tmp_path, monkeypatch, _CONVERT.format(made=made))
    monkeypatch.setattr(office_converter, "_PROGRAMS", ("soffice",))
    line.ingest()
    assert (refused(line), set(texts(line).values())) == ({}, {"The otters swim."})
    assert line.ingest().unchanged == 3


def test_libre_office_runs_with_an_empty_profile_without_macros_links_and_environment(
    libre_office: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "x")
    convert_office(OLD_WORD, ".doc", ".docx")
    environment, source, options, *settings = libre_office.read_text().splitlines()
    assert "SECRET" not in environment
    assert source.endswith("/document.doc")
    assert not Path(source).exists()
    assert "--headless" in options
    for name in ("DisableMacrosExecution", "BlockUntrustedRefererLinks", "ooInetProxyType"):
        assert any(f'oor:name="{name}"' in each for each in settings)


def test_document_that_libre_office_made_keeps_its_media_type_and_follows_the_reader_of_the_result(
    line: Line, docs: Path, libre_office: Path
) -> None:
    line.add(write(docs, {"letter.doc": OLD_WORD}))
    line.ingest()
    assert libre_office.exists()
    (row,) = line.rows("documents", "media_type", "parser")
    assert row["media_type"] == "application/msword"
    assert "+docx/" in row["parser"]


def test_file_that_libre_office_does_not_read_is_read_as_without_it(
    line: Line, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, "")
    line.add(write(docs, {"letter.wpd": WORD_PERFECT, "old.doc": OLD_WORD}))
    line.ingest()
    assert (refused(line), texts(line)) == ({"letter.wpd": "E_PARSE"}, {"old.doc": "Plain."})


def test_conversion_that_does_not_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(ConversionFailed, match="did not finish within 1 s"):
        convert_office(OLD_WORD, ".doc", ".docx", seconds=1.0)


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libre_office_converts_a_file() -> None:
    raw = rb"{\rtf1\ansi The otters swim.\par}"
    assert convert_office(raw, ".doc", ".docx").startswith(b"PK")


def test_old_file_that_is_something_else_is_read_as_that(line: Line, docs: Path) -> None:
    line.add(write(docs, {"a.doc": rb"{\rtf1\ansi The otters swim.\par}", "b.doc": b"Plain words.\n"}))
    line.ingest()
    assert texts(line) == {"a.doc": "The otters swim.", "b.doc": "Plain words.\n"}
