"""PDF: the text of each page; the outline gives the structure. Pages are marked."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction, one_line

if TYPE_CHECKING:
    from pypdf import PdfReader

MAX_PAGES = 5000
_MAX_OUTLINE = 10_000
_MAX_OUTLINE_DEPTH = 32
_LIGATURES = dict(zip("ﬀﬁﬂﬃﬄﬅﬆ", ("ff", "fi", "fl", "ffi", "ffl", "ft", "st"), strict=True))
_LIGATURE = re.compile("[ﬀ-ﬆ]")
_NO_TEXT = "no text in it: its pages are pictures, most likely"


def read(raw: bytes, name: str) -> Parsed:
    """Pages in order, each apart; a heading of the outline begins with the page it points to.

    Raises:
        Unreadable: E_ENCRYPTED where a password is needed, E_PARSE, E_DEPTH, E_OUTPUT_LIMIT, or E_NO_TEXT for scans.
    """
    import pypdf
    from pypdf.errors import DependencyError, LimitReachedError, PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # every oddity of every file, else
    try:
        return _read(pypdf.PdfReader(io.BytesIO(raw)), name)
    except (MemoryError, Unreadable):
        raise
    except RecursionError as error:
        raise Unreadable(RefusalCode.DEPTH, "objects too deep inside one another") from error
    except LimitReachedError as error:
        raise Unreadable(RefusalCode.OUTPUT_LIMIT, str(error)) from error
    except DependencyError as error:
        raise Unreadable(RefusalCode.ENCRYPTED, str(error)) from error
    except PyPdfError as error:
        raise Unreadable(RefusalCode.PARSE, str(error)) from error
    except Exception as error:  # a damaged file fails anywhere in pypdf, as anything
        raise Unreadable(RefusalCode.PARSE, f"{type(error).__name__}: {error}") from error


def _read(file: PdfReader, name: str) -> Parsed:
    if file.is_encrypted and not file.decrypt(""):
        raise Unreadable(RefusalCode.ENCRYPTED, "a password is needed to open it")
    outline = _outline(file)
    extraction = Extraction()
    for number, page in enumerate(file.pages, 1):
        if number > MAX_PAGES:
            raise Unreadable(RefusalCode.TOO_LARGE, f"more than {MAX_PAGES:,} pages")
        extraction.page(number)
        text = _LIGATURE.sub(lambda found: _LIGATURES[found[0]], page.extract_text())
        if text.strip():
            for level, title in outline.get(number, ()):
                extraction.mark(level, title)
        extraction.block(text)
    return extraction.parsed(name, _title(file) or name, _NO_TEXT, _language(file))


def _language(file: PdfReader) -> str:
    """What the file says its language is."""
    try:
        return str(file.root_object.get("/Lang", ""))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  # damaged metadata: the pages may be good
        return ""


def _title(file: PdfReader) -> str:
    """What the file says of itself, unless it is the name of the file it was made from."""
    try:
        said = one_line((file.metadata.title if file.metadata else None) or "")
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  # damaged metadata: the pages may be good
        return ""
    return "" if re.search(r"\.(?:docx?|pptx?|xlsx?|indd|tex|dvi|ps|pdf)$", said, re.IGNORECASE) else said


def _outline(file: PdfReader) -> dict[int, list[tuple[int, str]]]:
    """Page to the headings that begin on it, as (level, title)."""
    found: dict[int, list[tuple[int, str]]] = {}
    try:
        for level, entry in _entries(file.outline, 1):
            page = file.get_destination_page_number(entry)
            if page is not None and page >= 0:
                found.setdefault(page + 1, []).append((level, str(entry.title)))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  # a damaged outline costs the headings, not the text
        return {}
    return found


def _entries(outline: list[Any], level: int) -> Iterator[tuple[int, Any]]:
    for entry in outline[:_MAX_OUTLINE]:
        if not isinstance(entry, list):
            yield level, entry
        elif level < _MAX_OUTLINE_DEPTH:
            yield from _entries(entry, level + 1)
