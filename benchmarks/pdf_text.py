"""How well the text of PDF files is read, compared with pdftotext of poppler, and what it costs; and whole books.

    python -m benchmarks.pdf_text FOLDER

FOLDER has a folder for each package that files were taken from, below it the files. Needs pdftotext, and pypdf for
the comparison of costs. The result is written to docs/benchmarks/pdf_text.md.
"""

from __future__ import annotations

import io
import os
import re
import resource
import statistics
import subprocess
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from native.child_python import python_command
from native.grammars import FOLDER_VARIABLE, grammar_folder
from native.pdfium import PdfError, PdfFile
from omni_pipelines.refusals import Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.layout.garbled import is_garbled
from omni_pipelines.text.readers import pdf
from omni_pipelines.text.readers.worker_protocol import (
    MAX_MEMORY_BYTES,
    ParserAnswer,
    ParserRequest,
    document_of,
    read_answer,
    write_frame,
)

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "pdf_text.md"
MAX_FILES_OF_PACKAGE = 3
MAX_PAGES_COMPARED = 20
"""Of a file, evenly spread over it: the order of words is compared word by word."""
MIN_WORDS = 150
"""Files in which pdftotext finds fewer words are figures, and are left out."""
MAX_PYPDF_PAGES = 8
BOOK_PAGES = 1_000
"""The longest file of a package is read as a whole, within the limits of an ingest, if it has so many pages."""
_WORD = re.compile(r"[^\W_]+")
_VARIANT = re.compile(r"[-_.](?:a4|letter|legal|[a-z]{2}(?:[-_][a-zA-Z]{2})?)$")
"""At the end of a name: the same text for another paper or in another language."""
_CUT = re.compile(r"(?<=[^\W\d_])[-\u00ad\u2010]\n+(?=[^\W\d_])")
_MEDIAN, _TENTH = "median", "tenth percentile"
_LIMITS = pdf.PdfLimits(clock_seconds=3_600)
"""As usual, but a busy machine changes no text."""
_WHY_BELOW = """\
The order differs most on reference cards (asymptote, auctex, octave, pari): omni reads each command together with its
description, where pdftotext often reads all commands of a group first. In books with formulas in two columns (yacas),
parts of a formula above each other become separate lines. Notes and music set as text (lilypond) have words that only
one of the two programs reads.
"""
GOALS = {
    "recall": (0.99, 0.95),
    "precision": (0.98, 0.93),
    "order": (0.97, 0.85),
}
"""Least value at the median and at the tenth percentile."""


@dataclass
class Result:
    """One file."""

    package: str
    name: str
    pages: int
    words: int
    """In the pages compared, by pdftotext."""
    recall: float
    precision: float
    order: float
    """Against the order of pdftotext without options."""
    order_of_any: float
    """Against the one of its three orders, for each page, that is most like ours."""
    seconds: float
    """Processor time a page."""
    seconds_of_pypdf: float
    is_garbled: bool


@dataclass
class Book:
    """A long file, read as an ingest reads it: in a process of its own, with limits."""

    package: str
    name: str
    pages: int
    size: int
    words: int
    recall: float
    """Of the words of all pages, by pdftotext."""
    precision: float
    seconds: float
    """Processor time of the process, its start included."""
    peak_bytes: int
    """The most memory that the process used."""
    partial: str


def main() -> int:
    """Compare all files and write the page."""
    results, refused = [], []
    for package, file in _files(Path(sys.argv[1])):
        reference = _pages_of_pdftotext(file)
        if sum(len(words_of(page)) for page in reference) < MIN_WORDS:
            continue
        try:
            result = _compare(package, file, reference)
        except Unreadable as error:
            refused.append(f"{package}: {file.name}: {error}")
            continue
        results.append(result)
        shares = (result.recall, result.precision, result.order, result.order_of_any)
        costs = (1e3 * result.seconds, 1e3 * result.seconds_of_pypdf)
        shown = f"{' '.join(f'{share:.3f}' for share in shares)} {' '.join(f'{cost:6.1f} ms' for cost in costs)}"
        print(f"{shown} {result.pages:5} {package} {file.name}", flush=True)
    books = [_read_book(*found) for found in _longest(Path(sys.argv[1]))]
    PAGE.write_text(_page(results, refused) + _page_of_books(books), "utf-8")
    return 0


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """At most `MAX_FILES_OF_PACKAGE` files of each package, spread over its files by name."""
    for package in sorted(each for each in folder.iterdir() if each.is_dir()):
        found = sorted(file for file in package.rglob("*.pdf") if file.is_file())
        files = sorted({_VARIANT.split(file.stem)[0]: file for file in found}.values())
        step = max(len(files) / MAX_FILES_OF_PACKAGE, 1)
        for number in range(min(len(files), MAX_FILES_OF_PACKAGE)):
            yield package.name, files[int(number * step)]


def _longest(folder: Path) -> Iterator[tuple[str, Path, int]]:
    """The longest file of each package, with its number of pages, if it is a book."""
    for package in sorted(each for each in folder.iterdir() if each.is_dir()):
        lengths = [(_page_count(file), file) for file in sorted(package.rglob("*.pdf")) if file.is_file()]
        pages, file = max(lengths, default=(0, package))
        if pages >= BOOK_PAGES:
            yield package.name, file, pages


def _page_count(file: Path) -> int:
    try:
        with PdfFile(file.read_bytes()) as opened:
            return opened.page_count
    except PdfError:
        return 0


def _read_book(package: str, file: Path, pages: int) -> Book:
    raw = file.read_bytes()
    before = _seconds_of_children()
    answered = _asked(ParserRequest(reader="pdf", name=file.name, charset="", recognize=False), raw)
    seconds = _seconds_of_children() - before
    parsed = document_of(answered, [])
    read = Counter(words_of(parsed.text))
    wanted = Counter(word for page in _pages_of_pdftotext(file) for word in words_of(page))
    common = (read & wanted).total()
    book = Book(
        package, file.name, pages, len(raw), wanted.total(), common / wanted.total(), common / read.total(), seconds,
        answered["peak"], parsed.partial,
    )  # fmt: skip
    print(book, flush=True)
    return book


def _asked(request: ParserRequest, raw: bytes) -> ParserAnswer:
    """What a parser process answers to one document."""
    asked = io.BytesIO()
    for frame in (orjson.dumps(request), raw):
        write_frame(asked, frame)
    done = subprocess.run(
        python_command("omni_pipelines.text.readers.parser_worker", "main"),
        input=asked.getvalue(),
        capture_output=True,
        cwd=os.sep,
        env={FOLDER_VARIABLE: str(grammar_folder())},
        check=True,
    )
    answers = io.BytesIO(done.stdout)
    read_answer(answers)  # it says that it is ready
    frames = read_answer(answers)
    assert frames is not None
    answer: ParserAnswer = orjson.loads(frames[0])
    return answer


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _compare(package: str, file: Path, reference: Sequence[str]) -> Result:
    raw = file.read_bytes()
    seconds, parsed = _timed(lambda: pdf.read(raw, file.name, _LIMITS))
    pages = _pages_of(parsed)
    others = [_pages_of_pdftotext(file, option) for option in ("-layout", "-raw")]
    step = max(len(reference) / MAX_PAGES_COMPARED, 1)
    numbers = sorted({int(number * step) for number in range(min(len(reference), MAX_PAGES_COMPARED))})
    wanted = read = common = in_order = in_any = 0
    for number in numbers:
        first, second = words_of(reference[number]), words_of(pages.get(number + 1, ""))
        wanted, read = wanted + len(first), read + len(second)
        common += (Counter(first) & Counter(second)).total()
        orders = [longest_common(words, second) for words in (first, *(words_of(each[number]) for each in others))]
        in_order, in_any = in_order + orders[0], in_any + max(orders)
    return Result(
        package, file.name, len(reference), wanted, common / max(wanted, 1), common / max(read, 1),
        in_order / max(common, 1), min(in_any / max(common, 1), 1.0), seconds / len(reference),
        _seconds_of_pypdf(file, numbers), is_garbled(parsed.text),
    )  # fmt: skip


def longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest sequence of words that both have in this order, not necessarily side by side.

    Hyyrö, "Bit-parallel LCS-length computation revisited" (2004): one bit for each word of `first`.
    """
    places: dict[str, int] = {}
    for place, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << place
    unmatched = every = (1 << len(first)) - 1
    for word in second:
        matched = unmatched & places.get(word, 0)
        unmatched = ((unmatched + matched) | (unmatched - matched)) & every
    return len(first) - unmatched.bit_count()


def _timed(read: Callable[[], Parsed]) -> tuple[float, Parsed]:
    began = time.process_time()
    parsed = read()
    return time.process_time() - began, parsed


def _pages_of(parsed: Parsed) -> dict[int, str]:
    return {part.page: part.text for part in parsed.parts if part.page is not None}


def _pages_of_pdftotext(file: Path, *options: str) -> list[str]:
    """Its pages, without the lines that are repeated at their edges: they are no part of the text."""
    done = subprocess.run(
        ["pdftotext", *options, "-enc", "UTF-8", file, "-"], capture_output=True, timeout=600, check=False
    )
    pages = done.stdout.decode("utf-8", "replace").split("\f")[:-1]
    edges = [_edges(page) for page in pages]
    counts = Counter(edge for page in edges for edge in page)
    return [
        "\n".join(line for line in page.splitlines() if line.strip() not in of_page or counts[_shape(line)] < 3)
        for page, of_page in zip(pages, _edge_lines(pages), strict=True)
    ]


def _edge_lines(pages: Sequence[str]) -> list[set[str]]:
    return [{line.strip() for line in _outer(page)} for page in pages]


def _edges(page: str) -> set[str]:
    return {_shape(line) for line in _outer(page)}


def _outer(page: str) -> list[str]:
    lines = [line for line in page.splitlines() if line.strip()]
    return lines[:2] + lines[-2:] if len(lines) > 4 else []


def _shape(line: str) -> str:
    return re.sub(r"\d+|\b[ivxl]+\b", "#", line.strip().lower())


def words_of(text: str) -> list[str]:
    """The words in lower case, those cut at the end of a line joined."""
    return _WORD.findall(unicodedata.normalize("NFKC", _CUT.sub("", text)).lower())


def _seconds_of_pypdf(file: Path, numbers: Sequence[int]) -> float:
    """Processor time a page, on some of the pages."""
    import logging

    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns of every irregularity

    chosen = numbers[:: max(len(numbers) // MAX_PYPDF_PAGES, 1)][:MAX_PYPDF_PAGES]
    began = time.process_time()
    try:
        reader = pypdf.PdfReader(file)
        for number in chosen:
            reader.pages[number].extract_text()
    except Exception:  # noqa: BLE001  # it raises anything for damaged files
        return float("nan")
    return (time.process_time() - began) / len(chosen)


def _page(results: Sequence[Result], refused: Sequence[str]) -> str:
    packages = Counter(result.package for result in results)
    named = ", ".join(f"{name} ({count})" for name, count in sorted(packages.items()))
    lines = [
        "# Text of PDF files",
        "",
        "How much of the text of real PDF files omni reads, and in which order, compared with pdftotext.",
        "",
        f"Made by `python -m benchmarks.pdf_text FOLDER` with PDF files of these packages: {named}. They are "
        f"{len(results)} files with {sum(result.pages for result in results):,} pages. At most {MAX_PAGES_COMPARED} "
        f"pages of a file, with {sum(result.words for result in results):,} words in all, are compared with what "
        "pdftotext of poppler gives for the page, without what is repeated at the edges of pages. Order is the share "
        "of the common words that are in the same order as there: the longest common sequence of both.",
        "",
        "| | median | tenth percentile | goal |",
        "|---|---|---|---|",
    ]
    for measure, goals in GOALS.items():
        values = [getattr(result, measure) for result in results]
        lines.append(
            f"| {measure} of words | {statistics.median(values):.3f} | {_tenth(values):.3f} | "
            f"{goals[0]:.2f} / {goals[1]:.2f} |"
        )
    of_any = [result.order_of_any for result in results]
    lines += [
        f"| order, or with `-layout` or `-raw` | {statistics.median(of_any):.3f} | {_tenth(of_any):.3f} | |",
        "",
        "With `-layout`, pdftotext keeps the rows of tables; with `-raw`, it gives the words in the order in which "
        "the file draws them, which is mostly the one in which they were written. The last row takes the largest "
        "share of the three for each page.",
    ]
    both = [result for result in results if result.seconds_of_pypdf == result.seconds_of_pypdf]
    ours, theirs = ([getattr(result, name) for result in both] for name in ("seconds", "seconds_of_pypdf"))
    share = statistics.median(first / second for first, second in zip(ours, theirs, strict=True))
    lines += [
        "",
        f"On a machine with a load of {os.getloadavg()[0]:.0f} on {os.cpu_count()} processors. "
        f"Processor time of a page: median {1e3 * statistics.median(ours):.1f} ms; pypdf, which was used before, "
        f"takes {1e3 * statistics.median(theirs):.1f} ms; the median of the quotients is {share:.2f}.",
        "",
        f"Garbled texts among the {len(results)}: {sum(result.is_garbled for result in results)}. "
        f"Refused: {'; '.join(refused) if refused else 'none'}.",
        "",
        "The ten files that differ most:",
        "",
        "| package | file | recall | precision | order | the largest of the three |",
        "|---|---|---|---|---|---|",
    ]
    worst = sorted(results, key=lambda result: result.recall + result.precision + result.order)[:10]
    for each in worst:
        measures = (each.recall, each.precision, each.order, each.order_of_any)
        shares = " | ".join(f"{share:.3f}" for share in measures)
        lines.append(f"| {each.package} | {each.name} | {shares} |")
    return "\n".join([*lines, "", _WHY_BELOW])


def _page_of_books(books: Sequence[Book]) -> str:
    limits = pdf.PdfLimits()
    lines = [
        "",
        f"## Books of {BOOK_PAGES:,} pages and more",
        "",
        "The longest file of each package that has so many pages, read as an ingest reads it: in a parser process "
        f"that may use {MAX_MEMORY_BYTES >> 20:,} MiB, and {limits.seconds:.0f} s and "
        f"{1e3 * limits.seconds_of_page:.0f} ms more for each page. Recall and precision are those of all words.",
        "",
        "| package | file | pages | MB | words | CPU s | allowed s | peak MiB | recall | precision | not read |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for book in books:
        allowed = limits.seconds + limits.seconds_of_page * book.pages
        lines.append(
            f"| {book.package} | {book.name} | {book.pages:,} | {book.size / 1e6:.1f} | {book.words:,} | "
            f"{book.seconds:.1f} | {allowed:.0f} | {book.peak_bytes >> 20} | {book.recall:.3f} | "
            f"{book.precision:.3f} | {book.partial or 'nothing'} |"
        )
    return "\n".join([*lines, ""])


def _tenth(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=10)[0]


if __name__ == "__main__":
    sys.exit(main())
