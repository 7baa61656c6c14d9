"""Weights of the evidence. `python -m benchmarks.answer_evidence --write` writes this module."""

WEIGHTS = {
    "coverage of the words by the unit": (0.33, -0.08),
    "by the unit with headings, title and path": (1.15, 0.64),
    "by the passage with headings, title and path": (0.31, 0.71),
    "coverage by the unit with headings, with near meanings": (1.15, 0.56),
    "coverage by the unit, with near meanings": (0.36, 0.04),
    "coverage by the unit of words that few candidates have": (0.04, -0.03),
    "coverage by the unit of words that few candidates have, with near meanings": (0.14, 0.06),
    "heaviest word that the unit with headings lacks": (-0.28, -0.77),
    "heaviest word that the unit with headings lacks, with near meanings": (-0.35, -0.75),
    "a number stands next to what is counted": (0.26, 0.73),
    "heaviest word that the passage lacks": (-0.13, -0.84),
    "heaviest word that the passage lacks, with near meanings": (-0.22, -0.81),
    "meaning of the unit": (2.00, 0.62),
    "meaning of the headings": (0.56, -0.11),
    "meaning of the passage": (0.21, 0.01),
    "best meaning of a passage": (0.00, 0.09),
    "has something of the asked kind": (0.53, 0.21),
    "lacks anything of the asked kind": (-0.53, -0.85),
    "reciprocal rank of the passage": (0.80, 0.86),
    "share of names that the unit with headings lacks": (-0.88, -0.53),
    "share of names that the passage lacks": (-0.87, -0.48),
    "share of names that all passages lack": (-0.00, -0.51),
    "lacks a figure of the question": (-0.12, 0.18),
    "one is negated, the other not": (0.07, -0.02),
    "logarithm of the number of words of the unit": (0.19, -0.21),
    "adjacent words of the question that are adjacent in the unit": (0.55, 0.46),
    "weight of words that the corpus lacks": (-0.00, -0.38),
    "asks for a default, parameters or a definition, and the unit is a signature": (1.01, 0.19),
    "the unit, or its innermost heading, declares what the question names": (1.01, 0.34),
    "coverage of the words by headings and title": (0.59, -0.53),
    "asks for steps, and the unit is code or an item": (0.16, -0.16),
}
"""Feature to its weights: in the ranking of the units, and in the decision if the best ones answer."""
DECISION_BIAS = -0.76
MIN_EVIDENCE = 0.41
"""The probability below which there is no answer."""
