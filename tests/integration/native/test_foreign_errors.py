"""Errors that the engines and the system really raise become ours, with the right code."""

from __future__ import annotations

import errno
import importlib
import os
import socket
import sqlite3
import ssl
import subprocess
import sys
import tomllib
import urllib.error
import zipfile
from collections.abc import Callable
from email.message import Message
from http.client import BadStatusLine
from pathlib import Path
from typing import Any

import duckdb
import filelock
import lance
import onnxruntime  # type: ignore[import-untyped]
import orjson
import pyarrow as pa
import pydantic
import pytest
import safetensors.numpy
import tantivy
import tiktoken
from tokenizers import Tokenizer

from native import duckdb_sql
from native.errors import (
    EngineError,
    IndexCorrupt,
    IndexMissing,
    ModelCorrupt,
    TableCorrupt,
    TableMissing,
    WriteConflict,
)
from native.foreign_errors import (
    FOREIGN_NUMBERS,
    FOREIGN_TYPES,
    MODEL,
    TABLE,
    engine_errors,
    meaning_of,
    translate,
)
from native.lance_tables import LanceTable
from native.tantivy_index import KeywordIndex
from omni_pipelines.errors import from_exception
from omni_pipelines.executors import CommandExecutor
from omni_pipelines.responses import ToolResponse

ROWS = pa.table({"key": ["a", "b"], "n": [1, 2]})
SCHEMA = pa.schema([pa.field("key", pa.string(), nullable=False), pa.field("n", pa.int64())])


class Row(pydantic.BaseModel, frozen=True):
    n: int


def raised(call: Callable[[], Any]) -> BaseException:
    try:
        call()
    except BaseException as error:  # noqa: BLE001  # a panic of Rust is among them
        return error
    pytest.fail("nothing was raised")


def table(folder: Path) -> LanceTable:
    found = LanceTable(folder / "rows.lance")
    found.create(SCHEMA)
    found.upsert("key", ROWS.cast(SCHEMA))
    return found


def lost_race(folder: Path) -> Any:
    dataset = table(folder).open()
    lance.write_dataset(ROWS, dataset.uri, mode="overwrite")
    return dataset.delete("n = 1", conflict_retries=0)


def second_writer(folder: Path) -> Any:
    index = KeywordIndex.create(folder / "index", ())
    with index.writer():
        return tantivy.Index.open(str(index.folder)).writer(20_000_000, 1)


def spent_writer(folder: Path) -> Any:
    writer = KeywordIndex.create(folder / "index", ())._index.writer(20_000_000, 1)
    writer.wait_merging_threads()
    return writer.commit()


def index_without_a_segment(folder: Path) -> Any:
    index = KeywordIndex.create(folder / "index", ())
    writer = index._index.writer(20_000_000, 1)
    writer.add_document(tantivy.Document(key="a"))
    writer.commit()
    writer.wait_merging_threads()
    next((folder / "index").glob("*.term")).unlink()
    return tantivy.Index.open(str(index.folder)).searcher()


def closed_connection(_: Path) -> Any:
    connection = duckdb.connect()
    connection.close()
    return connection.execute("select 1")


def too_much_memory(_: Path) -> Any:
    with duckdb.connect(config={"memory_limit": "10MB", "threads": "1", "temp_directory": ""}) as connection:
        return connection.execute("select list(range) from range(10000000)").fetchall()


def broken_constraint(_: Path) -> Any:
    with duckdb.connect() as connection:
        return connection.execute("create table t (a int primary key); insert into t values (1), (1)")


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def taken_lock(folder: Path) -> Any:
    with filelock.FileLock(folder / "lock"):
        return filelock.FileLock(folder / "lock", timeout=0).acquire()


def full_disk(_: Path) -> Any:
    with open("/dev/full", "wb", buffering=0) as file:
        return file.write(b"x")


def tokens(pattern: str, text: str) -> Any:
    ranks = {b"a": 0}
    return tiktoken.Encoding("x", pat_str=pattern, mergeable_ranks=ranks, special_tokens={}).encode(text)


REAL: list[tuple[str, Callable[[Path], Any], str]] = [
    ("lance: no table", lambda at: lance.dataset(str(at / "none.lance")), "4003"),
    ("lance: no such version", lambda at: lance.dataset(str(table(at).path), version=99), "4003"),
    ("lance: no such tag", lambda at: table(at).open().tags.delete("none"), "4003"),
    ("lance: no such index", lambda at: table(at).open().drop_index("none"), "4003"),
    ("lance: no such column", lambda at: table(at).open().to_table(columns=["none"]), "1001"),
    ("lance: no such filter column", lambda at: table(at).open().to_table(filter="none = 1"), "1001"),
    ("lance: broken filter", lambda at: table(at).open().to_table(filter="n ==== 'x"), "1001"),
    ("lance: no such key", lambda at: table(at).upsert("none", ROWS), "1001"),
    (
        "lance: other schema",
        lambda at: lance.write_dataset(pa.table({"b": [1]}), table(at).path, mode="append"),
        "1001",
    ),
    ("lance: not a vector", lambda at: table(at).open().scanner(nearest={"column": "n", "q": [1.0], "k": 1}), "1001"),
    ("lance: there already", lambda at: lance.write_dataset(ROWS, table(at).path, mode="create"), "3005"),
    ("lance: lost race", lost_race, "3005"),
    ("lance: no place", lambda at: lance.write_dataset(ROWS, "/proc/none.lance"), "4003"),
    ("lance: a file in the way", lambda at: lance.write_dataset(ROWS, written(at / "f", b"") / "x.lance"), "4003"),
    ("tantivy: no folder", lambda at: tantivy.Index.open(str(at / "none")), "4003"),
    ("tantivy: empty folder", lambda at: tantivy.Index.open(str(at)), "4003"),
    ("tantivy: broken meta", lambda at: tantivy.Index.open(str(written(at / "meta.json", b"{").parent)), "4004"),
    ("tantivy: no segment", index_without_a_segment, "4004"),
    ("tantivy: second writer", second_writer, "3005"),
    ("tantivy: spent writer", spent_writer, "3005"),
    ("tantivy: small heap", lambda at: KeywordIndex.create(at / "i", ())._index.writer(10, 1), "1001"),
    (
        "tantivy: no such field",
        lambda at: KeywordIndex.create(at / "i", ())._index.parse_query("a", ["none"]),
        "1001",
    ),
    ("arrow: mixed types", lambda _: pa.array([1, "a"]), "1005"),
    ("arrow: no such cast", lambda _: pa.array([1]).cast(pa.struct([])), "1003"),
    ("arrow: wrong type", lambda _: pa.array(["a"], pa.binary()).cast(pa.int8()), "1005"),
    ("arrow: not a file of its own", lambda _: pa.ipc.open_file(b"xxxx"), "1005"),
    ("arrow: no file", lambda at: pa.memory_map(str(at / "none")), "4003"),
    ("duckdb: no SQL", lambda _: duckdb.sql("selec 1"), "1001"),
    ("duckdb: no column", lambda _: duckdb.sql("select none_such"), "1001"),
    ("duckdb: no table", lambda _: duckdb.sql("select * from none_such"), "1001"),
    ("duckdb: no number", lambda _: duckdb.connect().execute("select 'a'::int"), "1001"),
    (
        "duckdb: too large",
        lambda _: duckdb.connect().execute("select 9223372036854775807::bigint * 2"),
        "1004",
    ),
    ("duckdb: twice the same key", broken_constraint, "3005"),
    ("duckdb: no database", lambda at: duckdb.connect(str(written(at / "x.db", b"junk" * 999))), "4001"),
    ("duckdb: no memory", too_much_memory, "3002"),
    ("duckdb: closed", closed_connection, "3005"),
    ("onnxruntime: no graph", lambda at: onnxruntime.InferenceSession(str(written(at / "m", b"junk"))), "3006"),
    ("onnxruntime: no file", lambda at: onnxruntime.InferenceSession(str(at / "none.onnx")), "3006"),
    ("onnxruntime: empty", lambda _: onnxruntime.InferenceSession(b""), "1001"),
    ("safetensors: cut", lambda _: safetensors.numpy.load(b"xx"), "3006"),
    ("tokenizers: no JSON", lambda at: Tokenizer.from_file(str(written(at / "t.json", b"junk"))), "1005"),
    ("tokenizers: no file", lambda at: Tokenizer.from_file(str(at / "none.json")), "4003"),
    ("tiktoken: panic", lambda _: tokens(r"\w+", "ab"), "3002"),
    ("pydantic: wrong type", lambda _: Row(n="x"), "1001"),
    ("pydantic: not for JSON", lambda _: pydantic.TypeAdapter(object).dump_json(object()), "1003"),
    ("pydantic: no schema", lambda _: pydantic.TypeAdapter(type("Unknown", (), {})), "3002"),
    ("orjson: cut", lambda _: orjson.loads(b"{"), "1005"),
    ("json: cut", lambda _: importlib.import_module("json").loads("{"), "1005"),
    ("toml: cut", lambda _: tomllib.loads("a ="), "1005"),
    ("zip: no archive", lambda at: zipfile.ZipFile(written(at / "x.zip", b"junk")), "1005"),
    ("text: no UTF-8", lambda _: b"\xff".decode(), "1005"),
    (
        "sqlite: no database",
        lambda at: sqlite3.connect(written(at / "x", b"junk" * 999)).execute("select * from a"),
        "4001",
    ),
    ("filelock: taken", taken_lock, "3005"),
    (
        "process: too slow",
        lambda _: subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.05),
        "3003",
    ),
    (
        "process: failed",
        lambda _: subprocess.run([sys.executable, "-c", "1/0"], capture_output=True, check=True),
        "3002",
    ),
    ("python: no module", lambda _: importlib.import_module("no_such_module"), "3006"),
    ("system: no file", lambda at: (at / "none").read_bytes(), "4003"),
    ("system: a file for a folder", lambda at: (written(at / "f", b"") / "x").read_bytes(), "4003"),
    ("system: a folder for a file", lambda at: at.read_bytes(), "1001"),
    ("system: there already", lambda at: at.mkdir(), "3005"),
    ("system: name too long", lambda at: (at / ("x" * 999)).touch(), "1001"),
    ("system: disk full", full_disk, "4002"),
    ("network: nobody listens", lambda _: socket.create_connection(("127.0.0.1", 1), timeout=5), "6001"),
]


@pytest.mark.filterwarnings("ignore:unclosed")
@pytest.mark.parametrize(("call", "code"), [each[1:] for each in REAL], ids=[each[0] for each in REAL])
def test_real_error_has_its_code(call: Callable[[Path], Any], code: str, tmp_path: Path) -> None:
    error = raised(lambda: call(tmp_path))
    ours = from_exception(error)
    assert ours.code == code, f"{type(error).__module__}.{type(error).__name__}: {error}"
    assert ours.message
    assert "/rust/" not in ours.message
    assert "\n" not in ours.message
    assert ToolResponse.from_exception(error).error_code == code


FEW_HANDLES = """
import resource, sys
from omni_pipelines.errors import from_exception
resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))
opened = []
try:
    while True:
        opened.append(open(sys.executable, "rb"))
except OSError as error:
    ours = from_exception(error)
print(ours.code, ours.retryable, ours.exit_code)
"""


def test_too_many_open_files_is_retryable() -> None:
    done = subprocess.run([sys.executable, "-c", FEW_HANDLES], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["4001", "True", "3"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file_is_a_blocked_response(tmp_path: Path) -> None:
    path = written(tmp_path / "secret", b"x")
    path.chmod(0)
    assert CommandExecutor().execute(path.read_bytes).is_blocked


# --- the listed types, also those that no test can provoke


def class_of(name: str) -> type[BaseException]:
    package, _, kind = name.partition(".")
    modules = {
        "duckdb": "_duckdb",
        "http": "http.client",
        "urllib": "urllib.error",
        "google": "google.protobuf.message",
        "onnxruntime": "onnxruntime.capi.onnxruntime_pybind11_state",
    }
    if package == "pyo3_runtime":
        return type(raised(lambda: tokens(r"\w+", "ab")))
    found: type[BaseException] = getattr(importlib.import_module(modules.get(package, package)), kind)
    return found


def made(kind: type[BaseException]) -> BaseException:
    """An instance, made without the arguments of its constructor where possible."""
    if kind.__module__.startswith("pydantic_core"):
        return kind.__new__(kind, "title", []) if kind.__name__ == "ValidationError" else kind.__new__(kind, "text")
    return kind.__new__(kind)


@pytest.mark.parametrize("name", FOREIGN_TYPES)
def test_listed_type_exists_and_has_its_meaning(name: str) -> None:
    assert meaning_of(made(class_of(name))) == FOREIGN_TYPES[name]


@pytest.mark.parametrize("name", [name for name in FOREIGN_TYPES if not name.startswith("pydantic_core")])
def test_subclass_of_a_listed_type_has_the_same_meaning(name: str) -> None:
    kind = class_of(name)
    below: type[BaseException] = type("Below", (kind,), {"__module__": "somewhere.else"})
    assert meaning_of(below.__new__(below)) == FOREIGN_TYPES[name]


@pytest.mark.parametrize("module", ["_duckdb", "pyarrow.lib", "onnxruntime.capi.onnxruntime_pybind11_state"])
def test_every_exception_of_an_engine_has_a_meaning(module: str) -> None:
    found = vars(importlib.import_module(module)).values()
    kinds = {each for each in found if isinstance(each, type) and issubclass(each, Exception)}
    own = {kind for kind in kinds if kind.__module__ == module}
    assert len(own) > 5
    assert {kind.__name__ for kind in own if meaning_of(kind.__new__(kind)) is None} == set()


@pytest.mark.parametrize("number", FOREIGN_NUMBERS, ids=errno.errorcode.get)
def test_system_error_has_the_same_meaning_from_python_and_engine(number: int) -> None:
    text = os.strerror(number)
    from_python = OSError(number, text, "a/path")
    from_lance = OSError(
        f"LanceError(IO): Generic LocalFileSystem error: {text} (os error {number}), /rust/lance/x.rs:1:2"
    )
    assert meaning_of(from_python) == meaning_of(from_lance) == FOREIGN_NUMBERS[number]
    assert from_exception(from_python).message == f"{text}: a/path"


def test_system_error_that_is_not_listed_is_a_read_error() -> None:
    assert from_exception(OSError(errno.EL2NSYNC, "odd")).code == "4001"
    assert from_exception(ValueError("LanceError(IO): odd (os error 45)")).code == "4001"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ssl.SSLError(1, "certificate verify failed"), "6004"),
        (socket.gaierror(-2, "Name or service not known"), "6001"),
        (urllib.error.URLError("unreachable"), "6001"),
        (urllib.error.HTTPError("http://127.0.0.1/", 500, "broken", Message(), None), "9001"),
        (BadStatusLine("x"), "6004"),
        (TimeoutError(errno.ETIMEDOUT, "timed out"), "6002"),
        (TimeoutError(), "3003"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_network_errors_have_different_codes(error: Exception, code: str) -> None:
    assert from_exception(error).code == code


@pytest.mark.parametrize(
    "error", [KeyError("x"), ValueError("not found: x"), RuntimeError("odd"), KeyboardInterrupt()]
)
def test_unknown_error_has_no_meaning(error: BaseException) -> None:
    assert meaning_of(error) is None
    assert translate(error) is None


def test_engine_words_in_a_message_of_another_library_are_ignored() -> None:
    error = raised(lambda: Row(n="LanceError(IO): commit conflict"))
    assert from_exception(error).code == "1001"


# --- the messages


def test_message_has_no_locations_of_rust_sources(tmp_path: Path) -> None:
    message = from_exception(raised(lambda: table(tmp_path).open().to_table(columns=["none"]))).message
    assert message == "Invalid user input: Schema error: No field named none."


def test_pydantic_error_names_the_first_field_and_counts_the_others() -> None:
    class Two(pydantic.BaseModel):
        a: int
        b: dict[str, int]

    error = raised(lambda: Two.model_validate({"a": "x", "b": {"c": "y"}}))
    message = from_exception(error).message
    assert message.startswith("a: Input should be a valid integer")
    assert message.endswith("(and 1 more)")


# --- around the bindings


def test_missing_subject_raises_its_class_with_its_cure() -> None:
    with pytest.raises(TableMissing, match=r"^\[4003\] table x: Ref not found") as caught:
        with engine_errors("table x", TABLE):
            raise ValueError("Ref not found error: tag x")
    assert caught.value.cure == "run: omni ingest"
    assert isinstance(caught.value.__cause__, ValueError)


def test_full_disk_is_not_reported_as_a_corrupt_table() -> None:
    error = OSError("LanceError(IO): No space left on device (os error 28)")
    found = translate(error, "table x", TABLE)
    assert type(found) is EngineError
    assert (found.code, found.cure) == ("4002", "free some disk space")


@pytest.mark.parametrize(("opening", "kind"), [(False, RuntimeError), (True, ModelCorrupt)])
def test_unknown_error_passes_unless_a_file_was_opened(opening: bool, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="odd"), engine_errors("the model", MODEL, opening=opening):
        raise RuntimeError("odd")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit(), TableMissing("x")])
def test_interrupts_and_our_own_errors_pass_unchanged(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, engine_errors("x", MODEL, opening=True):
        raise error
    assert caught.value is error


def test_commit_conflict_is_a_retryable_write_conflict(tmp_path: Path) -> None:
    found = translate(raised(lambda: lost_race(tmp_path)), "table rows")
    assert type(found) is WriteConflict
    assert (found.code, found.retryable) == ("3005", True)


def test_keyword_index_without_or_with_damaged_files_raises(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing):
        KeywordIndex.open(tmp_path, ())
    written(tmp_path / "meta.json", b"{")
    with pytest.raises(IndexCorrupt, match="cannot be opened: Data corrupted"):
        KeywordIndex.open(tmp_path, ())


def test_second_writer_of_the_keyword_index_is_a_write_conflict(tmp_path: Path) -> None:
    index = KeywordIndex.create(tmp_path / "index", ())
    with index.writer(), pytest.raises(WriteConflict, match="LockBusy"):
        KeywordIndex.open(tmp_path / "index", ()).writer()


def test_refused_query_raises_an_engine_error_with_code() -> None:
    with pytest.raises(EngineError, match="the query failed: Parser Error") as caught:
        duckdb_sql.query("selec 1", {})
    assert caught.value.code == "1001"
    with pytest.raises(EngineError) as caught:
        duckdb_sql.query("select * from read_csv('/etc/passwd')", {})
    assert caught.value.code == "2006"


@pytest.mark.parametrize(
    "error", [ValueError("Invalid user input: odd"), RuntimeError("odd"), pa.ArrowInvalid("odd")]
)
def test_vague_error_while_opening_means_a_corrupt_file(error: Exception) -> None:
    with (
        pytest.raises(TableCorrupt, match=r"cannot be opened: .*odd"),
        engine_errors("x cannot be opened", TABLE, opening=True),
    ):
        raise error


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.EMFILE, errno.ENOSPC])
def test_system_error_while_opening_keeps_its_code(number: int) -> None:
    error = ValueError(f"LanceError(IO): refused (os error {number})")
    with pytest.raises(EngineError) as caught, engine_errors("x cannot be opened", TABLE, opening=True):
        raise error
    assert type(caught.value) is EngineError
    assert caught.value.code == FOREIGN_NUMBERS[number].code
