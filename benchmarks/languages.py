"""How often the language of a text is detected, by its length, and what that costs.

    python -m benchmarks.languages FOLDER...

The folders are collections in BEIR layout whose names end with their language, such as any-de.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from omni_pipelines.knowledge.quality.judged_collections import load_collection
from omni_pipelines.text.languages import language_of_text

LENGTHS = (40, 100, 400, 2_000)
MAX_DOCUMENTS = 120
"""Maximum number of documents of one collection."""
_ENGLISH = re.compile(r"\b(?:the|of|is|and|to|in|for|this|that|with)\b")
_TECHNICAL = re.compile(r"[-/{}<>_]")


@dataclass
class Row:
    """The results for the texts of one length."""

    texts: int = 0
    right: int = 0
    unsure: int = 0
    seconds: float = 0.0


def main() -> int:
    """Print a row for each length."""
    rows = {length: Row() for length in LENGTHS}
    taken_for: Counter[tuple[str, str]] = Counter()
    for folder in map(Path, sys.argv[1:]):
        language = folder.name.rpartition("-")[2].partition("_")[0]
        for length, text in _texts(folder, language):
            row = rows[length]
            began = time.process_time()
            found = language_of_text(text)
            row.seconds += time.process_time() - began
            row.texts += 1
            row.right += found == language
            row.unsure += not found
            if found not in ("", language):
                taken_for[language, found] += 1
    print("| characters | texts | right | unsure | wrong | CPU a text |\n|---|---|---|---|---|---|")
    for length, row in rows.items():
        wrong = row.texts - row.right - row.unsure
        shares = " | ".join(f"{count / max(row.texts, 1):.1%}" for count in (row.right, row.unsure, wrong))
        print(f"| {length:,} | {row.texts:,} | {shares} | {row.seconds / max(row.texts, 1) * 1e3:.2f} ms |")
    print(f"\nmost often wrong: {taken_for.most_common(5)}")
    return 0


def _texts(folder: Path, language: str) -> Iterator[tuple[int, str]]:
    """Yield beginnings of the prose of each document, without documents that are partly in English."""
    for document in load_collection(folder).documents[:MAX_DOCUMENTS]:
        paragraphs = (" ".join(each.split()) for each in document.text.split("\n\n"))
        prose = " ".join(each for each in paragraphs if len(each) > 60 and _share(each) < 0.03)
        for length in LENGTHS:
            text = prose[:length].rpartition(" ")[0] or prose[:length]
            if len(text) >= 0.6 * length and (language == "en" or len(_ENGLISH.findall(text)) <= len(text) / 100):
                yield length, text


def _share(text: str) -> float:
    return len(_TECHNICAL.findall(text)) / len(text)


if __name__ == "__main__":
    sys.exit(main())
