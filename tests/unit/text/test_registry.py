"""Choosing the reader of a file, and the properties that every reader has."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.lines import newline_offsets
from omni_pipelines.text.readers.formats import PLAIN, READERS, UNKNOWN, Reader
from omni_pipelines.text.readers.registry import reader_by_content, reader_for, reader_of_ending, readers_fingerprint
from tests.samples.valid import VALID

NAMES = {"code": "name.rs"}
"""File names, where the reader needs more than `name`."""
DISTINCT = [reader for reader in {reader.name: reader for reader in READERS}.values() if reader.name in VALID]


def _damaged(data: st.DataObject, name: str) -> bytes:
    raw = bytearray(data.draw(st.sampled_from(VALID[name])))
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    return bytes(raw[: data.draw(st.integers(0, len(raw)))])


def _check_properties(reader: Reader, raw: bytes) -> None:
    try:
        parsed = reader.read(raw, NAMES.get(reader.name, "name"))
    except Unreadable:
        return
    starts = [section.start for section in parsed.sections]
    assert starts == sorted(starts)
    assert all(0 <= start <= len(parsed.text) for start in starts)
    offsets = parsed.byte_offsets(list(range(len(parsed.text) + 1)))
    lines = [parsed.line(position) for position in range(len(parsed.text))]
    last = len(re.findall(rb"[\r\n]", raw)) if parsed.line_marks else len(newline_offsets(parsed.text))
    assert all(1 <= line <= last + 1 for line in lines)
    pages = [number for _, number in parsed.page_marks]
    assert pages == sorted(set(pages))
    assert offsets == sorted(offsets)
    assert parsed.title
    if parsed.verbatim:
        assert lines == sorted(lines)
        assert offsets[-1] == len(raw)


@pytest.mark.parametrize("reader", DISTINCT, ids=lambda reader: reader.name)
@given(raw=st.binary(max_size=80) | st.text("<>&/p#-=\n\r `*[]:'\"é;a.", max_size=80).map(str.encode))
def test_every_reader_reads_or_refuses_arbitrary_bytes(reader: Reader, raw: bytes) -> None:
    _check_properties(reader, raw)


@pytest.mark.parametrize("reader", DISTINCT, ids=lambda reader: reader.name)
@given(data=st.data())
def test_every_reader_reads_or_refuses_damaged_files(reader: Reader, data: st.DataObject) -> None:
    _check_properties(reader, _damaged(data, reader.name))


@pytest.mark.parametrize(
    "reader", [reader for reader in DISTINCT if not reader.binary], ids=lambda reader: reader.name
)
@pytest.mark.parametrize("sign", ["\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028"], ids=ascii)
def test_only_line_ends_end_lines(reader: Reader, sign: str) -> None:
    for raw in VALID[reader.name]:
        _check_properties(reader, raw.replace(b"\n", f"{sign}{sign}\n{sign}".encode()))


@pytest.mark.parametrize("reader", DISTINCT, ids=lambda reader: reader.name)
def test_every_reader_reads_valid_files(reader: Reader) -> None:
    for raw in VALID[reader.name]:
        assert reader.read(raw, NAMES.get(reader.name, "name")).text.strip()


def test_every_suffix_has_one_reader() -> None:
    suffixes = Counter(suffix for reader in READERS for suffix in reader.suffixes)
    assert max(suffixes.values()) == 1
    assert all(suffix == suffix.lower() for suffix in suffixes)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("docs/a.MD", "markdown"),
        ("a.b.rst", "restructured"),
        ("x/index.htm", "html"),
        ("m.pyi", "python"),
        ("notes.txt", "text"),
        ("README", "text"),
        ("deep/LICENSE", "text"),
        ("README.md", "markdown"),
        ("Makefile", "code"),
        ("main.rs", "code"),
        ("CMakeLists.txt", "code"),
        ("Jenkinsfile", "code"),
        ("Dockerfile.dev", "code"),
        ("access.log.1", "text"),
        ("README.de", "text"),
        ("settings.py.bak", "python"),
        ("notes.md~", "markdown"),
        (".env.local", "code"),
    ],
)
def test_reader_for_a_file_depends_on_its_name(path: str, name: str) -> None:
    reader = reader_for(path)
    assert reader is not None
    assert reader.name == name


@pytest.mark.parametrize(
    "path", ["photo.png", "data.bin", "a.md/b.EXE", "libz.so.1.3", "page.html.zst", "notes.txt.rar"]
)
def test_reader_for_a_binary_kind_without_reader_is_none(path: str) -> None:
    assert reader_for(path) is None


@pytest.mark.parametrize("path", ["noname", ".gitignore", "INSTALL", "messages-2026", "x.docx.part", "a.md/b.xyz"])
def test_reader_for_a_name_that_says_nothing_is_chosen_by_the_content(path: str) -> None:
    assert reader_for(path) is UNKNOWN


@pytest.mark.parametrize(
    ("raw", "name", "language"),
    [
        (b"Run ./configure first.\n", "text", ""),
        (b"%PDF-1.4", "pdf", ""),
        (b"<?xml version='1.0'?><a>b</a>", "xml", ""),
        (b'\xef\xbb\xbf{"a": 1}', "json", "json"),
        (b'{"cells": [], "nbformat": 4}', "notebook", ""),
        (b"From: a@x.org\nTo: b@x.org\n c@x.org\nSubject: d\nDate: now\n\nHello", "mail", ""),
        (b"From: the start\nTo: the end\n\nA poem.", "text", ""),
        (b"#!/usr/bin/env python3\n", "python", "python"),
        (b"#! /bin/sh -e\n", "code", "shell"),
        (b"#!/usr/bin/env -S node --x\r\n", "code", "javascript"),
        (b"#!/usr/local/bin/perl5.36 -w\n", "code", "perl"),
        (b"#!/opt/unheard\n", "text", ""),
    ],
)
def test_content_decides_the_reader_of_a_file_whose_name_says_nothing(raw: bytes, name: str, language: str) -> None:
    found = reader_by_content(UNKNOWN, raw)
    assert (found.name, found.language) == (name, language)


def test_script_without_a_suffix_has_symbols() -> None:
    reader = reader_by_content(UNKNOWN, b"#!/bin/sh\nwait_for() {\n  sleep 1\n}\n")
    parsed = reader.read(b"#!/bin/sh\nwait_for() {\n  sleep 1\n}\n", "start")
    assert ("wait_for",) in [section.path for section in parsed.sections]


def test_code_readers_have_a_language() -> None:
    assert [getattr(reader_for(path), "language", None) for path in ("a.go", "a.py", "a.md")] == ["go", "python", ""]


def test_readers_fingerprint_names_every_reader_and_its_version() -> None:
    assert PLAIN.fingerprint in readers_fingerprint().split(",")
    assert len(readers_fingerprint().split(",")) == len({reader.name for reader in READERS})


def test_plain_text_is_read_unchanged() -> None:
    parsed = PLAIN.read(b"# no heading\r\n", "notes.txt")
    assert (parsed.text, parsed.title, parsed.sections) == ("# no heading\r\n", "notes.txt", ())


SUFFIXES = [suffix for reader in READERS for suffix in reader.suffixes]
ENDINGS = [*SUFFIXES, ".1", ".TXT", ".exe", "", ".", ".tar.gz", ".7z"]


@pytest.mark.parametrize("beginning", ["a", "CMakeLists", "cargo", "x1", "README", "a.b", ".hidden", "ß", "s"])
def test_reader_of_an_ending_is_that_of_every_name_that_ends_so(beginning: str) -> None:
    paths = [f"{folder}{beginning}{ending}" for folder in ("", "dir/", "d.x/") for ending in ENDINGS]
    known = {path: reader for path in paths if (reader := reader_of_ending(path[path.rfind(".") - 1 :])) is not None}
    assert known
    assert known == {path: reader_for(path) for path in known}
