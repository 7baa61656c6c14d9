"""Verify a receipt: check every field against the release it names, without a model or a network.

The checks compare the release's record with its checksum, the stored text of each document with the hash of its file,
the bytes of each range with the quote, and each sentence with its quotes. A note says if the file on disk changed
since; that is not a failure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import orjson
from pydantic import BaseModel, ValidationError

from native.errors import EngineError
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.home import Home
from omni_pipelines.ids import content_hash
from omni_pipelines.knowledge.answers.quotes import figures_are_quoted, shown_quotes
from omni_pipelines.knowledge.answers.receipts import SEAL, canonical_json, seal
from omni_pipelines.knowledge.search.citations import citation_of, is_unchanged
from omni_pipelines.knowledge.state.access import Viewer
from omni_pipelines.knowledge.state.releases import read_with_checksum
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.records import Receipt, ReceiptQuote, ReceiptSentence
from omni_pipelines.rows import ChunkRow, DocumentRow
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.document_rows import parsed_document


class Failure(BaseModel, frozen=True):
    """A field of a receipt that is wrong."""

    field: str
    """As `sentences[0].quotes[1].start_byte`; `file` for the file as a whole."""
    reason: str


class Verification(BaseModel, frozen=True):
    """The result of checking a receipt."""

    verified: bool
    release: int | None
    """None if the receipt does not name one."""
    checks: int
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]
    """Facts that do not fail a receipt: files that have changed since."""


@dataclass
class _Checks:
    count: int = 0
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def check(self, name: str, holds: bool, reason: str) -> None:
        self.count += 1
        if not holds:
            self.failures.append(Failure(field=name, reason=reason))

    def check_equal(self, name: str, claimed: object, actual: object, where: str) -> None:
        self.check(name, claimed == actual, f"is {_short(claimed)}, but in {where} it is {_short(actual)}")


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def verify_receipt(home: Home, raw: bytes, viewer: Viewer | None = None) -> Verification:
    """Check the receipt in the bytes of a file, and name everything that is wrong.

    For a viewer, quotes from sources that this viewer may not see are missing from the release.

    Raises:
        ConfigurationError: the bytes hold no receipt.
        HomeError: there is no home.
    """
    home.check()
    fields = _fields(raw)
    checks = _Checks()
    checks.check("file", canonical_json(fields) == raw, "is not in the form of a receipt: a byte of it was changed")
    checks.check(SEAL, fields.get(SEAL) == seal(fields), "is not the checksum of these fields: one was changed")
    receipt = _receipt(fields, checks)
    if receipt is not None:
        answer = "\n".join(sentence.text for sentence in receipt.sentences)
        checks.check("answer", receipt.answer == answer, "is not the sequence of its sentences")
        snapshot = _check_release(home, receipt, viewer, checks)
        if snapshot is not None:
            _check_sentences(snapshot, receipt.mode, receipt.sentences, checks)
    return Verification(
        verified=not checks.failures,
        release=receipt.release if receipt is not None else None,
        checks=checks.count,
        failures=tuple(checks.failures),
        notes=tuple(dict.fromkeys(checks.notes)),
    )


def check_sentences(snapshot: Snapshot, sentences: Sequence[ReceiptSentence]) -> tuple[Failure, ...]:
    """What is wrong with extractive sentences and their quotes, in a release that may not be published yet."""
    checks = _Checks()
    _check_sentences(snapshot, "extractive", sentences, checks)
    return tuple(checks.failures)


def _check_sentences(snapshot: Snapshot, mode: str, sentences: Sequence[ReceiptSentence], checks: _Checks) -> None:
    for number, sentence in enumerate(sentences):
        name = f"sentences[{number}]"
        kinds = [
            _check_quote(snapshot, quote, f"{name}.quotes[{index}]", checks)
            for index, quote in enumerate(sentence.quotes)
        ]
        if mode == "extractive":
            quotes = [quote.quote for quote in sentence.quotes]
            shown = [shown_quotes(quotes, (*kinds, "")[0], keep_lines=keep_lines) for keep_lines in (False, True)]
            checks.check(f"{name}.text", bool(quotes) and sentence.text in shown, "is not its quotes")
        else:
            quoted = " ".join(quote.quote for quote in sentence.quotes)
            checks.check(f"{name}.text", figures_are_quoted(sentence.text, quoted), "has a figure that no quote has")


def _fields(raw: bytes) -> dict[str, object]:
    try:
        fields = orjson.loads(raw)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or not {"sentences", "release"} & fields.keys():
        raise ConfigurationError("the file holds no receipt", cure="write one with: omni ask QUESTION --receipt FILE")
    return fields


def _receipt(fields: Mapping[str, object], checks: _Checks) -> Receipt | None:
    checks.count += 1
    try:
        return Receipt.model_validate_json(orjson.dumps(fields), strict=True)
    except ValidationError as error:
        for each in error.errors():
            name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in each["loc"])
            checks.failures.append(Failure(field=name.removeprefix("."), reason=each["msg"]))
        return None


def _check_release(home: Home, receipt: Receipt, viewer: Viewer | None, checks: _Checks) -> Snapshot | None:
    record = read_with_checksum(home, receipt.release)
    if record is None:
        problem = f"{receipt.release} is not kept in {home.root}, so nothing else can be checked"
        checks.check("release", False, problem)
        return None
    release, checksum = record
    where = f"the record of release {release.release}"
    checks.check_equal("release_checksum", receipt.release_checksum, checksum, where)
    for name in ("run_id", "tables", "fingerprints"):
        checks.check_equal(name, getattr(receipt, name), getattr(release, name), where)
    try:
        return Snapshot.open(home, receipt.release, viewer)
    except EngineError as error:
        checks.check("tables", False, f"cannot be opened at the versions of the release: {error.message}")
        return None


def _check_quote(snapshot: Snapshot, quote: ReceiptQuote, name: str, checks: _Checks) -> str:
    """Check a quote. Returns the kind of its document, as `code`; "" if the document is missing."""
    chunk = snapshot.chunks([quote.chunk_id]).get(quote.chunk_id)
    document = snapshot.document(chunk["doc_id"]) if chunk is not None else None
    if chunk is None or document is None:
        checks.check(f"{name}.chunk_id", False, f"{_short(quote.chunk_id)} is not in the release")
        return ""
    stored: Mapping[str, object] = document
    for column in ("uri", "path", "content_hash", "encoding", "verbatim"):
        checks.check_equal(f"{name}.{column}", getattr(quote, column), stored[column], "the release")
    parsed = parsed_document(document)
    raw = parsed.stored_bytes
    # a masked text has the length of the file, but other bytes
    expected = document["content_hash"] if parsed.verbatim and not document["masked"] else document["stored_hash"]
    checks.check(f"{name}.content_hash", content_hash(raw) == expected, "is not the hash of the stored text")
    _check_range(quote, chunk, raw, parsed.decoded.encoding if parsed.verbatim else "utf-8", name, checks)
    _check_lines(quote, document, parsed, raw, name, checks)
    _note_changed_file(document, checks)
    return document["kind"]


def _check_range(quote: ReceiptQuote, chunk: ChunkRow, raw: bytes, encoding: str, name: str, checks: _Checks) -> None:
    inside = chunk["start_byte"] <= quote.start_byte and quote.end_byte <= chunk["end_byte"]
    checks.check(f"{name}.chunk_id", inside, "is a passage that does not contain the range")
    quoted = raw[quote.start_byte : quote.end_byte]
    try:
        text = quoted.decode(encoding)
    except UnicodeError:
        text = "they are not text"
    checks.check(f"{name}.quote", text == quote.quote, f"is not the text of its bytes: {_short(text)}")
    checks.check(f"{name}.quote_hash", content_hash(quoted) == quote.quote_hash, "is not the hash of its bytes")


def _check_lines(
    quote: ReceiptQuote, document: DocumentRow, parsed: Parsed, raw: bytes, name: str, checks: _Checks
) -> None:
    bom, encoding = (parsed.decoded.bom_bytes, parsed.decoded.encoding) if parsed.verbatim else (0, "utf-8")
    start, end = (len(raw[bom:byte].decode(encoding, "replace")) for byte in (quote.start_byte, quote.end_byte))
    last = max(start, end - 1)
    checks.check_equal(f"{name}.page", quote.page, parsed.page(start), "the text")
    checks.check_equal(f"{name}.start_line", quote.start_line, parsed.line(start), "the text")
    checks.check_equal(f"{name}.end_line", quote.end_line, parsed.line(last), "the text")
    checks.check_equal(f"{name}.citation", quote.citation, citation_of(document, parsed, start, end), "the text")


def _note_changed_file(document: DocumentRow, checks: _Checks) -> None:
    """Read the file that the release names, never a file that only the receipt names."""
    if document["uri"].startswith("file:") and not is_unchanged(document):
        path = url2pathname(urlsplit(document["uri"]).path)
        checks.notes.append(f"{Path(path)} has changed since the release, or is gone")
