"""Refusal codes: their stored values and their documentation."""

from __future__ import annotations

from pathlib import Path

from omni_pipelines.refusals import RefusalCode, Unreadable

STORED = {
    "E_BINARY", "E_CHANGED", "E_CPU", "E_CRASH", "E_DEPTH", "E_EMPTY", "E_ENCODING", "E_ENCRYPTED", "E_GONE", "E_IO",
    "E_KIND", "E_MEMORY", "E_NEEDS_PROGRAM", "E_NOT_REGULAR", "E_NO_TEXT", "E_OUTPUT_LIMIT", "E_PARSE", "E_PARTIAL",
    "E_PATH", "E_PERM", "E_POINTER", "E_READER", "E_SYMLINK", "E_TIMEOUT", "E_TOO_LARGE", "E_VANISHED",
    "E_XML_ENTITY", "E_ZIP_BOMB", "E_ZIP_DUPLICATE",
}  # fmt: skip


def test_refusal_codes_keep_the_values_that_tables_store() -> None:
    assert {code.value for code in RefusalCode} == STORED


def test_formats_page_explains_every_refusal_code() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "formats.md").read_text("utf-8")
    assert [code for code in RefusalCode if f"`{code}" not in page] == []


def test_stored_code_of_a_crash_names_the_signal() -> None:
    crash = Unreadable(RefusalCode.CRASH, "the parser crashed", signal="SIGSEGV")
    assert (crash.code, crash.stored_code) == (RefusalCode.CRASH, "E_CRASH_SIGSEGV")
    assert str(crash) == "E_CRASH_SIGSEGV: the parser crashed"


def test_stored_code_without_a_crash_is_the_code_itself() -> None:
    assert Unreadable(RefusalCode.PARSE, "damaged").stored_code == "E_PARSE"
