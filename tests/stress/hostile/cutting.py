"""Check that a document is cut into chunks at exact characters and bytes."""

from __future__ import annotations

from typing import Protocol

from omni_pipelines.text.chunking import Chunker
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.packing import Budget

BUDGET = Budget(256, 32)


class TokenEngine(Protocol):
    """A token counter."""

    def count(self, text: str) -> int:
        """Return the number of tokens."""


def check_chunks(parsed: Parsed, kind: str, counter: TokenEngine) -> int:
    """Cut a document, compare every chunk with the text and the bytes, and return the number of chunks."""
    spans = Chunker(BUDGET).cut(parsed, counter.count, kind)
    text, stored = parsed.text, parsed.stored_bytes
    encoding = parsed.decoded.encoding if parsed.verbatim else "utf-8"
    positions = sorted({position for span in spans for position in (span.start, span.end)})
    byte_at = dict(zip(positions, parsed.byte_offsets(positions), strict=True))
    covered = 0
    for span in spans:
        assert 0 <= span.start < span.end <= len(text)
        chunk = text[span.start : span.end]
        assert stored[byte_at[span.start] : byte_at[span.end]].decode(encoding) == chunk
        assert counter.count(chunk) == span.tokens <= BUDGET.tokens
        assert not text[covered : span.start].strip(), f"characters {covered} to {span.start} are in no chunk"
        covered = max(covered, span.end)
    assert not text[covered:].strip()
    return len(spans)
