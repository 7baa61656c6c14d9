"""The corpora of the question set: where their files are on this machine, and the gold ranges of snippets."""

import html
import re
import subprocess
import sysconfig
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel

from omni_pipelines.errors import ConfigurationError
from omni_pipelines.evaluation.answer_questions import GoldRange, range_hash
from omni_pipelines.ignore_rules import IgnoreRules

FOLDER = Path(__file__).parent / "questions"
_TAG = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)
_ENTITY = re.compile(r"&(?:#\w+|\w+);")


class Corpus(BaseModel, frozen=True, extra="forbid"):
    """A set of files with questions about them; one of `folder`, `stdlib`, `package` and `debian` says where."""

    about: str
    licence: str
    folder: str = ""
    stdlib: bool = False
    package: str = ""
    debian: str = ""
    below: str = ""
    include: tuple[str, ...]
    exclude: tuple[str, ...] = ()

    def root(self) -> Path:
        """The folder where paths begin.

        Raises:
            ConfigurationError: the package is not installed here.
        """
        if self.folder:
            return FOLDER / self.folder
        if self.stdlib:
            return Path(sysconfig.get_path("stdlib"))
        root = _debian_folder(self.debian, self.below) if self.debian else _package_folder(self.package)
        if root is None or not root.is_dir():
            name = self.debian or self.package
            install = f"apt-get install {name}" if self.debian else f"pip install {name}"
            raise ConfigurationError(f"the package {name} is not installed", cure=f"install it: {install}")
        return root

    def files(self) -> Iterator[str]:
        """The paths of its files, relative to its root, in order."""
        root = self.root()
        include, exclude = map(IgnoreRules.of_patterns, (self.include, self.exclude))
        for path in sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()):
            if include.matching(path) and not exclude.matching(path):
                yield path


def load_corpora(path: Path = FOLDER / "corpora.toml") -> Mapping[str, Corpus]:
    """Every corpus by its name."""
    return {name: Corpus.model_validate(table) for name, table in tomllib.loads(path.read_text("utf-8")).items()}


def _debian_folder(package: str, below: str) -> Path | None:
    try:
        listed = subprocess.run(["dpkg-query", "-L", package], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    folder = f"/{below}"
    return Path(folder) if folder in listed.splitlines() else None


def _package_folder(package: str) -> Path | None:
    try:
        return Path(str(distribution(package).locate_file("")))
    except PackageNotFoundError:
        return None


class _Visible(NamedTuple):
    """The text that a reader sees, and the range of source characters that each of its characters comes from."""

    text: str
    spans: list[tuple[int, int]]


def _visible(source: str, *, markup: bool) -> _Visible:
    if not markup:
        return _Visible(source, [(at, at + 1) for at in range(len(source))])
    pieces: list[tuple[str, tuple[int, int]]] = []
    at = 0
    while at < len(source):
        tag = _TAG.match(source, at)
        entity = _ENTITY.match(source, at)
        if tag:
            at = tag.end()
            continue
        end = entity.end() if entity else at + 1
        pieces += [(character, (at, end)) for character in html.unescape(source[at:end])]
        at = end
    return _Visible("".join(text for text, _ in pieces), [span for _, span in pieces])


def locate(root: Path, path: str, snippet: str, occurrence: int | None = None) -> GoldRange:
    """The gold range of a snippet that occurs once in a file, or of one of its occurrences; in HTML, of visible text.

    Any whitespace may stand between its words. With ` ... ` in the snippet, the range goes from the words before it
    to the nearest words after it. Occurrences are counted from 1.

    Raises:
        ConfigurationError: the file does not contain the snippet, or contains it more than once.
    """
    raw = (root / path).read_bytes()
    source = raw.decode("utf-8")
    text, spans = _visible(source, markup=path.endswith((".html", ".htm", ".xhtml")))
    parts = [r"\s+".join(map(re.escape, part.split())) for part in snippet.split(" ... ")]
    found = list(re.finditer(r"[\s\S]*?".join(parts), text))
    if occurrence is not None:
        found = found[occurrence - 1 : occurrence]
    if len(found) != 1:
        lines = ", ".join(f"line {text.count(chr(10), 0, each.start()) + 1}" for each in found[:5])
        problem = f"{path} contains the snippet {len(found)} times" + (f": {lines}" if lines else "")
        raise ConfigurationError(problem, cure="copy more or other words of the file")
    first, last = spans[found[0].start()][0], spans[found[0].end() - 1][1]
    start, end = (len(source[:at].encode()) for at in (first, last))
    return GoldRange(path=path, start=start, end=end, sha256=range_hash(raw[start:end]))
