"""Each kind of file that readers once got wrong, by neighbours of the one that was found."""

from __future__ import annotations

import pytest

from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.readers.formats import UNKNOWN
from omni_pipelines.text.readers.registry import read_document, reader_by_content, reader_for
from tests.samples.neighbours import NEIGHBOURS, Neighbour


@pytest.mark.parametrize("file", NEIGHBOURS, ids=[f"{file.kind}: {file.name}" for file in NEIGHBOURS])
def test_file_gives_its_words_and_no_others(file: Neighbour) -> None:
    reader = reader_by_content(reader_for(file.name) or UNKNOWN, file.raw)
    if file.code:
        with pytest.raises(Unreadable) as refused:
            read_document(reader, file.raw, file.name)
        assert refused.value.code == file.code
        return
    parsed = read_document(reader, file.raw, file.name)
    inside = [each.raw.decode("utf-8", "replace") for each in parsed.embedded]
    text = "\n".join([parsed.text, parsed.title, *inside])
    assert [word for word in file.kept if word not in text] == []
    assert [word for word in file.absent if word in text] == []
