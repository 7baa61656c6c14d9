"""Receipts: an honest receipt verifies, and every change to one is detected."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.answers.receipts import SEAL, canonical_json, receipt_bytes, seal
from omni_pipelines.knowledge.answers.verification import Verification, verify_receipt
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.state.releases import put_release
from omni_pipelines.language_models.port import COMPLETE, Message, OnText
from omni_pipelines.providers import VariantProvider
from omni_pipelines.testing.builders import KnowledgeBase
from omni_pipelines.variant_registry import VariantRegistry

FILES: dict[str, str | bytes] = {
    "keys.md": "# Keys\n\nKeys are rotated with the rotate command.\nThe old key stays valid for one hour.\n",
    "wide.md": "﻿# Wärme\r\n\r\nDie Wärmepumpe heizt das Haus auch im Winter.\r\n".encode("utf-16-le"),
    "tool.py": (
        '"""Tools of the harbour."""\n\n\n'
        'def lock() -> None:\n    """Close the harbour gate\n    before the flood comes."""\n'
    ),
    "fees.md": "# Fees\n\n| harbour | fee |\n|---|---|\n| north | 30 euros |\n| south | 45 euros |\n",
    "page.html": "<html><body><h1>Ferry</h1><p>The ferry &amp; the tug leave the pier at noon.</p></body></html>",
}
QUESTIONS = {
    "keys.md": "How are keys rotated with the command?",
    "wide.md": "Heizt die Wärmepumpe das Haus auch im Winter?",
    "tool.py": "Close the harbour gate before the flood comes?",
    "fees.md": "What is the fee of the south harbour?",
    "page.html": "When do the ferry and the tug leave the pier?",
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    """Two releases: the second has one more document."""
    home = Home(tmp_path_factory.mktemp("receipts") / HOME_NAME)
    base = KnowledgeBase(home).with_files(FILES).build()
    return base.with_files({"more.md": "# More\n\nAnchors are painted black every spring.\n"}).build()


@pytest.fixture(scope="module")
def receipt(base: KnowledgeBase) -> dict[str, Any]:
    return asked(base, QUESTIONS["keys.md"])


def asked(base: KnowledgeBase, question: str) -> dict[str, Any]:
    librarian = base.librarian()
    fields: dict[str, Any] = orjson.loads(receipt_bytes(librarian.receipt(librarian.ask(question))))
    assert fields["sentences"]
    return fields


def verified(base: KnowledgeBase, fields: dict[str, Any]) -> Verification:
    return verify_receipt(base.home, canonical_json(fields))


def resealed(fields: dict[str, Any]) -> dict[str, Any]:
    """With a new checksum, as an attacker would make it who knows how."""
    return {**fields, SEAL: seal(fields)}


def leaves(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every leaf of a JSON document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inner is None:
        yield at
    for key, each in inner or ():
        yield from leaves(each, (*at, key))


def changed(fields: dict[str, Any], at: tuple[Any, ...], value: Any) -> dict[str, Any]:
    other = copy.deepcopy(fields)
    inner = other
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = value(inner[at[-1]])
    return other


def another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if value is None:
        return 1
    return value + 1 if isinstance(value, int) else f"{value[:-1]}{'a' if value[-1] != 'a' else 'b'}"


@pytest.mark.parametrize("path", QUESTIONS)
def test_honest_receipt_verifies_for_any_file_format(base: KnowledgeBase, path: str) -> None:
    fields = asked(base, QUESTIONS[path])
    verification = verified(base, fields)
    assert fields["sentences"][0]["quotes"][0]["path"] == path
    assert (verification.verified, verification.failures, verification.notes) == (True, (), ())
    assert verification.checks > 15


def test_quote_has_the_bytes_of_the_file(base: KnowledgeBase) -> None:
    quote = asked(base, QUESTIONS["wide.md"])["sentences"][0]["quotes"][0]
    raw = base.tree.path("wide.md").read_bytes()[quote["start_byte"] : quote["end_byte"]]
    assert raw.decode("utf-16-le") == quote["quote"] == "Die Wärmepumpe heizt das Haus auch im Winter."


def test_table_row_is_quoted_with_its_header(base: KnowledgeBase) -> None:
    fields = asked(base, QUESTIONS["fees.md"])
    sentence = fields["sentences"][0]
    assert [quote["quote"] for quote in sentence["quotes"]] == ["| harbour | fee |", "| south | 45 euros |"]
    assert sentence["text"] == "| harbour | fee |\n| south | 45 euros |"
    assert verified(base, fields).verified
    sentence["quotes"].reverse()
    assert not verified(base, resealed(fields)).verified


def test_a_hundred_tampered_receipts_are_all_detected(base: KnowledgeBase, receipt: dict[str, Any]) -> None:
    """One field at a time, each to another value of its kind; then bytes of the file itself."""
    raw = canonical_json(receipt)
    tampered = [canonical_json(changed(receipt, at, another)) for at in leaves(receipt)]
    step = len(raw) // 80
    tampered += [raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :] for at in range(0, len(raw) - 1, step)]
    caught = [detected(base, each) for each in tampered]
    assert len(caught) >= 100
    assert all(caught)


def detected(base: KnowledgeBase, raw: bytes) -> bool:
    try:
        return not verify_receipt(base.home, raw).verified
    except ConfigurationError:  # it is not even JSON any more
        return True


def test_changed_field_is_named(base: KnowledgeBase, receipt: dict[str, Any]) -> None:
    """Even with a new checksum: the release knows every field but the question, the time and the mode."""
    unknown = {("question",), ("answered_at",), ("mode",), ("schema_version",), (SEAL,)}
    for at in set(leaves(receipt)) - unknown:
        verification = verified(base, resealed(changed(receipt, at, another)))
        assert not verification.verified, at
        named = {failure.field for failure in verification.failures}
        assert any(each.startswith((at[0], name(at[:4]))) and each != "sentences" for each in named), (at, named)


def name(at: tuple[Any, ...]) -> str:
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in at).removeprefix(".")


QUOTE = ("sentences", 0, "quotes", 0)
KNOWN_TO_THE_RECEIPT_ALONE = {("question",), ("answered_at",), (SEAL,)}


@pytest.mark.parametrize("move", [-1, 1, 40, 10**6])
def test_moved_range_is_detected(base: KnowledgeBase, receipt: dict[str, Any], move: int) -> None:
    moved = changed(receipt, (*QUOTE, "start_byte"), lambda value: max(value + move, 0))
    moved = changed(moved, (*QUOTE, "end_byte"), lambda value: max(value + move, 1))
    assert f"{name(QUOTE)}.quote" in {failure.field for failure in verified(base, resealed(moved)).failures}


def test_quote_stitched_from_two_passages_is_detected(base: KnowledgeBase, receipt: dict[str, Any]) -> None:
    stitched = "Keys are rotated with the rotate command. The old key is valid."
    for at in ((*QUOTE, "quote"), ("sentences", 0, "text"), ("answer",)):
        receipt = changed(receipt, at, lambda value: stitched)
    named = {failure.field for failure in verified(base, resealed(receipt)).failures}
    assert f"{name(QUOTE)}.quote" in named


def test_sentence_without_support_is_detected(base: KnowledgeBase, receipt: dict[str, Any]) -> None:
    lie = changed(receipt, ("sentences", 0, "text"), lambda text: text.replace("rotated", "deleted"))
    lie = changed(lie, ("answer",), lambda text: text.replace("rotated", "deleted"))
    assert {failure.field for failure in verified(base, resealed(lie)).failures} == {"sentences[0].text"}


def test_other_release_number_is_detected(base: KnowledgeBase, receipt: dict[str, Any]) -> None:
    verification = verified(base, resealed(changed(receipt, ("release",), lambda number: 1)))
    assert "release_checksum" in {failure.field for failure in verification.failures}
    verification = verified(base, resealed(changed(receipt, ("release",), lambda number: 7)))
    assert [failure.field for failure in verification.failures] == ["release"]


def test_changed_release_record_is_detected(receipt: dict[str, Any], tmp_path: Path) -> None:
    base = KnowledgeBase(Home(tmp_path / HOME_NAME)).with_files(FILES).build()
    fields = asked(base, QUESTIONS["keys.md"])
    (file,) = base.home.releases.glob("*.json")
    file.unlink()
    assert put_release(base.home, base.release.model_copy(update={"run_id": "another"}))
    named = {failure.field for failure in verified(base, fields).failures}
    assert named == {"release_checksum", "run_id"}


def test_missing_and_extra_fields_are_detected(base: KnowledgeBase, receipt: dict[str, Any]) -> None:
    assert not verified(base, {**receipt, "note": "trust me"}).verified
    for gone in set(receipt) - {"schema_version", "fingerprints", "answered_at", "mode"}:
        fields = {key: value for key, value in receipt.items() if key != gone}
        assert gone in {failure.field for failure in verified(base, fields).failures}


def test_same_values_in_another_form_are_detected(base: KnowledgeBase, receipt: dict[str, Any]) -> None:
    """Of a repeated field, another program may read the other value."""
    raw = canonical_json(receipt)
    assert not verify_receipt(base.home, orjson.dumps(receipt)).verified
    assert not verify_receipt(base.home, raw.replace(b'  "answer"', b'  "answer": "No.",\n  "answer"', 1)).verified


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_any_changed_value_is_detected(base: KnowledgeBase, receipt: dict[str, Any], data: st.DataObject) -> None:
    at = data.draw(st.sampled_from(sorted(leaves(receipt), key=str)))
    odd = st.text() | st.integers(-5, 2**63) | st.none() | st.sampled_from(["' OR 1=1 --", "\0", "file:///dev/zero"])
    other = changed(receipt, at, lambda value: data.draw(odd))
    if other != receipt:
        assert not verified(base, other).verified
        assert at in KNOWN_TO_THE_RECEIPT_ALONE or not verified(base, resealed(other)).verified


def test_changed_file_is_a_note_and_not_a_failure(tmp_path: Path) -> None:
    base = KnowledgeBase(Home(tmp_path / HOME_NAME)).with_files(FILES).build()
    fields = asked(base, QUESTIONS["keys.md"])
    base.tree.file("keys.md", "Keys are no more.")
    verification = verified(base, fields)
    assert verification.verified
    assert verification.notes == (f"{base.tree.path('keys.md')} has changed since the release, or is gone",)


def test_receipt_verifies_until_its_release_is_collected(tmp_path: Path) -> None:
    base = KnowledgeBase(Home(tmp_path / HOME_NAME)).with_files(FILES).build()
    fields = asked(base, QUESTIONS["keys.md"])
    for number in range(3):
        assert verified(base, fields).verified
        base.with_files({"more.md": f"# More\n\nAnchor {number} is painted black.\n"}).build()
    assert [failure.field for failure in verified(base, fields).failures] == ["release"]


def test_abstention_has_a_receipt(base: KnowledgeBase) -> None:
    librarian = base.librarian()
    answer = librarian.ask("Who won the chess championship of 1972?")
    receipt = librarian.receipt(answer)
    assert (receipt.answer, receipt.sentences, receipt.question) == ("", (), answer.question)
    assert verify_receipt(base.home, receipt_bytes(receipt)).verified


def test_receipt_of_an_answer_from_another_release_is_refused(base: KnowledgeBase) -> None:
    librarian = base.librarian()
    with pytest.raises(ConfigurationError, match="from release 1, not from 2"):
        librarian.receipt(librarian.ask(QUESTIONS["keys.md"]).model_copy(update={"release": 1}))


@pytest.mark.parametrize("raw", [b"", b"\xff", b"[]", b"{}", b'"release"', b"{" * 2000], ids=range(6))
def test_file_without_a_receipt_is_refused(base: KnowledgeBase, raw: bytes) -> None:
    with pytest.raises(ConfigurationError, match="no receipt"):
        verify_receipt(base.home, raw)


class ParaphrasingModel(VariantProvider):
    """A language model that rewords a unit."""

    name = "scripted"

    def complete(
        self, messages: Sequence[Message], schema: Any = None, max_tokens: int = 0, on_text: OnText | None = None
    ) -> str:
        units = orjson.loads(messages[-1].content)["units"]
        (number, *_) = (number for number, text in units.items() if "The old key stays valid for one hour." in text)
        claims = [{"unit": [int(number)], "text": "The old key is valid for 1 hour."}]
        return orjson.dumps({"answerable": True, "claims": claims}).decode()


def test_generated_sentence_is_checked_against_its_quote(base: KnowledgeBase) -> None:
    models = VariantRegistry()
    models.register(COMPLETE, ParaphrasingModel())
    librarian = Librarian.open(base.home, embedder=base.embedder, models=models)
    fields = orjson.loads(receipt_bytes(librarian.receipt(librarian.ask("How long does the old key stay valid?"))))
    assert (fields["mode"], fields["answer"]) == ("generative", "The old key is valid for 1 hour.")
    assert verified(base, fields).verified
    lie = changed(fields, ("sentences", 0, "text"), lambda text: "The old key is valid for 90 hours.")
    lie = changed(lie, ("answer",), lambda text: "The old key is valid for 90 hours.")
    assert [failure.field for failure in verified(base, resealed(lie)).failures] == ["sentences[0].text"]
