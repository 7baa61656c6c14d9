"""Whether a unit bears out a claim, by labelled pairs; the real embedder and the real analysis of words."""

from __future__ import annotations

import pytest

from benchmarks.claims import measure, open_support
from omni_pipelines.knowledge.answers.support import Support


@pytest.fixture(scope="module")
def support(models: None, tmp_path_factory: pytest.TempPathFactory) -> Support:
    return open_support(tmp_path_factory.mktemp("index"))


@pytest.mark.parametrize("held", [False, True], ids=["development", "held out"])
def test_claims_without_support_are_dropped_and_most_others_kept(support: Support, *, held: bool) -> None:
    score = measure(support, held=held)
    assert score.supported + score.unsupported >= 150
    assert score.dropped >= 0.95 * score.unsupported
    assert score.kept >= 0.7 * score.supported


UNIT = "The gate opens at 6:00 and closes at 22:00. It is never locked, and three guards watch it."


@pytest.mark.parametrize(
    "claim",
    ["The gate closes at 22:00.", "The gate is never locked.", "Three guards watch the gate.", "3 guards watch it."],
)
def test_claim_that_the_unit_makes_is_borne_out(support: Support, claim: str) -> None:
    assert support.bears_out(claim, UNIT, "Harbour")


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param("The gate closes at 23:00.", id="another figure"),
        pytest.param("The gate is locked.", id="denied by the unit"),
        pytest.param("The gate does not open at 6:00.", id="denies the unit"),
        pytest.param("Anna Berg watches the gate.", id="a name"),
        pytest.param("The gate is painted at 6:00.", id="another verb"),
        pytest.param("Three soldiers watch the gate.", id="another noun"),
        pytest.param("22 guards watch the gate.", id="a figure of something else"),
        pytest.param("", id="nothing"),
        pytest.param("...", id="no word"),
    ],
)
def test_claim_that_the_unit_does_not_make_is_not_borne_out(support: Support, claim: str) -> None:
    assert not support.bears_out(claim, UNIT, "Harbour")


def test_label_says_what_the_unit_is_about(support: Support) -> None:
    assert support.bears_out("The harbour is closed on Sundays.", "Closed on Sundays.", "Harbour")
    assert not support.bears_out("The harbour is closed on Sundays.", "Closed on Sundays.", "Library")


def test_text_says_the_same_as_another_one_if_it_has_no_word_of_its_own(support: Support) -> None:
    earlier = "The gate opens at 6:00 and closes at 22:00."
    assert support.says_the_same("The gate closes at 22:00.", earlier)
    assert not support.says_the_same("The gate closes at 23:00.", earlier)
    assert not support.says_the_same("The gate never closes at 22:00.", earlier)
    assert not support.says_the_same(earlier, "The gate closes at 22:00.")
