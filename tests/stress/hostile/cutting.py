"""Whether a document is cut into chunks to the character and to the byte, however odd its text is."""

from __future__ import annotations

from typing import Protocol

from omni_pipelines.text.chunking import Chunker
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.packing import Budget

BUDGET = Budget(256, 32)


class TokenEngine(Protocol):
    """What counts."""

    def count(self, text: str) -> int:
        """Number of tokens."""


def check_chunks(parsed: Parsed, kind: str, counter: TokenEngine) -> int:
    """Cut a document, and hold every chunk against the text and the bytes. Number of chunks."""
    spans = Chunker(BUDGET).cut(parsed, counter.count, kind)
    text, stored = parsed.text, parsed.stored_bytes
    encoding = parsed.decoded.encoding if parsed.verbatim else "utf-8"
    places = sorted({place for span in spans for place in (span.start, span.end)})
    at = dict(zip(places, parsed.byte_offsets(places), strict=True))
    covered = 0
    for span in spans:
        assert 0 <= span.start < span.end <= len(text)
        chunk = text[span.start : span.end]
        assert stored[at[span.start] : at[span.end]].decode(encoding) == chunk
        assert counter.count(chunk) == span.tokens <= BUDGET.tokens
        assert not text[covered : span.start].strip(), f"characters {covered} to {span.start} stand in no chunk"
        covered = max(covered, span.end)
    assert not text[covered:].strip()
    return len(spans)
