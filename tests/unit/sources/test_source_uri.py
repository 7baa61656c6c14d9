"""The URI of a file of a folder, which is made for every file of a listing."""

from pathlib import Path

import pytest

from omni_pipelines.sources.model.source import Source


@pytest.mark.parametrize("root", ["/", "/srv/a b"])
@pytest.mark.parametrize("path", ["a.md", "deep/100% sure?.md", "größe/#1;v=2.txt", "a~b/c&d=e+f.py"])
def test_uri_of_a_file_is_that_of_its_path(root: str, path: str) -> None:
    source = Source(name="docs", root=Path(root))
    assert source.uri(path) == (Path(root) / path).as_uri()
