"""FTS5 of SQLite, with the porter stemmer; a query is its words, joined by OR; hits have their texts."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.child import Search

PACKAGES = ()


def keyword_index(texts: Sequence[str], target: Path) -> Search:
    """Write the texts into one table."""
    target.mkdir(parents=True)
    connection = sqlite3.connect(target / "texts.db")
    connection.execute("CREATE VIRTUAL TABLE texts USING fts5(text, tokenize = 'porter unicode61')")
    connection.executemany("INSERT INTO texts (rowid, text) VALUES (?, ?)", enumerate(texts))
    connection.commit()

    def search(query: str, k: int) -> Sequence[int]:
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", query))
        found = connection.execute(
            "SELECT rowid, text FROM texts WHERE texts MATCH ? ORDER BY bm25(texts) LIMIT ?", (words, k)
        )
        return [row for row, _ in found]

    return search
