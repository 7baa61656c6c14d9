"""PDF: the text of each page, and the page of every character; the outline gives the sections."""

from __future__ import annotations

import io
import logging
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction, one_line

if TYPE_CHECKING:
    from pypdf import PdfReader
    from pypdf.generic import Destination

    Outline = Sequence["Destination | Outline"]

Value = TypeVar("Value")
Headings = dict[int, list[tuple[int, str]]]
"""Page to the headings that start on it, as (level, title)."""
MAX_PAGES = 5000
_MAX_OUTLINE_ENTRIES = 10_000
_MAX_OUTLINE_DEPTH = 32
_LIGATURES = dict(zip("ﬀﬁﬂﬃﬄﬅﬆ", ("ff", "fi", "fl", "ffi", "ffl", "ft", "st"), strict=True))
_LIGATURE = re.compile("[ﬀ-ﬆ]")
_FILE_NAME = re.compile(r"\.(?:docx?|pptx?|xlsx?|indd|tex|dvi|ps|pdf)$", re.IGNORECASE)
_NO_TEXT = "it contains no text: its pages are probably scans; run text recognition (OCR) on it"
_DAMAGE = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError,
    ValueError, struct.error, zlib.error,
)  # fmt: skip
"""What pypdf raises for damaged files besides its own errors: it does not check the type of most objects."""


def read(raw: bytes, name: str) -> Parsed:
    """Read a file, page by page. A heading of the outline starts at the page it points to."""
    import pypdf
    from pypdf.errors import DependencyError, DeprecationError, LimitReachedError, PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns of every irregularity of every file
    try:
        return _read(pypdf.PdfReader(io.BytesIO(raw)), name)
    except RecursionError as error:
        raise Unreadable(RefusalCode.DEPTH, "its objects are nested too deeply") from error
    except LimitReachedError as error:
        raise Unreadable(RefusalCode.OUTPUT_LIMIT, str(error)) from error
    except DependencyError as error:
        raise Unreadable(RefusalCode.ENCRYPTED, str(error)) from error
    except PyPdfError as error:
        raise Unreadable(RefusalCode.PARSE, str(error)) from error
    except (DeprecationError, *_DAMAGE) as error:
        raise Unreadable(RefusalCode.PARSE, f"damaged: {type(error).__name__}: {error}") from error


def _read(file: PdfReader, name: str) -> Parsed:
    if file.is_encrypted and not file.decrypt(""):
        raise Unreadable(RefusalCode.ENCRYPTED, "a password is needed to open it; save it again without one")
    no_headings: Headings = {}
    headings = _tolerant(lambda: _headings(file), no_headings)
    extraction = Extraction()
    for number, page in enumerate(file.pages, 1):
        if number > MAX_PAGES:
            raise Unreadable(RefusalCode.TOO_LARGE, f"more than {MAX_PAGES:,} pages")
        extraction.page(number)
        text = _LIGATURE.sub(lambda match: _LIGATURES[match[0]], page.extract_text())
        if text.strip():
            for level, title in headings.get(number, ()):
                extraction.mark(level, title)
        extraction.block(text)
    title = _tolerant(lambda: _title(file), "")
    language = _tolerant(lambda: str(file.root_object.get("/Lang", "")), "")
    return extraction.parsed(name, title or name, language, _NO_TEXT)


def _tolerant(get: Callable[[], Value], default: Value) -> Value:
    """Metadata of the file, or the default if it is damaged: the pages may still be good."""
    try:
        return get()
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  # pypdf raises even a bare Exception, for an invalid destination
        return default


def _title(file: PdfReader) -> str:
    """The title that the file declares, unless it is the name of the file it was made from."""
    title = one_line((file.metadata.title if file.metadata else None) or "")
    return "" if _FILE_NAME.search(title) else title


def _headings(file: PdfReader) -> Headings:
    headings: Headings = {}
    for level, destination in _destinations(file.outline, 1):
        page = file.get_destination_page_number(destination)
        if page is not None and page >= 0:
            headings.setdefault(page + 1, []).append((level, str(destination.title)))
    return headings


def _destinations(outline: Outline, level: int) -> Iterator[tuple[int, Destination]]:
    for entry in outline[:_MAX_OUTLINE_ENTRIES]:
        if not isinstance(entry, Sequence):
            yield level, entry
        elif level < _MAX_OUTLINE_DEPTH:
            yield from _destinations(entry, level + 1)
