"""The port to embedders, and the text of a chunk that is embedded."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, runtime_checkable

import numpy as np

MAX_EMBEDDED_HEADING_LENGTH = 300
TextKind = Literal["document", "query"]
"""What a text is: some models put other words before a query than before a document."""


class Embedder(Protocol):
    """Turns texts into unit vectors. The vector of a text does not depend on the other texts of the call."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    def embed(
        self,
        texts: Sequence[str],
        on_batch: Callable[[int], None] | None = None,
        *,
        kind: TextKind = "document",
    ) -> np.ndarray:
        """Vectors (n, dimensions), float32, in the order of `texts`. `on_batch` is called with the count so far."""


def embedded_text(heading: str, text: str) -> str:
    """The text that is embedded for a chunk: its heading and its text. Not its path: renaming embeds nothing.

    Of a long heading, such as the names of many columns, only the beginning is embedded, so that the text has room.
    """
    heading = heading[:MAX_EMBEDDED_HEADING_LENGTH]
    return f"{heading}\n{text}" if heading else text


@runtime_checkable
class ReportsReadability(Protocol):
    """An embedder that knows which scripts its vocabulary covers."""

    def readable(self, text: str) -> float:
        """Share of the text's letters that are in pieces that the model learned, 0 to 1.

        Of a script that the vocabulary does not cover, the vector means little.
        """


def readable_share(embedder: object, text: str) -> float:
    """How much of a text an embedder can read, 0 to 1; 1 for an embedder that does not report it."""
    return embedder.readable(text) if isinstance(embedder, ReportsReadability) else 1.0
