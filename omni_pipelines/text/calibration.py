"""What the cosines of an embedder mean: their range, measured once for each model.

Cosines of two models cannot be compared: unrelated texts have 0.0 with one and 0.75 with another. Whoever compares a
cosine with a constant scales it first.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Calibration:
    """The cosines of one embedder: means over the questions of judged collections, rounded."""

    unrelated: float
    """Mean cosine of a question with passages about other subjects."""
    related: float
    """Mean cosine of a question with the passage that answers it."""
    duplicate: float = 0.95
    """Cosine from which two passages are near duplicates."""
    answer_bias: float = 0.0
    """Added to the log-odds that a unit answers a question, whose weights are fitted with the default embedder.

    It is the highest one with which 93 % of the questions about missing things get no answer, and 75 % of those about
    missing facts; see docs/explanation/answer-quality.md.
    """

    def scaled(self, cosine: float) -> float:
        """A cosine on a scale where unrelated texts have 0 and a question and its answer 1; not limited to that."""
        return (cosine - self.unrelated) / (self.related - self.unrelated)

    def scaled_all(self, cosines: np.ndarray) -> np.ndarray:
        """`scaled` of each cosine (n,)."""
        return (cosines - self.unrelated) / (self.related - self.unrelated)


UNMEASURED = Calibration(unrelated=0.05, related=0.60)
"""For an embedder that nobody measured: the range of most models that are trained without a margin."""
_MEASURED = {
    "all-minilm-l6-v2": Calibration(unrelated=0.05, related=0.60),
    "multilingual-e5-small": Calibration(unrelated=0.73, related=0.86, answer_bias=-0.4),
}


def calibration_of(embedder: str) -> Calibration:
    """The calibration of an embedder by its name in `omni model list`; the default for one that nobody measured."""
    return _MEASURED.get(embedder, UNMEASURED)
