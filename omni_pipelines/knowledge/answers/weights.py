"""Weights of the evidence. `python -m benchmarks.answer_evidence --write` writes this module."""

WEIGHTS = {
    "coverage of the words by the unit": (0.61, 0.53),
    "by the unit with headings, title and path": (1.46, 0.51),
    "by the passage with headings, title and path": (0.63, 0.43),
    "coverage by the unit with headings, with near meanings": (1.66, 0.79),
    "coverage by the unit, with near meanings": (0.0, 0.0),
    "coverage by the unit of words that few candidates have": (0.0, 0.0),
    "coverage by the unit of words that few candidates have, with near meanings": (0.0, 0.0),
    "heaviest word that the unit with headings lacks": (0.23, -0.14),
    "heaviest word that the unit with headings lacks, with near meanings": (0.0, 0.0),
    "a number stands next to what is counted": (0.0, 0.0),
    "heaviest word that the passage lacks": (0.09, -0.27),
    "heaviest word that the passage lacks, with near meanings": (-0.02, -0.43),
    "meaning of the unit": (2.63, 1.73),
    "meaning of the headings": (0.0, 0.0),
    "meaning of the passage": (0.80, -0.15),
    "best meaning of a passage": (-0.00, -0.03),
    "has something of the asked kind": (0.93, -0.14),
    "lacks anything of the asked kind": (-0.93, -0.48),
    "reciprocal rank of the passage": (1.34, -0.38),
    "share of names that the unit with headings lacks": (-0.40, -0.85),
    "share of names that the passage lacks": (-0.73, -0.63),
    "share of names that all passages lack": (-0.00, -0.53),
    "lacks a figure of the question": (-0.57, 0.15),
    "one is negated, the other not": (-0.45, 0.57),
    "logarithm of the number of words of the unit": (0.58, -0.60),
    "adjacent words of the question that are adjacent in the unit": (0.72, -0.31),
    "weight of words that the corpus lacks": (0.00, -0.73),
    "asks for a default, parameters or a definition, and the unit is a signature": (0.83, -0.15),
    "the unit, or its innermost heading, declares what the question names": (0.75, -0.77),
    "coverage of the words by headings and title": (0.19, -0.62),
    "asks for steps, and the unit is code or an item": (0.48, -0.11),
}
"""Feature to its weights: in the ranking of the units, and in the decision if the best one answers."""
DECISION_BIAS = 0.62
MIN_EVIDENCE = 0.40
"""The probability below which there is no answer."""
