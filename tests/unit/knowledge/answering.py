"""Hits and a stemmer for the tests of answers."""

from __future__ import annotations

from omni_pipelines.knowledge.search.hits import Hit, Ranks

STOP_WORDS = {"how", "do", "the", "in"}


def hit(
    text: str,
    path: str = "a.md",
    *,
    start_byte: int = 0,
    start_line: int = 1,
    kind: str = "prose",
) -> Hit:
    """A hit with this text, at this location of the file `path`."""
    return Hit(
        rank=1,
        citation=f"s/{path}:{start_line}",
        score=1.0,
        chunk_id=f"{path}@{start_byte}",
        doc_id=path,
        uri=f"file:///{path}",
        title=path,
        start_byte=start_byte,
        end_byte=start_byte + len(text.encode("utf-8", "replace")),
        start_line=start_line,
        end_line=start_line + text.count("\n"),
        heading="",
        text=text,
        ranks=Ranks(keyword=1, vector=1),
        source="s",
        path=path,
        encoding="utf-8",
        verbatim=True,
        kind=kind,
    )


def stem(text: str) -> list[str]:
    """The words of a text, in lower case and without stop words."""
    words = (word.strip(".,?:") for word in text.lower().split())
    return [word for word in words if word not in STOP_WORDS]
