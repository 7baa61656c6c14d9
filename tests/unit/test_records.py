"""Records accept valid fields and refuse all others."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from omni_pipelines.receipt_records import ReceiptQuote, ReceiptSentence
from omni_pipelines.records import (
    Event,
    KnowledgeCategory,
    KnowledgeEntry,
    SkillMetadata,
    body_of,
    sealed_document,
)

DIGEST = "0" * 64
QUOTE: dict[str, Any] = {
    "citation": "s/a.md:2",
    "uri": "file:///a.md",
    "path": "a.md",
    "chunk_id": "c",
    "quote": "Keys rotate.",
    "start_byte": 10,
    "end_byte": 22,
    "start_line": 2,
    "end_line": 2,
    "encoding": "utf-8",
    "verbatim": True,
    "quote_hash": DIGEST,
    "content_hash": DIGEST,
}


def entry(**fields: Any) -> KnowledgeEntry:
    return KnowledgeEntry.model_validate({"id": "1", "title": "Retry", "content": "Wait first.", **fields})


def test_a_document_of_this_home_is_read_with_its_checksum_or_without_one_and_not_when_it_was_changed() -> None:
    raw = sealed_document({"acl": ["staff"]})
    assert body_of(raw) == body_of(b'{"acl": ["staff"]}') == {"acl": ["staff"]}
    for at in range(len(raw)):
        for bit in range(8):
            changed = raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :]
            with contextlib.suppress(ValueError):
                assert "acl" not in body_of(changed), changed


def test_there_are_eight_categories() -> None:
    assert list(KnowledgeCategory) == [
        "patterns",
        "solutions",
        "errors",
        "techniques",
        "notes",
        "references",
        "architecture",
        "workflows",
    ]


@pytest.mark.parametrize(
    ("written", "category"),
    [
        ("patterns", KnowledgeCategory.PATTERN),
        ("pattern", KnowledgeCategory.PATTERN),
        ("Workflow", KnowledgeCategory.WORKFLOW),
        (" errors ", KnowledgeCategory.ERROR),
        ("architecture", KnowledgeCategory.ARCHITECTURE),
        ("poems", KnowledgeCategory.NOTE),
        ("", KnowledgeCategory.NOTE),
    ],
)
def test_a_category_accepts_the_singular_and_an_unknown_one_is_a_note(
    written: str, category: KnowledgeCategory
) -> None:
    assert entry(category=written).category is category


def test_a_new_entry_is_a_note_without_tags_in_version_one() -> None:
    new = entry()
    assert (new.category, new.tags, new.source, new.version, new.metadata) == ("notes", (), None, 1, {})
    assert new.created_at.tzinfo is UTC


def test_an_entry_has_each_tag_once() -> None:
    assert entry().with_tags("a", "b", "a").add_tag("b").add_tag("c").tags == ("a", "b", "c")


def test_with_source_returns_a_new_entry() -> None:
    first = entry()
    second = first.with_source("docs/a.md")
    assert (first.source, second.source) == (None, "docs/a.md")
    assert second.with_source("docs/b.md") != second


def test_times_are_kept_in_utc() -> None:
    noon = datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2)))
    assert entry(created_at=noon).created_at == datetime(2026, 1, 31, 10, tzinfo=UTC)
    assert '"2026-01-31T10:00:00Z"' in entry(created_at=noon).model_dump_json()


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": ""},
        {"title": "  "},
        {"version": 0},
        {"created_at": "2026-01-31T12:00:00"},
        {"metadata": {"a": {1, 2}}},
        {"colour": "red"},
    ],
    ids=str,
)
def test_a_wrong_entry_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        entry(**wrong)


def test_a_skill_has_no_permissions_by_default() -> None:
    assert SkillMetadata().permissions == ()


@pytest.mark.parametrize("path", ["a.md", "docs/b.pdf", "x/y/z.yml", ".hidden.txt"])
def test_a_reference_inside_the_skill_is_accepted(path: str) -> None:
    assert SkillMetadata(require_refs=(path,)).require_refs == (path,)


@pytest.mark.parametrize(
    "path", ["", "/etc/a.md", "../a.md", "docs/../../a.md", "a.exe", "a", "..\\a.md", "C:\\a.md", "a.MD.sh"]
)
def test_a_reference_outside_the_skill_or_of_another_type_is_refused(path: str) -> None:
    with pytest.raises(ValidationError):
        SkillMetadata(require_refs=(path,))


@pytest.mark.parametrize("version", ["1", "1.0", "v1.0.0", "1.0.0\n", ""])
def test_a_version_without_three_numbers_is_refused(version: str) -> None:
    with pytest.raises(ValidationError):
        SkillMetadata(version=version)


@pytest.mark.parametrize("topic", ["", "Agent/think", "agent//think", "/agent", "agent/", "agent think"])
def test_a_topic_needs_words_separated_by_slashes(topic: str) -> None:
    assert Event(source="agent", topic="agent/think_hard").payload == {}
    with pytest.raises(ValidationError):
        Event(source="agent", topic=topic)


def test_two_events_have_different_ids() -> None:
    assert Event(source="a", topic="b").id != Event(source="a", topic="b").id


@pytest.mark.parametrize(
    "wrong", [{"end_byte": 10}, {"end_line": 1}, {"quote_hash": "abc"}, {"start_line": 0}], ids=str
)
def test_a_quote_needs_a_valid_range_and_hash(wrong: dict[str, Any]) -> None:
    assert ReceiptQuote.model_validate(QUOTE).quote == "Keys rotate."
    with pytest.raises(ValidationError):
        ReceiptQuote.model_validate({**QUOTE, **wrong})


def test_a_receipt_sentence_needs_a_quote() -> None:
    with pytest.raises(ValidationError):
        ReceiptSentence(text="Keys rotate.", quotes=())
