"""How well text recognition reads pages that are rendered from PDF files with text, and what it costs.

    python -m benchmarks.ocr FOLDER

FOLDER has a folder for each language, such as `en`, with PDF files. One page of each is rendered, recognised and
compared with what pdftotext of poppler finds on it. RapidOCR is compared where its package is installed. The result
is written to docs/benchmarks/ocr.md.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pdf_text import words_of
from native.pdfium import PdfFile
from native.pictures import Picture
from native.text_recognition import TextRecognizer

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "ocr.md"
KINDS = {
    "150 dpi": (150, False),
    "200 dpi": (200, False),
    "300 dpi": (300, False),
    "200 dpi, grey and noisy": (200, True),
}
_COMPARED, _COMPARED_KIND = "RapidOCR", "200 dpi"
"""It is slow, so one resolution must do."""
MIN_WORDS = 150
_EAST_ASIAN = "\u3000"
"""Words with letters from here on are compared letter by letter: they have no blanks between them."""

Recognize = Callable[[Picture], str]


def main() -> int:
    """Recognise all pages with all engines and write the page."""
    rows = []
    for folder in sorted(each for each in Path(sys.argv[1]).iterdir() if each.is_dir()):
        pages = [(file, *_page_with_text(file)) for file in sorted(folder.glob("*.pdf"))]
        for name, recognize in _engines():
            for kind, (dots, is_noisy) in KINDS.items():
                if name == _COMPARED and kind != _COMPARED_KIND:
                    continue
                found = [_compare(*page, recognize, dots, is_noisy=is_noisy) for page in pages]
                recall, precision, seconds = (statistics.mean(values) for values in zip(*found, strict=True))
                measured = f"{recall:.3f} | {precision:.3f} | {seconds:.1f}"
                rows.append(f"| {folder.name} ({len(pages)}) | {name} | {kind} | {measured} |")
                print(rows[-1], flush=True)
    PAGE.write_text(_page(rows), "utf-8")
    return 0


def _engines() -> Iterator[tuple[str, Recognize]]:
    recognizer = TextRecognizer()

    def tesseract(picture: Picture) -> str:
        found = recognizer.recognize(picture, 600)
        return "\n".join(run.text for run in found.runs) if found is not None else ""

    yield "Tesseract", tesseract
    if find_spec("rapidocr") is not None:
        yield _COMPARED, _rapid_ocr()


def _rapid_ocr() -> Recognize:
    from rapidocr import RapidOCR  # type: ignore[import-not-found]

    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    engine: Any = RapidOCR(params={"Global.log_level": "error", **threads})

    def recognize(picture: Picture) -> str:
        return "\n".join(engine(np.repeat(_array(picture)[:, :, None], 3, axis=2)).txts or ())

    return recognize


def _page_with_text(file: Path) -> tuple[int, str]:
    """The first page with many words, from a fifth of the file on."""
    done = subprocess.run(["pdftotext", "-enc", "UTF-8", file, "-"], capture_output=True, timeout=600, check=True)
    pages = done.stdout.decode("utf-8", "replace").split("\f")
    return next(
        (at, page) for at, page in enumerate(pages) if at >= len(pages) // 5 and len(_tokens(page)) >= MIN_WORDS
    )


def _compare(
    file: Path, number: int, text: str, recognize: Recognize, dots: float, *, is_noisy: bool
) -> tuple[float, float, float]:
    """Recall and precision of words, and processor time."""
    with PdfFile(file.read_bytes()) as pdf, pdf.page(number) as page:
        picture = page.picture(dots)
    if is_noisy:
        noise = np.random.default_rng(1).normal(20, 25, (picture.height, picture.row_bytes))
        grey = np.clip(0.85 * _array(picture, whole=True) + noise, 0, 255).astype(np.uint8)
        picture = replace(picture, pixels=grey.tobytes())
    began = time.process_time()
    found = Counter(_tokens(recognize(picture)))
    seconds = time.process_time() - began
    wanted = Counter(_tokens(text))
    common = (wanted & found).total()
    return common / wanted.total(), common / max(found.total(), 1), seconds


def _array(picture: Picture, *, whole: bool = False) -> np.ndarray:
    pixels = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.row_bytes)
    return pixels if whole else pixels[:, : picture.width]


def _tokens(text: str) -> list[str]:
    words = words_of(text)
    return [token for word in words for token in (word if max(word) > _EAST_ASIAN else [word])]


_BEFORE = """\
# Text recognition

How well text recognition reads pages, by language, engine and resolution, and what a page costs.

Made by `python -m benchmarks.ocr FOLDER` with pages of manuals in several languages, rendered from PDF files that
have text. Recall and precision compare words with those that pdftotext of poppler finds; in Chinese and Japanese,
they compare characters. A noisy page is grey, with random errors of 25 in 255 on each pixel. Seconds are processor
time for a page, on a busy machine. Tesseract is the extra `ocr`, with the data for English and German that it
installs; the data for Japanese were added, and it reads Chinese with them too. RapidOCR has one model for all
languages.

| language (pages) | engine | picture | recall | precision | seconds |
|---|---|---|---|---|---|
"""
_AFTER = """
omni uses Tesseract, for three reasons: it takes a fraction of the time; its process needs 0.2 GB of memory, where
RapidOCR needs 1.1 to 1.4 GB, more than the limit of 1 GiB for a parser; and its packages have 60 MB, those of
RapidOCR 230 MB. omni renders pages with 300 dpi.

If the data for a language are not installed, its pages are read as English or German: letters lose their accents,
and Chinese, Japanese, Greek or Cyrillic pages give no text, or nonsense, mostly with a low confidence. For more
languages, put files of [tessdata_fast](https://github.com/tesseract-ocr/tessdata_fast) into the folder
`share/tessdata` of the environment; omni uses all files that are there.
"""


def _page(rows: list[str]) -> str:
    return _BEFORE + "\n".join(rows) + "\n" + _AFTER


if __name__ == "__main__":
    sys.exit(main())
