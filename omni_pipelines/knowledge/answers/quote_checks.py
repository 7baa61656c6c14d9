"""Check the sentences of a receipt against the release that they quote.

Each quote must be the text of its bytes, and the quotes of a sentence must be one whole unit of their passage, found
by the rules that answers are made with. Otherwise words could be cut out of a sentence that says the opposite.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pydantic import BaseModel

from omni_pipelines.ids import content_hash
from omni_pipelines.knowledge.answers.quotes import byte_range, figures_are_quoted, shown_quotes
from omni_pipelines.knowledge.answers.units import SPLITTER, Unit, answer_units
from omni_pipelines.knowledge.search.citations import citation_of, is_unchanged
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.search.retrieval import passage_hit
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.receipt_records import ReceiptQuote, ReceiptSentence
from omni_pipelines.rows import ChunkRow, DocumentRow
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.document_rows import parsed_document


class Failure(BaseModel, frozen=True):
    """A field of a receipt that is wrong."""

    field: str
    """As `sentences[0].quotes[1].start_byte`; `file` for the file as a whole."""
    reason: str


@dataclass
class Checks:
    """The checks of a receipt: how many, what is wrong, and what could not be checked."""

    count: int = 0
    failures: list[Failure] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    """What could not be checked, each with the reason."""
    notes: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every check was made and holds."""
        return not self.failures and not self.unchecked

    def check(self, name: str, holds: bool, reason: str) -> None:
        """Count a check of a field, and keep the reason if it does not hold."""
        self.count += 1
        if not holds:
            self.failures.append(Failure(field=name, reason=reason))

    def check_equal(self, name: str, claimed: object, actual: object, where: str) -> None:
        """Check that a field has the value that it has `where` it is from."""
        self.check(name, claimed == actual, f"is {_short(claimed)}, but in {where} it is {_short(actual)}")


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def check_sentences(
    snapshot: Snapshot,
    sentences: Sequence[ReceiptSentence],
    checks: Checks,
    mode: str = "extractive",
    splitter: str = SPLITTER,
) -> None:
    """Check sentences and their quotes, in a release that may not be published yet.

    Quotes that other rules than `SPLITTER` cut are not compared with units.
    """
    for number, sentence in enumerate(sentences):
        name = f"sentences[{number}]"
        found = [
            _check_quote(snapshot, quote, f"{name}.quotes[{index}]", checks)
            for index, quote in enumerate(sentence.quotes)
        ]
        passages = [passage for passage in found if passage is not None]
        if len(passages) < len(found):
            continue
        units = _quoted_units(passages, sentence.quotes) if splitter == SPLITTER else []
        if splitter == SPLITTER:
            problem = "are cut: they are not a whole unit of a passage, such as a sentence or a list item"
            checks.check(f"{name}.quotes", bool(units), problem)
        _check_text(sentence, passages[0].kind, units, mode, name, checks)


def _quoted_units(passages: Sequence[Hit], quotes: Sequence[ReceiptQuote]) -> list[Unit]:
    """The units of a passage that consist of exactly these quotes."""
    first = passages[0]
    if any(passage.chunk_id != first.chunk_id for passage in passages):
        return []
    claimed = [(quote.start_byte, quote.end_byte) for quote in quotes]
    return [
        unit
        for unit in answer_units(first, licences=True)
        if [byte_range(first, start, end) for start, end in unit.ranges] == claimed
    ]


def _check_text(
    sentence: ReceiptSentence, kind: str, units: Sequence[Unit], mode: str, name: str, checks: Checks
) -> None:
    quotes = [quote.quote for quote in sentence.quotes]
    if mode != "extractive":
        holds = figures_are_quoted(sentence.text, " ".join(quotes))
        checks.check(f"{name}.text", holds, "has a figure that no quote has")
        return
    if units:
        is_shown = sentence.text in {unit.text for unit in units}
    else:  # other rules may have laid out their lines in another way
        shown = [shown_quotes(quotes, kind, keep_lines=keep).split() for keep in (False, True)]
        is_shown = sentence.text.split() in shown
    checks.check(f"{name}.text", is_shown, "is not its quotes")
    if units:
        checks.check(f"{name}.label", sentence.label in {unit.label for unit in units}, "is not that of its passage")


def _check_quote(snapshot: Snapshot, quote: ReceiptQuote, name: str, checks: Checks) -> Hit | None:
    """Check a quote. Returns its passage; None if it cannot be compared with one."""
    chunk = snapshot.chunks([quote.chunk_id]).get(quote.chunk_id)
    document = snapshot.document(chunk["doc_id"]) if chunk is not None else None
    if chunk is None or document is None:
        if snapshot.viewer is None:
            checks.check(f"{name}.chunk_id", False, f"{_short(quote.chunk_id)} is not in the release")
        else:
            checks.unchecked.append(f"{name}: its passage is not in the release, or this viewer may not see it")
        return None
    parsed = _sound_text(document)
    if parsed is None:
        checks.unchecked.append(f"{name}: the stored text of its document is damaged; see: omni scrub")
        return None
    stored: Mapping[str, object] = document
    for column in ("uri", "path", "content_hash", "encoding", "verbatim"):
        checks.check_equal(f"{name}.{column}", getattr(quote, column), stored[column], "the release")
    encoding = parsed.decoded.encoding if parsed.verbatim else "utf-8"
    _check_range(quote, chunk, parsed.stored_bytes, encoding, name, checks)
    _check_lines(quote, document, parsed, name, checks)
    _note_changed_file(document, checks)
    return passage_hit(chunk)


def _sound_text(document: DocumentRow) -> Parsed | None:
    """The text of a document; None if it is not the one that was stored."""
    try:
        parsed = parsed_document(document)
        stored = content_hash(parsed.stored_bytes)
    except (LookupError, ValueError, TypeError):
        return None
    # a masked text has the length of the file, but other bytes
    expected = document["content_hash"] if parsed.verbatim and not document["masked"] else document["stored_hash"]
    return parsed if stored == expected else None


def _check_range(quote: ReceiptQuote, chunk: ChunkRow, raw: bytes, encoding: str, name: str, checks: Checks) -> None:
    inside = chunk["start_byte"] <= quote.start_byte and quote.end_byte <= chunk["end_byte"]
    checks.check(f"{name}.chunk_id", inside, "is a passage that does not contain the range")
    quoted = raw[quote.start_byte : quote.end_byte]
    try:
        text = quoted.decode(encoding)
    except UnicodeError:
        text = "they are not text"
    checks.check(f"{name}.quote", text == quote.quote, f"is not the text of its bytes: {_short(text)}")
    checks.check(f"{name}.quote_hash", content_hash(quoted) == quote.quote_hash, "is not the hash of its bytes")


def _check_lines(quote: ReceiptQuote, document: DocumentRow, parsed: Parsed, name: str, checks: Checks) -> None:
    raw = parsed.stored_bytes
    bom, encoding = (parsed.decoded.bom_bytes, parsed.decoded.encoding) if parsed.verbatim else (0, "utf-8")
    start, end = (len(raw[bom:byte].decode(encoding, "replace")) for byte in (quote.start_byte, quote.end_byte))
    last = max(start, end - 1)
    checks.check_equal(f"{name}.page", quote.page, parsed.page(start), "the text")
    checks.check_equal(f"{name}.start_line", quote.start_line, parsed.line(start), "the text")
    checks.check_equal(f"{name}.end_line", quote.end_line, parsed.line(last), "the text")
    checks.check_equal(f"{name}.citation", quote.citation, citation_of(document, parsed, start, end), "the text")


def _note_changed_file(document: DocumentRow, checks: Checks) -> None:
    """Read the file that the release names, never a file that only the receipt names."""
    if document["uri"].startswith("file:") and not is_unchanged(document):
        path = url2pathname(urlsplit(document["uri"]).path)
        checks.notes.append(f"{Path(path)} has changed since the release, or is gone")
