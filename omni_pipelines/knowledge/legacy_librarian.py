"""The librarian under the method names of its predecessor, for programs that were written for that one."""

import re

from omni_pipelines.knowledge.entries import SOURCE as ENTRIES_SOURCE
from omni_pipelines.knowledge.entries import entry_stats
from omni_pipelines.knowledge.librarian import Librarian
from omni_pipelines.knowledge.search.hits import Hit
from omni_pipelines.knowledge.state.releases import release_file
from omni_pipelines.schemas import CHUNKS, DOCUMENTS


class LegacyLibrarian(Librarian):
    """A librarian with `query`, `get_context`, `get_stats` and `get_manifest_status`."""

    def query(self, text: str, limit: int = 5) -> list[Hit]:
        """The best `limit` chunks, best first; the same as `search`."""
        return self.search(text, limit)

    def get_context(self, query: str, limit: int = 5) -> str:
        """The best `limit` chunks as fenced blocks, each under `[KIND] path (start-end)`; "" if there are none."""
        return "\n\n".join(fenced(hit) for hit in self.search(query, limit))

    def get_stats(self) -> dict[str, object]:
        """The release in numbers, and the visible entries of the home by category."""
        counts = self._snapshot.counts()
        sees_entries = self._snapshot.sees(ENTRIES_SOURCE)
        return {
            "table": CHUNKS.name,
            "record_count": counts[CHUNKS.name],
            "tracked_files": counts[DOCUMENTS.name],
            "entries_by_category": entry_stats(self._snapshot.home).entries_by_category if sees_entries else {},
        }

    def get_manifest_status(self) -> dict[str, object]:
        """The file of the release record, and how many files the release tracks."""
        path = release_file(self._snapshot.home, self.release)
        tracked = self._snapshot.counts()[DOCUMENTS.name]
        return {"manifest_path": str(path), "manifest_exists": path.exists(), "tracked_files": tracked}


def fenced(hit: Hit) -> str:
    """A hit as a block of Markdown. The fence is longer than any fence in the text, which cannot end it."""
    longest = max((len(run) for run in re.findall("`+", hit.text)), default=0)
    fence = "`" * max(3, longest + 1)
    text = hit.text.rstrip("\n")
    return f"[{hit.kind.upper()}] {hit.path} ({hit.start_line}-{hit.end_line})\n{fence}\n{text}\n{fence}"
