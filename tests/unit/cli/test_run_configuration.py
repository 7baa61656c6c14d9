"""The configuration of a run as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_pipelines.cli.run_configuration import run_configuration, run_tags
from omni_pipelines.errors import ConfigurationError


def of_documents(**options: object) -> dict[str, object]:
    return {"ops": {"documents": {"config": options}}}


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["documents.allow_delete=true"], {"allow_delete": True}),
        (
            ["documents.sources=[a, b]", "documents.allow_delete=false"],
            {"sources": ["a", "b"], "allow_delete": False},
        ),
        (["documents.sources=[a=b]", "documents.sources=[c]"], {"sources": ["c"]}),
    ],
    ids=["one", "two", "the last counts"],
)
def test_pairs_set_options_of_assets(words: list[str], options: dict[str, object]) -> None:
    assert run_configuration(words) == of_documents(**options)


def test_pair_after_a_file_changes_only_its_option(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("ops: {documents: {config: {sources: [a], allow_delete: false}}}")
    assert run_configuration([str(file), "documents.allow_delete=true"]) == of_documents(
        sources=["a"], allow_delete=True
    )


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (None, "missing.yaml"),
        (None, "allow_delete=true"),
        (None, "a.b.c=1"),
        (None, "documents.sources=[a"),
        ("[1, 2]", "run.yaml"),
        ("a: [", "run.yaml"),
        ("!!python/object/apply:os.system ['true']", "run.yaml"),
        (b"\xff\xfe\x00", "run.yaml"),
    ],
    ids=str,
)
def test_what_is_no_configuration_is_refused(tmp_path: Path, content: str | bytes | None, word: str) -> None:
    if content is not None:
        (tmp_path / "run.yaml").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigurationError):
        run_configuration([word])  # tests run in tmp_path


def test_tags_are_pairs_and_not_those_of_the_program() -> None:
    assert run_tags(["why=a=b", "dagster/priority=3"]) == {"why": "a=b", "dagster/priority": "3"}
    for wrong in ("why", "=x", "omni/pid=1", ".dagster/x=1"):
        with pytest.raises(ConfigurationError):
            run_tags([wrong])
