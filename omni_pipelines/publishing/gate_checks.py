"""The names of the measures of the quality gate, and of the checks that show them."""

MEASURES = {"ndcg@10": "ndcg_10", "recall@10": "recall_10"}
GATE_CHECKS = ("coverage", "orphans", *MEASURES.values(), "cpu_ms", "citations")
"""The measures under names without `@`, each of which is a check of the candidate."""


def measure_of(check: str) -> str:
    """The measure that a check of the candidate is about."""
    return next((measure for measure, name in MEASURES.items() if name == check), check)
