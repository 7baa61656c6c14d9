"""The vectors that a search compares: of the query, and of passages to which an early release has none yet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from omni_pipelines.knowledge.state.snapshot import Snapshot
from omni_pipelines.text.calibration import UNMEASURED, Calibration, calibration_of
from omni_pipelines.text.embedding import Embedder, embedded_text, readable_share

MAX_MADE = 1_000
"""Vectors of passages that are remembered, about 2 KB each."""


@dataclass(frozen=True)
class QueryVector:
    """The embedding of a query."""

    values: np.ndarray
    """(d,), unit length."""
    readable: float = 1.0
    """Share of its letters that the embedder knows in whole word pieces, 0 to 1; see `text.embedding`."""
    calibration: Calibration = UNMEASURED
    """What the cosines of the embedder mean."""


class Vectors:
    """Embeds queries, and the passages that have no vector yet, as the release embeds them."""

    def __init__(self, snapshot: Snapshot, load: Callable[[], Embedder]) -> None:
        """`load` gives the embedder of the release, when it is needed."""
        self._snapshot, self._load = snapshot, load
        self._last: tuple[str, QueryVector] | None = None
        self._made: Mapping[str, np.ndarray] = {}

    @cached_property
    def embedder(self) -> Embedder:
        """The embedder of the release.

        Raises:
            ModelMissing: it was never pulled.
        """
        return self._load()

    def of_query(self, query: str) -> QueryVector:
        """The vector of a query; that of the last one is remembered, because an answer needs it several times."""
        if self._last is None or self._last[0] != query:
            values = self.embedder.embed([query], kind="query")[0]
            calibration = calibration_of(self._snapshot.release.fingerprints["embedder"].partition("/")[0])
            self._last = query, QueryVector(values, readable_share(self.embedder, query), calibration)
        return self._last[1]

    def cosines(self, vector: np.ndarray, ids: Sequence[str]) -> dict[str, float]:
        """The cosines of these passages with `vector` (d,); those that have no vector yet are embedded here."""
        near = self._snapshot.cosines(vector, ids)
        made = self._embedded([key for key in ids if key not in near])
        return near | {key: float(values @ vector) for key, values in made.items()}

    def mean(self, ids: Sequence[str]) -> np.ndarray:
        """The mean vector (d,) of these passages."""
        stored = self._snapshot.vectors(ids)
        made = self._embedded([key for key in ids if key not in stored])
        return np.stack([*stored.values(), *made.values()]).mean(axis=0)

    def _embedded(self, ids: Sequence[str]) -> dict[str, np.ndarray]:
        known = self._made
        rows = self._snapshot.chunks([key for key in ids if key not in known], ["heading", "text"])
        if rows:
            texts = [embedded_text(row["heading"], row["text"]) for row in rows.values()]
            made = dict(zip(rows, self.embedder.embed(texts), strict=True))
            known = {**known, **made}
            self._made = known if len(known) <= MAX_MADE else made
        return {key: known[key] for key in ids if key in known}
