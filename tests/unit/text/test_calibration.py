"""Cosines of different embedders, brought to one scale."""

import numpy as np
import pytest

from omni_pipelines.text.calibration import Calibration, calibration_of


def test_scaled_cosine_is_0_for_unrelated_texts_and_1_for_an_answer() -> None:
    narrow = Calibration(unrelated=0.75, related=0.85)
    assert [narrow.scaled(cosine) for cosine in (0.75, 0.80, 0.85)] == pytest.approx([0, 0.5, 1])
    assert narrow.scaled_all(np.array([0.75, 0.95])) == pytest.approx([0, 2])


def test_embedder_without_a_calibration_gets_the_default() -> None:
    assert calibration_of("a model of somebody") == calibration_of("another")


def test_the_narrow_range_of_a_multilingual_embedder_is_stretched() -> None:
    e5, default = calibration_of("multilingual-e5-small"), calibration_of("all-minilm-l6-v2")
    assert e5.scaled(0.73) < 0.1 < 0.9 < e5.scaled(0.86)
    assert default.scaled(0.73) > 1
