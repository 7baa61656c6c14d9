"""Find gold ranges in a release, and measure how much of them an answer quotes.

A gold range is a range of bytes of the source file. If the text of a document is the file itself, it is a range of
that text. If the text was extracted, as from HTML, the visible characters of the range are searched in the extracted
text: letters and figures only, because spaces and marks differ.
"""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from native.filters import equals
from omni_pipelines.evaluation.answer_questions import AnswerQuestion, GoldRange, range_hash
from omni_pipelines.knowledge.answers.cited_answer import Answer, Citation
from omni_pipelines.knowledge.answers.quotes import find_quote
from omni_pipelines.knowledge.search.citations import unchanged_bytes
from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.rows import DocumentRow
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.document_rows import parsed_document
from omni_pipelines.text.sentences import Range

MIN_COPIED_LETTERS = 20
"""Letters of a gold range from which on a quote of another document counts that contains all of it."""
MAX_ADDED_LETTERS = 6
"""Letters and figures that extraction may add between two pieces of a gold range."""
_TAG = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)


@dataclass(frozen=True)
class GoldPassage:
    """A gold range in a document of a release."""

    uri: str
    text: str
    """The text of the passage, without tags."""
    ranges: tuple[Range, ...]
    """Ranges of characters of the document, of which one must be quoted: the same words may stand there twice."""


class QuotedTexts:
    """The documents of a release, which are read when a gold range or a citation names them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._documents: dict[str, Parsed] = {}

    def document(self, uri: str) -> Parsed:
        """The document with a URI that an answer cites."""
        if uri not in self._documents:
            row = self._row(equals("uri", uri))
            self._documents[uri] = parsed_document(row)
        return self._documents[uri]

    def characters(self, citation: Citation) -> Range:
        """The range of characters of its document that a citation quotes."""
        parsed = self.document(citation.uri)
        raw = parsed.stored_bytes
        encoding, skipped = (parsed.decoded.encoding, parsed.decoded.bom_bytes) if parsed.verbatim else ("utf-8", 0)
        start, end = (
            len(raw[skipped:at].decode(encoding, "replace")) for at in (citation.start_byte, citation.end_byte)
        )
        return start, end

    def find(self, gold: GoldRange) -> GoldPassage | str:
        """The gold range in the release, or the reason why it is not there."""
        rows = self._snapshot.documents(("doc_id",), equals("path", gold.path))
        if not rows:
            return f"{gold.path} is not in the release"
        found = [self._find_in(self._row(equals("doc_id", row["doc_id"])), gold) for row in rows]
        return next((each for each in found if isinstance(each, GoldPassage)), found[0])

    def _row(self, where: str) -> DocumentRow:
        (document,) = self._snapshot.documents(("doc_id",), where)[:1]
        row = self._snapshot.document(document["doc_id"])
        assert row is not None, "a release does not change"
        return row

    def _find_in(self, row: DocumentRow, gold: GoldRange) -> GoldPassage | str:
        parsed = parsed_document(row)
        self._documents[row["uri"]] = parsed
        if gold.quote:
            span = find_quote(gold.quote, parsed.text)
            return GoldPassage(row["uri"], gold.quote, (span,)) if span else f"{gold.path} has no such words"
        raw = parsed.stored_bytes if parsed.verbatim else unchanged_bytes(row)
        if raw is None:
            return f"{gold.path} cannot be read any more as it was indexed"
        content = raw[gold.start : gold.end]
        if range_hash(content) != gold.sha256:
            return f"{gold.path} has other bytes there: it is another version"
        text = content.decode(parsed.decoded.encoding, "replace")
        if parsed.verbatim:
            before = raw[parsed.decoded.bom_bytes : gold.start].decode(parsed.decoded.encoding, "replace")
            return GoldPassage(row["uri"], text, ((len(before), len(before) + len(text)),))
        pieces = [html.unescape(piece) for piece in _TAG.split(text)]
        ranges = tuple(find_pieces(pieces, parsed.text))
        if not ranges:
            return f"{gold.path}: the text extracted has no such words"
        return GoldPassage(row["uri"], " ".join(pieces), ranges)


def find_pieces(pieces: Iterable[str], text: str) -> Iterator[Range]:
    """Every range of `text` with the letters and figures of these pieces in their order.

    Any marks may stand between them, and between two pieces a few letters: the text extracted from a page has the
    numbers of lists.
    """
    letters, positions = _letters(text)
    first, *others = [sought for piece in pieces if (sought := _letters(piece)[0])] or [""]
    at = letters.find(first) if first else -1
    while at >= 0:
        end = at + len(first)
        for sought in others:
            found = letters.find(sought, end, end + MAX_ADDED_LETTERS + len(sought))
            if found < 0:
                break
            end = found + len(sought)
        else:
            yield positions[at], positions[end - 1] + 1
        at = letters.find(first, at + 1)


def _letters(text: str) -> tuple[str, list[int]]:
    """The letters and figures of a text in lower case, and the position of each."""
    found = [(character.lower()[0], at) for at, character in enumerate(text) if character.isalnum()]
    return "".join(letter for letter, _ in found), [at for _, at in found]


def covered_share(passage: GoldPassage, answer: Answer, texts: QuotedTexts) -> float:
    """The share of the letters and figures of a gold passage that an answer quotes; 0 to 1."""
    sought, _ = _letters(passage.text)
    citations = [citation for sentence in answer.sentences for citation in sentence.citations]
    if len(sought) >= MIN_COPIED_LETTERS and any(sought in _letters(each.quote)[0] for each in citations):
        return 1.0
    quoted = [texts.characters(each) for each in citations if each.uri == passage.uri]
    text = texts.document(passage.uri).text
    return max(_share(text, wanted, quoted) for wanted in passage.ranges)


def _share(text: str, wanted: Range, quoted: Sequence[Range]) -> float:
    characters = [at for at in range(*wanted) if text[at].isalnum()] or list(range(*wanted))
    covered = sum(any(start <= at < end for start, end in quoted) for at in characters)
    return covered / max(len(characters), 1)


def overlaps(passage: GoldPassage, citation: Citation, texts: QuotedTexts) -> bool:
    """Whether a citation quotes any of a gold passage, or the same words of another document."""
    sought, _ = _letters(passage.text)
    if len(sought) >= MIN_COPIED_LETTERS and sought in _letters(citation.quote)[0]:
        return True
    if citation.uri != passage.uri:
        return False
    start, end = texts.characters(citation)
    return any(start < last and first < end for first, last in passage.ranges)


def find_gold(question: AnswerQuestion, texts: QuotedTexts) -> tuple[list[Sequence[GoldPassage]], list[str]]:
    """The alternatives of a question all of whose ranges are in the release, and why the others are not."""
    alternatives: list[Sequence[GoldPassage]] = []
    reasons: list[str] = []
    for alternative in question.gold:
        found = [texts.find(each) for each in alternative]
        reasons += [each for each in found if isinstance(each, str)]
        if not any(isinstance(each, str) for each in found):
            alternatives.append([each for each in found if isinstance(each, GoldPassage)])
    return alternatives, reasons
