"""A reader that gives up is stood in for where that helps; a fault of its own is a row in quarantine, no crash."""

from __future__ import annotations

import dataclasses

import pytest

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers import registry as readers
from omni_pipelines.text.readers.registry import PLAIN, Reader, read_document, reader_for, register_readers
from omni_pipelines.variant_registry import VariantRegistry


def gives_up(raw: bytes, name: str) -> Parsed:
    raise RecursionError("too deep")


def fails(raw: bytes, name: str) -> Parsed:
    raise IndexError("a mistake")


def refuses(raw: bytes, name: str) -> Parsed:
    raise Unreadable(RefusalCode.PARSE, "not this format")


def reader(path: str) -> Reader:
    found = reader_for(path)
    assert found is not None
    return found


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    registry = VariantRegistry()
    register_readers(registry, [dataclasses.replace(reader("a.md"), read=request.param)])
    register_readers(registry, [dataclasses.replace(reader("a.html"), read=request.param), PLAIN])
    monkeypatch.setattr(readers, "_READING", registry)


@pytest.mark.parametrize("path", ["a.md", "a.rst", "a.html", "a.py", "a.txt", "a.go"])
def test_read_document_uses_the_reader_of_the_format(path: str) -> None:
    raw = b"<h1>One</h1>\n\nOne\n===\n\ndef f(): pass\n"
    assert read_document(reader(path), raw, path) == reader(path).read(raw, path)


@pytest.mark.parametrize("broken", [gives_up, refuses], indirect=True)
@pytest.mark.usefixtures("broken")
def test_read_document_after_a_failure_uses_the_plain_reader() -> None:
    parsed = read_document(reader("a.md"), b"# One\n\nTwo.\n", "a.md")
    assert (parsed.text, parsed.title, parsed.sections) == ("# One\n\nTwo.\n", "a.md", ())


@pytest.mark.parametrize("broken", [gives_up], indirect=True)
@pytest.mark.usefixtures("broken")
def test_read_document_after_many_failures_still_tries_the_same_reader() -> None:
    for _ in range(20):
        read_document(reader("a.md"), b"text", "a.md")
    failures = {info.name: info.failures for info in readers._READERS.list_variants("read_markdown")}
    assert failures[reader("a.md").fingerprint] == 0


@pytest.mark.parametrize(
    ("broken", "code"), [(gives_up, "E_DEPTH"), (fails, "E_READER"), (refuses, "E_PARSE")], indirect=["broken"]
)
@pytest.mark.usefixtures("broken")
def test_read_document_of_html_after_a_failure_is_refused(code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_document(reader("a.html"), b"<p>Hello</p>", "a.html")
    assert caught.value.code == code


@pytest.mark.parametrize("path", ["a.md", "a.html", "a.txt"])
def test_read_document_of_binary_is_refused_with_the_code_of_the_reader(path: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_document(reader(path), b"\x00\x01\x02\xff" * 100, path)
    assert caught.value.code != "E_READER"
