"""A reader that gives up is stood in for where that helps; a fault of its own is a row in quarantine, no crash."""

from __future__ import annotations

import dataclasses

import pytest

from omni_pipelines.text.decoding import Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers import registry as readers
from omni_pipelines.text.readers.registry import PLAIN, Reader, read_document, reader_for, register_readers
from omni_pipelines.variant_registry import VariantRegistry


def gives_up(raw: bytes, name: str) -> Parsed:
    raise RecursionError("too deep")


def fails(raw: bytes, name: str) -> Parsed:
    raise IndexError("a mistake")


def refuses(raw: bytes, name: str) -> Parsed:
    raise Unreadable("E_PARSE", "not this format")


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
def test_a_healthy_reader_reads_its_format_itself(path: str) -> None:
    raw = b"<h1>One</h1>\n\nOne\n===\n\ndef f(): pass\n"
    assert read_document(reader(path), raw, path) == reader(path).read(raw, path)


@pytest.mark.parametrize("broken", [gives_up, refuses], indirect=True)
@pytest.mark.usefixtures("broken")
def test_the_plain_reader_stands_in_for_one_that_gives_up() -> None:
    parsed = read_document(reader("a.md"), b"# One\n\nTwo.\n", "a.md")
    assert (parsed.text, parsed.title, parsed.sections) == ("# One\n\nTwo.\n", "a.md", ())


@pytest.mark.parametrize("broken", [gives_up], indirect=True)
@pytest.mark.usefixtures("broken")
def test_after_many_failures_the_next_file_still_finds_the_same_readers() -> None:
    for _ in range(20):
        read_document(reader("a.md"), b"text", "a.md")
    failures = {info.name: info.failures for info in readers._READING.list_variants("read_markdown")}
    assert failures[reader("a.md").fingerprint] == 0


@pytest.mark.parametrize(
    ("broken", "code"), [(gives_up, "E_DEPTH"), (fails, "E_READER"), (refuses, "E_PARSE")], indirect=["broken"]
)
@pytest.mark.usefixtures("broken")
def test_tags_are_never_read_as_text_and_the_file_goes_to_quarantine(code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_document(reader("a.html"), b"<p>Hello</p>", "a.html")
    assert caught.value.code == code


@pytest.mark.parametrize("path", ["a.md", "a.html", "a.txt"])
def test_what_is_no_text_is_refused_with_its_own_reason(path: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_document(reader(path), b"\x00\x01\x02\xff" * 100, path)
    assert caught.value.code != "E_READER"
