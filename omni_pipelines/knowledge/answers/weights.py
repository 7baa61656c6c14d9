"""Weights of the evidence. `python -m benchmarks.answer_evidence --write` writes this module."""

WEIGHTS = {
    "coverage of the words by the unit": (0.02, -0.25),
    "by the unit with headings, title and path": (1.26, 0.50),
    "by the passage with headings, title and path": (0.74, 0.62),
    "coverage by the unit with headings, with near meanings": (1.15, 0.42),
    "coverage by the unit, with near meanings": (0.20, -0.15),
    "coverage by the unit of words that few candidates have": (0.46, -0.05),
    "coverage by the unit of words that few candidates have, with near meanings": (0.65, 0.06),
    "heaviest word that the unit with headings lacks": (-0.32, -0.35),
    "heaviest word that the unit with headings lacks, with near meanings": (-0.34, -0.29),
    "a number stands next to what is counted": (0.56, 0.58),
    "heaviest word that the passage lacks": (-0.24, -0.44),
    "heaviest word that the passage lacks, with near meanings": (-0.35, -0.36),
    "meaning of the unit": (1.41, 0.59),
    "meaning of the headings": (0.54, -0.10),
    "meaning of the passage": (0.74, -0.15),
    "best meaning of a passage": (0.00, -0.04),
    "has something of the asked kind": (0.38, 0.14),
    "lacks anything of the asked kind": (-0.38, -0.78),
    "reciprocal rank of the passage": (1.04, 0.68),
    "share of names that the unit with headings lacks": (-0.78, -0.34),
    "share of names that the passage lacks": (-0.91, -0.48),
    "share of names that all passages lack": (0.00, -0.43),
    "lacks a figure of the question": (-0.41, 0.19),
    "one is negated, the other not": (-0.14, 0.08),
    "logarithm of the number of words of the unit": (0.37, 0.00),
    "adjacent words of the question that are adjacent in the unit": (0.39, 0.07),
    "weight of words that the corpus lacks": (-0.00, -0.42),
    "asks for a default, parameters or a definition, and the unit is a signature": (0.78, 0.31),
    "the unit, or its innermost heading, declares what the question names": (1.15, 0.16),
    "coverage of the words by headings and title": (0.26, -0.53),
    "asks for steps, and the unit is code or an item": (0.09, -0.19),
}
"""Feature to its weights: in the ranking of the units, and in the decision if the best one answers."""
DECISION_BIAS = -1.38
MIN_EVIDENCE = 0.34
"""The probability below which there is no answer."""
