"""Weights of the evidence. `python -m benchmarks.answer_evidence --write` writes this module."""

WEIGHTS = {
    "coverage of the words by the unit": (0.27, -0.13),
    "by the unit with headings, title and path": (1.31, 0.46),
    "by the passage with headings, title and path": (0.47, 0.64),
    "coverage by the unit with headings, with near meanings": (1.10, 0.29),
    "coverage by the unit, with near meanings": (0.37, -0.22),
    "coverage by the unit of words that few candidates have": (0.37, 0.01),
    "coverage by the unit of words that few candidates have, with near meanings": (0.43, -0.06),
    "heaviest word that the unit with headings lacks": (-0.17, -0.48),
    "heaviest word that the unit with headings lacks, with near meanings": (-0.17, -0.43),
    "a number stands next to what is counted": (0.18, 0.79),
    "heaviest word that the passage lacks": (-0.01, -0.54),
    "heaviest word that the passage lacks, with near meanings": (-0.11, -0.49),
    "meaning of the unit": (1.21, 0.56),
    "meaning of the headings": (0.24, -0.10),
    "meaning of the passage": (0.31, -0.27),
    "best meaning of a passage": (-0.00, -0.33),
    "has something of the asked kind": (0.40, -0.06),
    "lacks anything of the asked kind": (-0.40, -0.67),
    "reciprocal rank of the passage": (1.05, 0.77),
    "share of names that the unit with headings lacks": (-1.15, -0.51),
    "share of names that the passage lacks": (-0.88, -0.41),
    "share of names that all passages lack": (0.00, -0.27),
    "lacks a figure of the question": (-0.08, 0.26),
    "one is negated, the other not": (0.14, 0.02),
    "logarithm of the number of words of the unit": (0.26, 0.03),
    "adjacent words of the question that are adjacent in the unit": (0.31, 0.14),
    "weight of words that the corpus lacks": (-0.00, -0.51),
    "asks for a default, parameters or a definition, and the unit is a signature": (0.81, 0.04),
    "the unit, or its innermost heading, declares what the question names": (1.12, 0.22),
    "coverage of the words by headings and title": (0.21, -0.72),
    "asks for steps, and the unit is code or an item": (0.21, -0.28),
}
"""Feature to its weights: in the ranking of the units, and in the decision if the best one answers."""
DECISION_BIAS = -0.82
MIN_EVIDENCE = 0.37
"""The probability below which there is no answer."""
