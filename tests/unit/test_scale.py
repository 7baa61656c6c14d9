"""The page of scale: how a figure grows, and where it reaches its limit."""

from __future__ import annotations

from collections import defaultdict

import pytest

from benchmarks.scale_page import exponent, page


def size(chunks: float, hybrid: float) -> dict[str, dict[str, float]]:
    parts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(lambda: 1.0))
    parts["build"]["chunks"] = chunks
    parts["queries"]["hybrid"] = hybrid
    return parts


def test_exponent_is_the_power_by_which_a_figure_grows() -> None:
    assert exponent([10, 100, 1_000], [3, 3 * 10**0.5, 30]) == pytest.approx(0.5)


def test_limit_is_reached_where_a_straight_line_through_the_largest_sizes_meets_it() -> None:
    """10 ms at 10,000 chunks and 28 ms at 100,000 are 8 ms and 0.2 ms for each thousand: 100 ms at 460,000."""
    shown = page({"10000": size(10_000, 10), "100000": size(100_000, 28)})
    assert "| hybrid query, CPU ms | 10 | 28 | 0.45 |" in shown
    assert "| hybrid query, CPU ms | 100 | 460,000 |" in shown


def test_figure_that_does_not_grow_reaches_no_limit() -> None:
    shown = page({"10000": size(10_000, 10), "100000": size(100_000, 10)})
    assert "| hybrid query, CPU ms | 100 |" not in shown
