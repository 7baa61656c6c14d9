"""The process that parses documents: its answers, its limits, and what its crash costs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from native.grammars import FOLDER_VARIABLE
from omni_pipelines.knowledge.state.releases import require_release
from omni_pipelines.operations.scrub import scrub
from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.schemas import DOCUMENTS
from omni_pipelines.sources.kinds import list_source
from omni_pipelines.sources.registry import load_sources
from omni_pipelines.steps.document_plan import plan_source
from omni_pipelines.steps.parser_process import DocumentParser
from omni_pipelines.steps.quarantine import Refusal, record_refusals
from omni_pipelines.tables import open_table
from omni_pipelines.text.readers.formats import PLAIN, Reader
from omni_pipelines.text.readers.registry import reader_by_content, reader_for, reader_named
from tests.integration.line import Line, write
from tests.samples import data_files, office, sheets
from tests.samples.office import docx, word_paragraph
from tests.samples.pdf import pdf
from tests.samples.valid import VALID

ROOT = Path(__file__).parents[3]
READ_BY_CONTENT = f"{PLAIN.fingerprint}+{reader_named('pdf').fingerprint}"
HTML = b"<h1>Otters</h1><p>They swim."


def reader(path: str) -> Reader:
    found = reader_for(path)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def parser() -> Iterator[DocumentParser]:
    """One for all tests: each may find a process that runs, or none."""
    with DocumentParser() as parser:
        yield parser


def child(parser: DocumentParser) -> subprocess.Popen[bytes]:
    assert parser._process is not None
    return parser._process._child


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        ("a.html", HTML),
        ("a.pdf", pdf([["One."], ["Two."]], outline=[("Part", 2)])),
        ("a.go", "package a\n\nfunc É() {}\n".encode("utf-16")),
    ],
)
def test_parser_process_returns_the_same_document_as_the_reader(
    parser: DocumentParser, path: str, raw: bytes
) -> None:
    there, here = parser.read(reader(path), raw, path), reader(path).read(raw, path)
    positions = list(range(len(here.text) + 1))
    assert (there.text, there.title, there.sections, there.page_marks) == (
        here.text,
        here.title,
        here.sections,
        here.page_marks,
    )
    assert there.byte_offsets(positions) == here.byte_offsets(positions)
    assert [there.line(position) for position in positions] == [here.line(position) for position in positions]


def test_plain_formats_start_no_process() -> None:
    with DocumentParser() as parser:
        parser.read(reader("a.md"), b"# A\n", "a.md")
        assert parser._process is None


def test_parser_process_serves_many_documents_and_ends_with_its_context() -> None:
    with DocumentParser() as parser:
        pids = {(parser.read(reader("a.html"), HTML, "a.html"), child(parser).pid)[1] for _ in range(5)}
        process = child(parser)
    assert len(pids) == 1
    assert process.poll() is not None


def test_parser_process_is_replaced_after_its_share_of_documents() -> None:
    ended = []
    with DocumentParser(max_documents=2) as parser:
        for _ in range(4):
            parser.read(reader("a.html"), HTML, "a.html")
            ended.append(parser._process is None)
    assert ended == [False, True, False, True]


def test_parser_process_of_a_large_parent_is_not_replaced() -> None:
    """The resource usage of a child process starts with the peak memory of its parent."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "held = bytearray(700 << 20); held[::4096] = bytes(len(held[::4096])); del held\n"
        "from omni_pipelines.steps.parser_process import DocumentParser\n"
        "from omni_pipelines.text.readers.registry import reader_for\n"
        "with DocumentParser() as parser:\n"
        "    parser.read(reader_for('a.html'), b'<p>Otters swim.', 'a.html')\n"
        "    print(parser._process is not None)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script, str(ROOT)], capture_output=True, text=True, check=False)
    assert ran.stdout == "True\n", ran.stderr


def test_parser_process_continues_after_a_refusal(parser: DocumentParser) -> None:
    with pytest.raises(Unreadable, match="E_NO_TEXT"):
        parser.read(reader("a.html"), b"<script>1</script>", "a.html")
    assert parser._process is not None


def test_parser_process_that_crashes_costs_one_document(parser: DocumentParser) -> None:
    parser.read(reader("a.html"), HTML, "a.html")
    os.kill(child(parser).pid, signal.SIGSEGV)
    with pytest.raises(Unreadable, match="E_CRASH_SIGSEGV"):
        parser.read(reader("a.html"), HTML * 100_000, "a.html")
    assert parser.read(reader("a.html"), HTML, "a.html").title == "Otters"


def test_parser_process_that_aborts_with_memory_left_crashed(parser: DocumentParser) -> None:
    parser.read(reader("a.html"), HTML, "a.html")
    os.kill(child(parser).pid, signal.SIGABRT)
    with pytest.raises(Unreadable, match="E_CRASH_SIGABRT"):
        parser.read(reader("a.html"), HTML * 100_000, "a.html")


def test_parser_process_of_a_large_parent_that_aborts_crashed_too() -> None:
    code = f"""
import os, signal
from omni_pipelines.steps.parser_process import DocumentParser
from omni_pipelines.text.readers.registry import reader_for
large = bytearray(1 << 30)
with DocumentParser() as parser:
    parser.read(reader_for("a.html"), {HTML!r}, "a.html")
    os.kill(parser._process._child.pid, signal.SIGABRT)
    try:
        parser.read(reader_for("a.html"), {HTML!r} * 100_000, "a.html")
    except Exception as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert "E_CRASH_SIGABRT" in done.stdout


def test_crash_of_a_parser_is_stored_with_its_signal(line: Line, docs: Path) -> None:
    write(docs, {"a.html": HTML})
    line.add(docs)
    (source,) = load_sources(line.home)
    (file,) = plan_source(line.home, line.settings, list_source(source)).to_read
    crash = Unreadable(RefusalCode.CRASH, "its parser crashed", signal="SIGSEGV")
    record_refusals(line.home, source.name, [Refusal(file, reader("a.html").fingerprint, crash)])
    assert line.rows("quarantine", "code", "stage") == [{"code": "E_CRASH_SIGSEGV", "stage": "parse"}]


def test_parser_process_without_an_answer_is_stopped() -> None:
    with DocumentParser(seconds=0.3) as parser:
        parser.read(reader("a.html"), HTML, "a.html")
        os.kill(child(parser).pid, signal.SIGSTOP)
        with pytest.raises(Unreadable, match="E_TIMEOUT"):
            parser.read(reader("a.html"), HTML, "a.html")
        assert parser._process is None


def test_source_code_is_read_as_text_if_its_parser_crashes(parser: DocumentParser) -> None:
    parser.read(reader("a.go"), b"package a\n", "a.go")
    os.kill(child(parser).pid, signal.SIGKILL)
    assert parser.read(reader("a.go"), b"package a\n", "a.go").text == "package a\n"


def test_source_code_has_symbols_though_its_grammar_was_never_unpacked(tmp_path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from omni_pipelines.steps.parser_process import DocumentParser\n"
        "from omni_pipelines.text.readers.registry import reader_for\n"
        "with DocumentParser() as parser:\n"
        "    files = {'A.java': b'class Otter {}', 'b.kt': b'class Heron', 'c.json': b'{\"Owl\": {\"a\": [1]}}'}\n"
        "    for name, code in files.items():\n"
        "        print([section.path for section in parser.read(reader_for(name), code, name).sections])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(ROOT)],
        capture_output=True, text=True, check=False, env={FOLDER_VARIABLE: str(tmp_path / "grammars")},
    )  # fmt: skip
    assert [line for line in ran.stdout.splitlines() if line.startswith("[(")] == [
        "[('Otter',), ()]",
        "[('Heron',), ()]",
        "[('Owl',), ()]",
    ], ran.stderr


# --- the limits


def attempt(code: str, *arguments: str) -> str:
    """Run code in a limited process: `done`, the name of its exception, or the signal that killed it."""
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from omni_pipelines.text.readers import parser_worker\nparser_worker.limit_process()\n"
        f"try:\n    {code}\n    print('done')\nexcept OSError:\n    print('OSError')\n"
        "except BaseException as error:\n    print(type(error).__name__)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-c", script, *arguments], capture_output=True, text=True, check=False, env={}
    )
    return ran.stdout.strip() or signal.Signals(-ran.returncode).name


ATTEMPTS = {
    "memory": ("bytearray(2 << 30)", "MemoryError"),
    "file": ("import os; os.write(os.open(sys.argv[1], os.O_WRONLY), b'x')", "OSError"),
    "unlink": ("import os; os.unlink(sys.argv[1])", "OSError"),
    "rename": ("import os; os.rename(sys.argv[1], sys.argv[1] + '2')", "OSError"),
    "mkdir": ("import os; os.mkdir(sys.argv[1] + '.d')", "OSError"),
    "symlink": ("import os; os.symlink('/', sys.argv[1] + '.link')", "OSError"),
    "truncate": ("import os; os.truncate(sys.argv[1], 0)", "OSError"),
    "fork": ("import os; os.fork() or os._exit(0)", "OSError"),
    "subprocess": ("import subprocess; subprocess.run(['/bin/true'])", "OSError"),
    "exec": ("import os; os.execv('/bin/true', ['true'])", "OSError"),
    "parent's environment": ("import os; open(f'/proc/{os.getppid()}/environ').read()", "OSError"),
    "file of the user": ("open(sys.argv[1]).read()", "OSError"),
    "signal": ("import os; os.kill(os.getppid(), 0)", "OSError"),
    "thread": ("import threading; thread = threading.Thread(target=int); thread.start(); thread.join()", "done"),
    "handles": ("[open('/dev/null') for _ in range(100)]", "OSError"),
    "processor": ("parser_worker.allow_cpu(0)\n    while True: pass", "SIGXCPU"),
}


@pytest.mark.parametrize(("code", "outcome"), ATTEMPTS.values(), ids=ATTEMPTS)
def test_limited_process_cannot_exceed_its_limits(code: str, outcome: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert attempt(code, str(tmp_path / "file")) == outcome


def test_limited_process_has_no_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = f"import socket; socket.create_connection({server.getsockname()!r}, timeout=5)"
        outcome = attempt(code)
    if outcome == "done":
        pytest.skip("on this system a process cannot give up its network")
    assert outcome == "OSError"


# --- the format by content


@pytest.mark.parametrize(
    ("path", "raw", "name"),
    [
        ("a.txt", pdf([["One."]]), "pdf"),
        ("a.pdf", docx(word_paragraph("One.")), "docx"),
        ("a.txt", b"{\\rtf1 x}", "rtf"),
        ("a.md", b"<!DOCTYPE html>\n<p>x", "html"),
        ("a.xml", b"\xef\xbb\xbf<html lang='en'>", "html"),
        ("a.php", b"<!DOCTYPE html>\n<?php ?>", "code"),
        ("a.md", b"A <html> tag, and %PDF- in a text", "markdown"),
        ("a.docx", b"PK no zip \0", "docx"),
        ("a.docx", b"only text", "text"),
        ("a.rtf", b"only text", "text"),
        ("a.ics", b"only text", "text"),
        ("a.txt", b"BEGIN:VCALENDAR\r\n", "calendar"),
        ("a.txt", b"WEBVTT - Talk\n\n", "subtitles"),
        ("server.key", b"-----BEGIN PUBLIC KEY-----\n", "text"),
        ("a.xls", office.xlsx({"S": [["x"]]}), "xlsx"),
        ("a.csv", sheets.old_workbook([["x"]]), "csv"),
        ("a.ods", sheets.binary_workbook([["x"]]), "xlsb"),
        ("a.xlsx", sheets.ods(""), "ods"),
        ("a.txt", data_files.sqlite("create table t(a)"), "sqlite"),
        ("a.json", data_files.parquet({"a": [1]}), "parquet"),
        ("a.json", b'{"name": "x", "type": "FeatureCollection", "features": []}', "geojson"),
        ("a.json", b'{"kind": {"type": "FeatureCollection"}}', "json"),
        ("a.md", b"PK\x03\x04 damaged", "markdown"),
    ],
)
def test_reader_depends_on_an_unmistakable_content(path: str, raw: bytes, name: str) -> None:
    assert reader_by_content(reader(path), raw).name == name


def test_file_with_a_wrong_suffix_is_read_once_by_its_content(line: Line, docs: Path, reads: list[str]) -> None:
    write(docs, {"river.txt": pdf([["Otters swim."]])})
    line.add(docs)
    line.run()
    (row,) = line.rows("documents", "parser", "media_type")
    assert row == {"parser": READ_BY_CONTENT, "media_type": "application/pdf"}
    assert line.search("otters")[0].page == 1
    reads.clear()
    line.run()
    assert reads == []


def test_damaged_file_with_a_wrong_suffix_is_refused_once_by_its_content(
    line: Line, docs: Path, reads: list[str]
) -> None:
    write(docs, {"river.txt": b"%PDF-1.7 nothing"})
    line.add(docs)
    line.ingest()
    assert line.rows("quarantine", "parser", "code") == [{"parser": READ_BY_CONTENT, "code": "E_PARSE"}]
    reads.clear()
    line.ingest()
    assert reads == []


def test_scrub_finds_no_damage_in_documents_of_every_kind(line: Line, docs: Path) -> None:
    files = {f"{name}.txt": raw[0] for name, raw in VALID.items() if name in ("pdf", "docx", "epub", "rtf")}
    write(docs, {**files, "a.pdf": VALID["pdf"][0], "a.xml": VALID["xml"][0], "a.rs": VALID["code"][0]})
    line.add(docs)
    line.run()
    assert len(line.rows("documents", "path")) == 7
    assert scrub(line.home, require_release(line.home)).damage == ()


def test_newer_reader_of_the_content_reads_a_file_again(line: Line, docs: Path, reads: list[str]) -> None:
    write(docs, {"river.txt": pdf([["Otters swim."]])})
    line.add(docs)
    line.ingest()
    reads.clear()
    line.ingest()
    assert reads == []
    documents = open_table(line.home, DOCUMENTS)
    row = documents.read().to_pylist()[0]
    older = {**row, "parser": f"{PLAIN.fingerprint}+pdf/1"}
    documents.upsert(DOCUMENTS.key, pa.Table.from_pylist([older], schema=DOCUMENTS.schema))
    line.ingest()
    assert reads == ["river.txt"]
