"""After a reader fails, the plain reader replaces it where that helps; else the document is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.formats import Reader
from omni_pipelines.text.readers.registry import read_document, reader_for, register_readers
from omni_pipelines.variant_registry import VariantRegistry

Read = Callable[[bytes, str], Parsed]


def recurses(raw: bytes, name: str) -> Parsed:
    raise RecursionError("too deep")


def has_a_defect(raw: bytes, name: str) -> Parsed:
    raise IndexError("a mistake")


def refuses(raw: bytes, name: str) -> Parsed:
    raise Unreadable(RefusalCode.PARSE, "not this format")


def reader(path: str) -> Reader:
    found = reader_for(path)
    assert found is not None
    return found


def broken(read: Read) -> VariantRegistry:
    """The readers of Markdown and HTML with `read` instead of their own function."""
    registry = VariantRegistry()
    register_readers(registry, [dataclasses.replace(reader(path), read=read) for path in ("a.md", "a.html")])
    return registry


@pytest.mark.parametrize("path", ["a.md", "a.rst", "a.html", "a.py", "a.txt", "a.go"])
def test_read_document_uses_the_reader_of_the_format(path: str) -> None:
    raw = b"<h1>One</h1>\n\nOne\n===\n\ndef f(): pass\n"
    assert read_document(reader(path), raw, path) == reader(path).read(raw, path)


@pytest.mark.parametrize("read", [recurses, has_a_defect, refuses])
def test_read_document_after_a_failure_uses_the_plain_reader(read: Read) -> None:
    parsed = read_document(reader("a.md"), b"# One\n\nTwo.\n", "a.md", broken(read))
    assert (parsed.text, parsed.title, parsed.sections) == ("# One\n\nTwo.\n", "a.md", ())


def test_read_document_after_many_failures_still_tries_the_same_reader() -> None:
    readers = broken(recurses)
    for _ in range(20):
        read_document(reader("a.md"), b"text", "a.md", readers)
    failures = {info.name: info.failures for info in readers.list_variants("read_markdown")}
    assert failures[reader("a.md").fingerprint] == 0


@pytest.mark.parametrize(("read", "code"), [(recurses, "E_DEPTH"), (has_a_defect, "E_READER"), (refuses, "E_PARSE")])
def test_read_document_of_html_after_a_failure_is_refused(read: Read, code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_document(reader("a.html"), b"<p>Hello</p>", "a.html", broken(read))
    assert refused.value.code == code


@pytest.mark.parametrize("path", ["a.md", "a.html", "a.txt"])
def test_read_document_of_binary_is_refused_with_the_code_of_the_reader(path: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_document(reader(path), b"\x00\x01\x02\xff" * 100, path)
    assert refused.value.code == "E_BINARY"
