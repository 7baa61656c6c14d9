"""The settings: their descriptions, and those that a single source overrides."""

from __future__ import annotations

import pytest

from docs.generate import descriptions
from omni_pipelines.settings import Settings, SourceOptions, SourceSettings


@pytest.mark.parametrize("model", [Settings, SourceSettings, SourceOptions])
def test_every_setting_has_a_description_of_one_paragraph(model: type[SourceOptions]) -> None:
    described = descriptions(model)
    texts = {name: described.get(name, "") for name in model.model_fields}
    assert [name for name, text in texts.items() if not text.endswith(".") or "\n\n" in text] == []


def test_of_source_overrides_only_what_the_source_sets() -> None:
    settings = Settings.model_validate(
        {"chunk_overlap": 9, "sources": {"a": {"chunk_tokens": 100, "chunk_mode": "ast"}}}
    )
    chunking = [(each.chunk_mode, each.chunk_tokens, each.chunk_overlap) for each in map(settings.of_source, "ab")]
    assert chunking == [("ast", 100, 9), ("auto", 256, 9)]


@pytest.mark.parametrize("every", ["15m", "6h", "2d", "0 6 * * 1-5", "*/5 * * * *"])
def test_interval_of_a_source_is_accepted(every: str) -> None:
    assert SourceSettings(every=every).every == every


@pytest.mark.parametrize("every", ["0m", "15", "15s", "-5m", "daily", "0 6 * *", "0 6 * * * *", "@daily"])
def test_interval_of_a_source_that_is_none_is_refused(every: str) -> None:
    with pytest.raises(ValueError, match="write 15m, 6h or 2d"):
        SourceSettings(every=every)
