"""Sources of every kind with generated documents of every format, for tests of citations.

Names, encodings and line ends are chosen to be taken for something else: a place, a shell command, an escape.
"""

from __future__ import annotations

import codecs
import os
import random
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import fsspec

from omni_pipelines.sources.locations import source_at
from omni_pipelines.sources.model.source import Source
from tests.integration.web_site import Page, running_site, website
from tests.samples.manuscript import WRITERS, Part

TOPICS = ("walrus", "heron", "otter", "badger", "Zürich", "海象", "ключ", "naïve", "lighthouse", "harbour", "compass")
VERBS = ("keeps", "rotates", "measures", "repairs", "publishes", "counts", "forgets", "translates")
THINGS = ("the keys", "every index", "a cold lamp", "two maps", "the old ledger", "its receipts", "seven lists")
ENDS = ("in the vault", "at dawn", "before the gate", "without a key", "for ninety days", "on the ice", "by the sea")
NAMES = (
    "plain.md",
    "deep/er/plain.md",
    "with space.md",
    "brackets [1] (2).md",
    "colon:12.md",
    "colons:3:4-5:6.md",
    "lines:7",
    "page:p3",
    "page:p3:4",
    "place#L3",
    "100%25 é.md",
    "a%0Ab.md",
    "a\nb.md",
    'quote\'s "x" `y`.md',
    "日本語 文書.md",
    "-dash.md",
    "semi;$HOME&~!*.md",
    "back\\slash.md",
)
ENCODINGS = {
    "bom.md": ("utf-8", codecs.BOM_UTF8, "\n"),
    "utf16le.md": ("utf-16-le", codecs.BOM_UTF16_LE, "\n"),
    "utf16be.txt": ("utf-16-be", codecs.BOM_UTF16_BE, "\r\n"),
    "utf32.txt": ("utf-32-le", codecs.BOM_UTF32_LE, "\n"),
    "windows.md": ("utf-8", b"", "\r\n"),
    "mac.md": ("utf-8", b"", "\r"),
    "western.md": ("cp1252", b"", "\r\n"),
}


class Writing:
    """Documents of random sentences; no two sentences are the same."""

    def __init__(self, seed: int) -> None:
        self._random, self._count = random.Random(seed), 0

    def sentence(self) -> str:
        """A sentence with a number of its own."""
        self._count += 1
        words = (self._random.choice(each) for each in (TOPICS, VERBS, THINGS, ENDS))
        subject, verb, thing, end = words
        return f"The {subject} number {self._count} {verb} {thing} {end}."

    def paragraph(self) -> str:
        """One to four sentences, on one line."""
        return " ".join(self.sentence() for _ in range(self._random.randint(1, 4)))

    def parts(self) -> list[Part]:
        """The sections of a document."""
        return [
            Part(
                f"The {self._random.choice(TOPICS)} {number}",
                [self.paragraph() for _ in range(3)],
                [self.sentence() for _ in range(2)],
            )
            for number in range(4)
        ]

    def document(self, name: str) -> bytes:
        """A document in a format of `WRITERS`."""
        parts = self.parts()
        if name.endswith((".pdf", ".pages")):  # the fonts of the PDF have western letters only
            parts = [
                Part(_western(part.heading), [*map(_western, part.paragraphs)], [*map(_western, part.items)])
                for part in parts
            ]
        return WRITERS[name](parts)

    def page(self, *, on_one_line: bool = False) -> bytes:
        """A page of the web, with tags across lines or all of it on one line."""
        blocks = []
        for part in self.parts():
            paragraphs = (each.replace(". ", ".\n<em>").replace(" by", "</em>\nby") for each in part.paragraphs)
            blocks += [f"<h2\nclass=x>{part.heading}</h2>", *(f"<p>{each}</p>" for each in paragraphs)]
            blocks += ["<ul>", *(f"<li>{each}" for each in part.items), "</ul>"]
            blocks += [f"<pre>\n{part.items[0]}\n\n  {self.sentence()}\n</pre>"]
            blocks += [f"<table><tr><th>a<th>b</tr><tr>\n<td>{self.sentence()}</td>\n<td>{self.sentence()}</table>"]
        text = "\n".join(["<!doctype html>", "<title>Page</title>", *blocks])
        return (text.replace("\n", " ") if on_one_line else text).encode()


def _western(text: str) -> str:
    return text.encode("cp1252", "replace").decode("cp1252")


def _write(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, raw in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    return folder


def _docs(writing: Writing) -> dict[str, bytes]:
    files = {name: writing.document("a.md") for name in NAMES}
    files |= {f"formats/{name}": writing.document(name) for name in WRITERS}
    for name, (encoding, mark, line_end) in ENCODINGS.items():
        text = writing.document("a.md").decode().replace("\n", line_end)
        files[f"encodings/{name}"] = mark + text.encode(encoding, "replace")
    files["pages/lines.html"] = writing.page()
    files["pages/one line.html"] = writing.page(on_one_line=True)
    return files


def _repository(folder: Path, files: Mapping[str, bytes]) -> Path:
    _write(folder, files)
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@example.org", "-C", str(folder)]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "1"]):
        subprocess.run([*git, *words], check=True)
    return folder


def _archive(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    return path


@contextmanager
def cited_sources(folder: Path, seed: int) -> Iterator[list[Source]]:
    """A source of each kind below a folder, on a local server and in memory, while they can be read."""
    writing = Writing(seed)
    docs = _write(folder / "docs", _docs(writing))
    (docs / os.fsdecode(b"bad\xff 5%.md")).write_bytes(writing.document("a.md"))
    twin = _write(folder / "copy" / "docs", {name: writing.document("a.md") for name in NAMES[:5]})
    single = _write(folder, {"notes.md": writing.document("a.md")}) / "notes.md"
    inside = {
        name: writing.document("a.md") for name in ("plain.md", "deep/er/plain.md", "with space.md", "colon:12.md")
    }
    entries = {name: raw for name, raw in inside.items() if ":" not in name}  # such an entry is refused: a drive
    packed = _archive(folder / "handbook.zip", {**entries, "page.html": writing.page()})
    project = _repository(folder / "project", {**inside, "tool.py": writing.document("a.py")})
    objects = fsspec.filesystem("memory")
    for name in ("plain.md", "deep/er/plain.md", "with space.md", "colon:12.md"):
        objects.pipe(f"/cited-{seed}/docs/{name}", writing.document("a.md"))
    with running_site() as site:
        addresses = ("/", "/docs/plain.md", "/wiki/Talk:12", "/guide?x=1&y=2", "/deep/er/plain%20page.html")
        for number, address in enumerate(addresses):
            raw = writing.document("a.md") if address.endswith(".md") else writing.page(on_one_line=number == 2)
            kind = "text/plain" if address.endswith(".md") else "text/html; charset=utf-8"
            site.pages[address] = Page(raw, headers={"Content-Type": kind})
        site.sitemap(*addresses)
        yield [
            source_at(str(docs), "docs"),
            source_at(str(twin), "docs-2"),
            source_at(str(single), "notes.md"),
            source_at(str(packed), "handbook.zip"),
            source_at(f"{project}@main", "project"),
            source_at(f"memory://cited-{seed}/docs", "shop"),
            website(site),
        ]
    objects.rm(f"/cited-{seed}", recursive=True)
