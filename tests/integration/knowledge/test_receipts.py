"""Receipts: an honest receipt verifies, every change to one is detected, and what cannot be checked is not wrong."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import orjson
import pytest

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import HOME_NAME, Home
from omni_pipelines.knowledge.answers.receipts import HOME_SEAL, SEAL, canonical_json, receipt_bytes
from omni_pipelines.knowledge.answers.verification import ReceiptOutcome, Verification, verify_receipt
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.state.releases import put_release, release_file
from omni_pipelines.language_models.port import COMPLETE, Message, OnText, Turn
from omni_pipelines.providers import VariantProvider
from omni_pipelines.testing.builders import KnowledgeBase
from omni_pipelines.variant_registry import VariantRegistry
from tests.samples.forged_receipts import FORGERIES, WITHOUT_SEAL, cut, forgeries, resealed, said

FILES: dict[str, str | bytes] = {
    "keys.md": "# Keys\n\nKeys are rotated with the rotate command.\nThe old key stays valid for one hour.\n",
    "wide.md": "﻿# Wärme\r\n\r\nDie Wärmepumpe heizt das Haus auch im Winter.\r\n".encode("utf-16-le"),
    "tool.py": (
        '"""Tools of the harbour."""\n\n\n'
        'def lock() -> None:\n    """Close the harbour gate\n    before the flood comes."""\n'
    ),
    "fees.md": "# Fees\n\n| harbour | fee |\n|---|---|\n| north | 30 euros |\n| south | 45 euros |\n",
    "refunds.md": "# Refunds\n\nIt is not true that customers get refunds after ninety days.\n",
    "page.html": "<html><body><h1>Ferry</h1><p>The ferry &amp; the tug leave the pier at noon.</p></body></html>",
}
QUESTIONS = {
    "keys.md": "How are keys rotated with the command?",
    "wide.md": "Heizt die Wärmepumpe das Haus auch im Winter?",
    "tool.py": "Close the harbour gate before the flood comes?",
    "fees.md": "What is the fee of the south harbour?",
    "refunds.md": "Do customers get refunds after ninety days?",
    "page.html": "When do the ferry and the tug leave the pier?",
}
SEED = int(os.environ.get("OMNI_STRESS_SEED", "0")) or SystemRandom().randrange(1 << 32)


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
    if isinstance(value, int | float):
        return value + 1 if isinstance(value, int) else value / 2
    return f"{value[:-1]}{'a' if value[-1:] != 'a' else 'b'}"


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


def test_a_changed_byte_of_the_file_is_detected(base: KnowledgeBase, receipt: dict[str, Any]) -> None:
    raw = canonical_json(receipt)
    step = len(raw) // 60
    assert all(detected(base, raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]) for at in range(0, len(raw) - 1, step))


def detected(base: KnowledgeBase, raw: bytes) -> bool:
    try:
        return not verify_receipt(base.home, raw).verified
    except ConfigurationError:  # it is not even JSON any more
        return True


def test_changed_field_is_named(base: KnowledgeBase, receipt: dict[str, Any]) -> None:
    """Even with a new checksum: the release knows most fields, and the seal covers all of them."""
    sealed_alone = {"question", "answered_at", "mode", "schema_version", "model", "evidence", "note", "splitter"}
    sealed_alone |= {"viewer", "release"}
    for at in set(leaves(receipt)) - {(SEAL,), ("home_key",)}:
        verification = verified(base, resealed(changed(receipt, at, another)))
        assert verification.outcome is ReceiptOutcome.WRONG, at
        named = {failure.field for failure in verification.failures}
        assert named & {HOME_SEAL, *at, ".".join(map(str, at))}, (at, named)
        if at[0] not in sealed_alone:
            assert any(each.startswith((at[0], name(at[:4]))) and each != "sentences" for each in named), (at, named)


def name(at: tuple[Any, ...]) -> str:
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in at).removeprefix(".")


QUOTE = ("sentences", 0, "quotes", 0)


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
    assert {failure.field for failure in verified(base, resealed(lie)).failures} == {"sentences[0].text", HOME_SEAL}


def test_a_quote_that_is_cut_out_of_its_sentence_is_detected(base: KnowledgeBase) -> None:
    """Every field about the quote is right, so it is a quote; but the source says the opposite."""
    fields = asked(base, QUESTIONS["refunds.md"])
    quote = fields["sentences"][0]["quotes"][0]
    start = quote["quote"].index("customers")
    cut(quote, start, quote["quote"].index(" after"))
    quote["citation"] = f"files/refunds.md:3:{start + 1}-{start + len(quote['quote'])}"
    said(fields)
    assert fields["answer"] == "customers get refunds"
    assert base.librarian().show(quote["citation"]).text == "customers get refunds"
    assert {failure.field for failure in verified(base, resealed(fields)).failures} == {
        "sentences[0].quotes",
        HOME_SEAL,
    }


@pytest.fixture(scope="module")
def answers(base: KnowledgeBase) -> list[dict[str, Any]]:
    return [asked(base, question) for question in QUESTIONS.values()]


def test_forged_receipts_of_every_kind_are_never_verified(base: KnowledgeBase, answers: list[dict[str, Any]]) -> None:
    counts = dict.fromkeys(FORGERIES, 0)
    for forge, raw in forgeries(answers, 15 * len(FORGERIES), Random(SEED)):
        outcome = verify_receipt(base.home, raw).outcome
        expected = ReceiptOutcome.UNCHECKED if forge in WITHOUT_SEAL else ReceiptOutcome.WRONG
        assert outcome is expected, f"OMNI_STRESS_SEED={SEED}: {forge.__name__} {raw.decode()}"
        counts[forge] += 1
    assert set(counts.values()) == {15}


def test_another_release_number_is_detected(base: KnowledgeBase, receipt: dict[str, Any]) -> None:
    verification = verified(base, resealed(changed(receipt, ("release",), lambda number: 1)))
    assert "release_checksum" in {failure.field for failure in verification.failures}
    verification = verified(base, resealed(changed(receipt, ("release",), lambda number: 7)))
    assert [failure.field for failure in verification.failures] == [HOME_SEAL]


def test_changed_release_record_is_detected(receipt: dict[str, Any], tmp_path: Path) -> None:
    base = KnowledgeBase(Home(tmp_path / HOME_NAME)).with_files(FILES).build()
    fields = asked(base, QUESTIONS["keys.md"])
    (file,) = base.home.releases.glob("*.json")
    file.unlink()
    assert put_release(base.home, base.release.model_copy(update={"run_id": "another"}))
    named = {failure.field for failure in verified(base, fields).failures}
    assert named == {"release_checksum", "run_id"}


def test_missing_and_extra_fields_are_detected(base: KnowledgeBase, receipt: dict[str, Any]) -> None:
    assert not verified(base, {**receipt, "remark": "trust me"}).verified
    for gone in set(receipt) - {SEAL}:
        verification = verified(base, resealed({key: value for key, value in receipt.items() if key != gone}))
        named = {failure.field for failure in verification.failures}
        assert named & {gone, HOME_SEAL} or verification.outcome is ReceiptOutcome.UNCHECKED, gone


def test_same_values_in_another_form_are_detected(base: KnowledgeBase, receipt: dict[str, Any]) -> None:
    """Of a repeated field, another program may read the other value."""
    raw = canonical_json(receipt)
    assert not verify_receipt(base.home, orjson.dumps(receipt)).verified
    assert not verify_receipt(base.home, raw.replace(b'  "answer"', b'  "answer": "No.",\n  "answer"', 1)).verified


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
    verification = verified(base, fields)
    assert (verification.outcome, verification.failures) == (ReceiptOutcome.UNCHECKED, ())
    assert verification.proven == ("this home gave this answer to this question",)
    assert verification.unproven == ("the quotes: release 1 is not kept; see: omni releases list",)


def test_abstention_has_a_receipt(base: KnowledgeBase) -> None:
    librarian = base.librarian()
    answer = librarian.ask("Who won the chess championship of 1972?")
    receipt = librarian.receipt(answer)
    assert (receipt.answer, receipt.sentences, receipt.question) == ("", (), answer.question)
    assert verify_receipt(base.home, receipt_bytes(receipt)).verified


def test_a_receipt_proves_the_parameters_of_the_question(base: KnowledgeBase) -> None:
    librarian = base.librarian()
    receipt = librarian.receipt(librarian.ask(QUESTIONS["keys.md"], {"path": "keys.md"}))
    assert (receipt.where, receipt.viewer, receipt.mode, receipt.model) == (
        {"path": "keys.md"},
        None,
        "extractive",
        "",
    )
    assert verify_receipt(base.home, receipt_bytes(receipt)).verified


@pytest.mark.parametrize(
    "change", [{"answer": ""}, {"release": 1}, {"question": "Are keys deleted?"}, {"evidence": 1}]
)
def test_an_answer_that_the_librarian_did_not_give_gets_no_receipt(
    base: KnowledgeBase, change: dict[str, Any]
) -> None:
    librarian = base.librarian()
    answer = librarian.ask(QUESTIONS["keys.md"])
    assert librarian.receipt(answer.model_copy()).answer == answer.answer
    with pytest.raises(ConfigurationError, match="did not give this answer"):
        librarian.receipt(answer.model_copy(update=change))


def test_a_receipt_of_another_home_is_unchecked_and_not_wrong(
    base: KnowledgeBase, receipt: dict[str, Any], tmp_path: Path
) -> None:
    other = KnowledgeBase(Home(tmp_path / HOME_NAME)).with_files(FILES).build()
    verification = verified(other, asked(base, QUESTIONS["keys.md"]))
    assert (verification.outcome, verification.failures, verification.proven) == (ReceiptOutcome.UNCHECKED, (), ())
    home, quotes = verification.unproven
    assert "another home sealed it" in home
    assert "release 2 is not kept" in quotes
    other.with_files({"more.md": "# More\n"}).build()
    assert "is not the one of the receipt" in verified(other, receipt).unproven[1]


def test_a_home_of_an_older_version_gets_a_key_with_its_first_receipt(tmp_path: Path) -> None:
    base = KnowledgeBase(Home(tmp_path / HOME_NAME)).with_files(FILES).build()
    base.home.key.unlink()
    fields = asked(base, QUESTIONS["keys.md"])
    assert verified(base, fields).verified
    base.home.key.write_text("damaged")
    verification = verified(base, fields)
    assert verification.outcome is ReceiptOutcome.UNCHECKED
    assert "with a key that is lost" in verification.unproven[0]
    assert len(verification.proven) == 1


def test_a_damaged_home_is_not_told_as_a_wrong_receipt(tmp_path: Path) -> None:
    base = KnowledgeBase(Home(tmp_path / HOME_NAME)).with_files(FILES).build()
    fields = asked(base, QUESTIONS["keys.md"])
    record = release_file(base.home, 1).read_bytes()
    for spoil, reason in (
        (lambda: release_file(base.home, 1).write_bytes(record[:-9]), "has a damaged record"),
        (lambda: (base.home.table("chunks") / "_versions").rename(tmp_path / "away"), "cannot be read"),
    ):
        spoil()
        verification = verified(base, fields)
        assert (verification.outcome, verification.failures) == (ReceiptOutcome.UNCHECKED, ())
        assert reason in verification.unproven[0]
        release_file(base.home, 1).write_bytes(record)


@pytest.mark.parametrize("raw", [b"", b"\xff", b"[]", b"{}", b'"release"', b"{" * 2000], ids=range(6))
def test_file_without_a_receipt_is_refused(base: KnowledgeBase, raw: bytes) -> None:
    with pytest.raises(ConfigurationError, match="no receipt"):
        verify_receipt(base.home, raw)


class ParaphrasingModel(VariantProvider):
    """A language model that rewords a unit."""

    name = "scripted"

    def complete(
        self,
        messages: Sequence[Message],
        schema: Any = None,
        max_tokens: int = 0,
        on_text: OnText | None = None,
        tools: Any = (),
    ) -> Turn:
        units = orjson.loads(messages[-1].content)["units"]
        (number, *_) = (number for number, text in units.items() if "The old key stays valid for one hour." in text)
        claims = [{"unit": [int(number)], "text": "The old key is valid for 1 hour."}]
        return Turn(orjson.dumps({"answerable": True, "claims": claims}).decode())


def test_generated_sentence_is_checked_against_its_quote(base: KnowledgeBase) -> None:
    models = VariantRegistry()
    models.register(COMPLETE, ParaphrasingModel())
    librarian = Librarian.open(base.home, embedder=base.embedder, models=models)
    fields = orjson.loads(receipt_bytes(librarian.receipt(librarian.ask("How long does the old key stay valid?"))))
    assert (fields["mode"], fields["answer"]) == ("generative", "The old key is valid for 1 hour.")
    verification = verified(base, fields)
    assert verification.verified
    assert verification.unproven[0].startswith("the claims are true")
    lie = changed(fields, ("sentences", 0, "text"), lambda text: "The old key is valid for 90 hours.")
    lie = changed(lie, ("answer",), lambda text: "The old key is valid for 90 hours.")
    named = {failure.field for failure in verified(base, resealed(lie)).failures}
    assert named == {"sentences[0].text", HOME_SEAL}
