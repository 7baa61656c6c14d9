"""Checks a receipt against the release it names: every field, from what is stored, without a model or a network.

The release's record is held against its checksum, the stored text of each document against the hash of the file it
was read from, the bytes of each range against the quote, and each sentence against its quotes. Whether the file on
disk is still the one that was read is told, too; it decides nothing, for files may change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from native.errors import EngineError
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.ids import content_hash
from omni_pipelines.knowledge.answers.answer import on_one_line
from omni_pipelines.knowledge.answers.generation import figures_stand_in
from omni_pipelines.knowledge.answers.receipts import SEAL, as_written, seal
from omni_pipelines.knowledge.search.citations import file_of
from omni_pipelines.knowledge.state.access import Reader
from omni_pipelines.knowledge.state.releases import read_checked
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.records import Receipt, ReceiptQuote, ReceiptSentence
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.document_rows import parsed_document


class Failure(BaseModel):
    """A field of a receipt that is not as it should be."""

    model_config = ConfigDict(frozen=True)

    field: str
    """As `sentences[0].quotes[1].start_byte`; `file` for the file as a whole."""
    reason: str


class Verification(BaseModel):
    """What came of checking a receipt."""

    model_config = ConfigDict(frozen=True)

    verified: bool
    release: int | None
    """None where the receipt does not even say it."""
    checks: int
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]
    """What a person should know and what decides nothing: files that have changed since."""


@dataclass
class _Checks:
    made: int = 0
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def that(self, name: str, holds: bool, reason: str) -> bool:
        self.made += 1
        if not holds:
            self.failures.append(Failure(field=name, reason=reason))
        return holds

    def same(self, name: str, claimed: object, found: object, where: str) -> bool:
        return self.that(name, claimed == found, f"says {_short(claimed)}, but {where} says {_short(found)}")


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def verify_receipt(home: Home, raw: bytes, reader: Reader | None = None) -> Verification:
    """Check the receipt in the bytes of a file. Everything that is wrong is named, not only the first.

    What a reader may not see is not in the release to that reader.

    Raises:
        ConfigurationError: the bytes hold no receipt at all.
        HomeError: there is no home.
    """
    home.check()
    fields = _fields(raw)
    checks = _Checks()
    checks.that("file", as_written(fields) == raw, "is not written as receipts are: a byte of it was changed")
    checks.that(SEAL, fields.get(SEAL) == seal(fields), "does not belong to these fields: one of them was changed")
    receipt = _receipt(fields, checks)
    if receipt is not None:
        _check_words(receipt, checks)
        snapshot = _check_release(home, receipt, reader, checks)
        if snapshot is not None:
            _check_sentences(snapshot, receipt.mode, receipt.sentences, checks)
    return Verification(
        verified=not checks.failures,
        release=receipt.release if receipt is not None else None,
        checks=checks.made,
        failures=tuple(checks.failures),
        notes=tuple(dict.fromkeys(checks.notes)),
    )


def check_sentences(snapshot: Snapshot, sentences: Sequence[ReceiptSentence]) -> tuple[Failure, ...]:
    """What is wrong with extractive sentences and their quotes, in a release that need not be published yet."""
    checks = _Checks()
    _check_sentences(snapshot, "extractive", sentences, checks)
    return tuple(checks.failures)


def _check_sentences(snapshot: Snapshot, mode: str, sentences: Sequence[ReceiptSentence], checks: _Checks) -> None:
    for number, sentence in enumerate(sentences):
        _check_sentence(snapshot, mode, sentence, f"sentences[{number}]", checks)


def _fields(raw: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(raw)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or not {"sentences", "release"} & fields.keys():
        raise ConfigurationError("the file holds no receipt", cure="write one with: omni ask QUESTION --receipt FILE")
    return fields


def _receipt(fields: Mapping[str, Any], checks: _Checks) -> Receipt | None:
    checks.made += 1
    try:
        return Receipt.model_validate_json(orjson.dumps(fields), strict=True)
    except ValidationError as error:
        checks.failures += [Failure(field=_place(each["loc"]), reason=each["msg"]) for each in error.errors()]
        return None


def _place(parts: tuple[int | str, ...]) -> str:
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in parts).removeprefix(".")


def _check_words(receipt: Receipt, checks: _Checks) -> None:
    whole = " ".join(sentence.text for sentence in receipt.sentences)
    checks.that("answer", receipt.answer == whole, "is not the sentences, one after the other")


def _check_release(home: Home, receipt: Receipt, reader: Reader | None, checks: _Checks) -> Snapshot | None:
    """The release, opened; None where it cannot be, or is another one than the receipt says."""
    record = read_checked(home, receipt.release)
    if record is None:
        checks.that(
            "release", False, f"{receipt.release} is not kept in {home.root}, so nothing can be checked by it"
        )
        return None
    release, checksum = record
    told = f"the record of release {release.release}"
    checks.same("release_checksum", receipt.release_checksum, checksum, told)
    checks.same("run_id", receipt.run_id, release.run_id, told)
    checks.same("tables", receipt.tables, release.tables, told)
    checks.same("fingerprints", receipt.fingerprints, release.fingerprints, told)
    try:
        return Snapshot.open(home, receipt.release, reader)
    except EngineError as error:
        checks.that("tables", False, f"cannot be opened as the release names them: {error.message}")
        return None


def _check_sentence(snapshot: Snapshot, mode: str, sentence: ReceiptSentence, place: str, checks: _Checks) -> None:
    kinds = [
        _check_quote(snapshot, quote, f"{place}.quotes[{number}]", checks)
        for number, quote in enumerate(sentence.quotes)
    ]
    if mode == "extractive":
        said = [on_one_line(quote.quote, kind) for quote, kind in zip(sentence.quotes, kinds, strict=True)]
        checks.that(f"{place}.text", said == [sentence.text], "is not what its quote says")
    else:
        quoted = " ".join(quote.quote for quote in sentence.quotes)
        checks.that(f"{place}.text", figures_stand_in(sentence.text, quoted), "has a figure that no quote has")


def _check_quote(snapshot: Snapshot, quote: ReceiptQuote, place: str, checks: _Checks) -> str:
    """Check a quote down to its bytes. The kind of the document, as code; "" where it is not found."""
    chunk = snapshot.chunks([quote.chunk_id]).get(quote.chunk_id)
    document = snapshot.document(chunk["doc_id"]) if chunk is not None else None
    if chunk is None or document is None:
        checks.that(f"{place}.chunk_id", False, f"{_short(quote.chunk_id)} is not in the release")
        return ""
    for name in ("uri", "path", "content_hash", "encoding", "verbatim"):
        checks.same(f"{place}.{name}", getattr(quote, name), document[name], "the release")
    parsed = parsed_document(document)
    stored = parsed.stored_bytes
    # with secrets masked, the text is as long as the file's, and not the same
    whole = document["content_hash" if parsed.verbatim and not document["masked"] else "stored_hash"]
    checks.that(f"{place}.content_hash", content_hash(stored) == whole, "is not the hash of the text that is stored")
    encoding = parsed.decoded.encoding if parsed.verbatim else "utf-8"
    _check_range(quote, chunk, stored, encoding, place, checks)
    _check_lines(quote, chunk, parsed, stored, place, checks)
    _note_file(document, checks)
    return str(document["kind"])


def _check_range(
    quote: ReceiptQuote, chunk: Mapping[str, Any], stored: bytes, encoding: str, place: str, checks: _Checks
) -> None:
    inside = chunk["start_byte"] <= quote.start_byte and quote.end_byte <= chunk["end_byte"]
    checks.that(f"{place}.chunk_id", inside, "is a passage that does not hold the range")
    found = stored[quote.start_byte : quote.end_byte]
    text = _decoded(found, encoding)
    checks.that(f"{place}.quote", text == quote.quote, f"is not what stands in its bytes: {_short(text)}")
    checks.that(f"{place}.quote_hash", content_hash(found) == quote.quote_hash, "is not the hash of its bytes")


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeError:
        return "they are no text"


def _check_lines(
    quote: ReceiptQuote, chunk: Mapping[str, Any], parsed: Parsed, stored: bytes, place: str, checks: _Checks
) -> None:
    if parsed.verbatim:
        first, last = (_line(parsed, stored, byte) for byte in (quote.start_byte, quote.end_byte))
    else:  # between the marks of such a file a sentence has no line of its own: it has those of its passage
        first, last = chunk["start_line"], chunk["end_line"]
    checks.same(f"{place}.page", quote.page, chunk["page"], "the passage")
    checks.same(f"{place}.start_line", quote.start_line, first, "the text")
    checks.same(f"{place}.end_line", quote.end_line, last, "the text")


def _line(parsed: Parsed, stored: bytes, byte: int) -> int:
    before = stored[parsed.decoded.bom_bytes : byte].decode(parsed.decoded.encoding, "replace")
    return parsed.line(len(before))


def _note_file(document: Mapping[str, Any], checks: _Checks) -> None:
    """Look at the file that the release names, never at what a stranger's receipt may name."""
    if not document["uri"].startswith("file:"):
        return  # what was committed or packed is looked up in the release alone
    path, shown = file_of(document["uri"]), Path(url2pathname(urlsplit(document["uri"]).path))
    try:
        same = path.is_file() and content_hash(path.read_bytes()) == document["content_hash"]
    except OSError:
        same = False
    if not same:
        checks.notes.append(f"{shown} has changed since the release, or is gone")
