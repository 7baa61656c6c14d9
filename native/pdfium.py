"""Read PDF files with PDFium: lines of words with their places, the outline, form fields and annotations.

PDFium is a C++ library without protection against its own defects: call this only in a process that may die. It is
loaded with the first file. Text comes in the order in which the file draws it, which is often not the reading order.
Interface: https://pdfium.googlesource.com/pdfium/+/refs/heads/main/public/.
"""

from __future__ import annotations

import ctypes
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType, TracebackType
from typing import Any

from native.pdfium_text import LetterGaps, Run, page_runs
from native.pictures import MAX_KEPT_PIXELS, Picture

_MAX_TEXT_BYTES = 1 << 20
"""Of one title, value or note."""
_FORMAT, _PASSWORD, _SECURITY = 3, 4, 5
"""FPDF_ERR_FORMAT, FPDF_ERR_PASSWORD and FPDF_ERR_SECURITY."""
_CATALOG = re.compile(rb"(\d+)\s+\d+\s+obj\s*<<[^>]*?/Type\s*/Catalog")
_PARAGRAPH_END, _TAG = re.compile(r"</p>|<br\s*/?>"), re.compile("<[^>]*>")
_HIDDEN = 2 | 32
"""FPDF_ANNOT_FLAG_HIDDEN and FPDF_ANNOT_FLAG_NOVIEW."""
_WIDGET, _POPUP, _LINK = 20, 16, 2
_NOTES = {1: "Note", 3: "Text box", 13: "Stamp"}
"""Kinds of annotations that have their text alone; the others are marks on the text of the page."""
_IMAGE, _MAX_OBJECTS = 3, 100
"""FPDF_PAGEOBJ_IMAGE, and the objects of a page that are examined."""
_POINTS, _MIN_INCHES, _WHITE = 72, 0.1, 0xFFFFFFFF
_BUTTON, _CHECK, _RADIO, _SIGNATURE = 1, 2, 3, 7
"""FPDF_FORMFIELD_PUSHBUTTON, CHECKBOX, RADIOBUTTON and SIGNATURE."""


class PdfError(Exception):
    """PDFium cannot read a file or a page of it."""


class PdfPasswordNeeded(PdfError):
    """A file is encrypted with a password, or in a way that PDFium does not know."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the outline."""

    level: int
    """From 1, the outermost."""
    title: str
    page: int
    """From 0."""
    top: float | None
    """How far above the lower edge of the page it points; None for the whole page."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """A form field with a value, or a note."""

    kind: str
    """Field, Note, Text, Stamp or Comment."""
    label: str
    """The name of the field, or the author of the note."""
    text: str


class PdfFile:
    """An open file. It is a context manager.

    Raises:
        PdfPasswordNeeded: the file needs a password.
        PdfError: it is no PDF, or too damaged.
    """

    def __init__(self, raw: bytes) -> None:
        self._api = api = _library()
        self._raw = raw  # PDFium reads from these bytes until the file is closed
        self._document = api.FPDF_LoadMemDocument64(raw, len(raw), None)
        self.is_mended = False
        """Whether the end of the file, which says where everything is, was missing."""
        code = 0 if self._document else api.FPDF_GetLastError()
        if code == _FORMAT and (catalogs := _CATALOG.findall(raw)):
            self._raw = raw + b"\nendobj\ntrailer\n<</Root %s 0 R>>\nstartxref\n0\n%%%%EOF\n" % catalogs[-1]
            self._document = api.FPDF_LoadMemDocument64(self._raw, len(self._raw), None)
            self.is_mended = bool(self._document)
        if code in (_PASSWORD, _SECURITY):
            raise PdfPasswordNeeded("a password is needed to open it; save it again without one")
        if not self._document:
            raise PdfError("it has no pages that can be found")
        self._form: Any = None
        self.letter_gaps = LetterGaps()
        self._form_calls: Any = None

    def __enter__(self) -> PdfFile:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._form:
            self._api.FPDFDOC_ExitFormFillEnvironment(self._form)
        self._api.FPDF_CloseDocument(self._document)

    @property
    def page_count(self) -> int:
        """The number of pages; 0 for a file whose pages cannot be found."""
        return self._api.FPDF_GetPageCount(self._document)

    @property
    def language(self) -> str:
        """The language that the file declares, such as `de-AT`; "" for none."""
        return self._text(self._api.FPDFCatalog_GetLanguage, self._document)

    @property
    def title(self) -> str:
        """The title in the file's metadata."""
        return self._text(self._api.FPDF_GetMetaText, self._document, b"Title")

    def bookmarks(self, max_count: int, max_depth: int) -> Iterator[Bookmark]:
        """The outline in order. Entries that point nowhere are left out, and a loop ends."""
        api, seen = self._api, set[int]()
        stack = [(api.FPDFBookmark_GetFirstChild(self._document, None), 1)]
        while stack and len(seen) < max_count:
            entry, level = stack.pop()
            address = ctypes.cast(entry, ctypes.c_void_p).value
            if address is None or address in seen:
                continue
            seen.add(address)
            stack.append((api.FPDFBookmark_GetNextSibling(self._document, entry), level))
            if level < max_depth:
                stack.append((api.FPDFBookmark_GetFirstChild(self._document, entry), level + 1))
            place = self._place(entry)
            title = self._text(api.FPDFBookmark_GetTitle, entry).strip()
            if place is not None and title:
                yield Bookmark(level, title, *place)

    def _place(self, entry: Any) -> tuple[int, float | None] | None:
        """The page that a bookmark points to, and the height on it."""
        api = self._api
        target = api.FPDFBookmark_GetDest(self._document, entry)
        if not target:
            target = api.FPDFAction_GetDest(self._document, api.FPDFBookmark_GetAction(entry))
        page = api.FPDFDest_GetDestPageIndex(self._document, target) if target else -1
        if page < 0:
            return None
        flags = [ctypes.c_int() for _ in range(3)]
        x, y, zoom = (ctypes.c_float() for _ in range(3))
        known = api.FPDFDest_GetLocationInPage(target, *flags, x, y, zoom)
        return page, y.value if known and flags[1].value else None

    def page(self, index: int) -> PdfPage:
        """A page, from 0; it is a context manager.

        Raises:
            PdfError: the page is damaged.
        """
        page = self._api.FPDF_LoadPage(self._document, index)
        if not page:
            raise PdfError(f"page {index + 1} is damaged")
        return PdfPage(self._api, page, self)

    @property
    def form(self) -> Any:
        """The form of the file, which its fields belong to."""
        if self._form is None:
            self._form_calls = self._api.FPDF_FORMFILLINFO(version=2)
            self._form = self._api.FPDFDOC_InitFormFillEnvironment(self._document, self._form_calls)
        return self._form

    def _text(self, get: Any, *arguments: Any) -> str:
        return text_of(get, *arguments)


class PdfPage:
    """A page. It is a context manager."""

    def __init__(self, api: ModuleType, page: Any, file: PdfFile) -> None:
        self._api, self._page, self._file = api, page, file

    def __enter__(self) -> PdfPage:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._api.FPDF_ClosePage(self._page)

    def runs(self) -> list[Run]:
        """The text of the page, in the order in which the file draws it."""
        return page_runs(self._api, self._page, self._file.letter_gaps)

    def largest_picture(self) -> float:
        """The share of the page that the largest of its first pictures covers: all of it on scanned pages."""
        api = self._api
        area = api.FPDF_GetPageWidthF(self._page) * api.FPDF_GetPageHeightF(self._page)
        sides = [ctypes.c_float() for _ in range(4)]
        largest = 0.0
        for index in range(min(api.FPDFPage_CountObjects(self._page), _MAX_OBJECTS)):
            thing = api.FPDFPage_GetObject(self._page, index)
            if api.FPDFPageObj_GetType(thing) == _IMAGE and api.FPDFPageObj_GetBounds(thing, *sides):
                left, bottom, right, top = (side.value for side in sides)
                largest = max(largest, (right - left) * (top - bottom))
        return largest / area if area > 0 else 0.0

    def picture(self, dots_per_inch: float) -> Picture:
        """What the page looks like, in grey on white; with fewer dots if it is very large."""
        api, page = self._api, self._page
        inches = [
            max(side / _POINTS, _MIN_INCHES) for side in (api.FPDF_GetPageWidthF(page), api.FPDF_GetPageHeightF(page))
        ]
        dots = min(dots_per_inch, (MAX_KEPT_PIXELS / (inches[0] * inches[1])) ** 0.5)
        width, height = (max(int(side * dots), 1) for side in inches)
        bitmap = api.FPDFBitmap_CreateEx(width, height, api.FPDFBitmap_Gray, None, 0)
        if not bitmap:
            raise MemoryError
        try:
            api.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, _WHITE)
            api.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, api.FPDF_GRAYSCALE)
            row_bytes = api.FPDFBitmap_GetStride(bitmap)
            pixels = ctypes.string_at(api.FPDFBitmap_GetBuffer(bitmap), row_bytes * height)
        finally:
            api.FPDFBitmap_Destroy(bitmap)
        return Picture(pixels, width, height, row_bytes, dots)

    def annotations(self, max_count: int) -> list[Annotation]:
        """The form fields that have a value, and the notes, in the order of the file."""
        api = self._api
        found = []
        for index in range(min(api.FPDFPage_GetAnnotCount(self._page), max_count)):
            handle = api.FPDFPage_GetAnnot(self._page, index)
            if not handle:
                continue
            try:
                if not api.FPDFAnnot_GetFlags(handle) & _HIDDEN:
                    found += self._annotation(handle, api.FPDFAnnot_GetSubtype(handle))
            finally:
                api.FPDFPage_CloseAnnot(handle)
        return found

    def _annotation(self, handle: Any, subtype: int) -> list[Annotation]:
        if subtype == _WIDGET:
            return self._field(handle)
        if subtype in (_POPUP, _LINK):
            return []
        text = text_of(self._api.FPDFAnnot_GetStringValue, handle, b"Contents")
        text = text or _without_tags(text_of(self._api.FPDFAnnot_GetStringValue, handle, b"RC"))
        author = text_of(self._api.FPDFAnnot_GetStringValue, handle, b"T")
        return [Annotation(_NOTES.get(subtype, "Comment"), author, text)] if text.strip() else []

    def _field(self, handle: Any) -> list[Annotation]:
        api, form = self._api, self._file.form
        if not form:
            return []
        kind = api.FPDFAnnot_GetFormFieldType(form, handle)
        if kind in (_BUTTON, _SIGNATURE):
            return []
        label = text_of(api.FPDFAnnot_GetFormFieldAlternateName, form, handle)
        label = label or text_of(api.FPDFAnnot_GetFormFieldName, form, handle)
        if kind in (_CHECK, _RADIO):
            state = text_of(api.FPDFAnnot_GetStringValue, handle, b"AS")
            state = state or text_of(api.FPDFAnnot_GetStringValue, handle, b"V")
            value = "" if state == "Off" else state
        else:
            value = self._chosen(handle) or text_of(api.FPDFAnnot_GetFormFieldValue, form, handle)
        return [Annotation("Field", label, value)] if value.strip() else []

    def _chosen(self, handle: Any) -> str:
        """What is chosen in a list, as it is shown."""
        api, form = self._api, self._file.form
        chosen = (
            text_of(api.FPDFAnnot_GetOptionLabel, form, handle, option)
            for option in range(min(api.FPDFAnnot_GetOptionCount(form, handle), 1_000))
            if api.FPDFAnnot_IsOptionSelected(form, handle, option)
        )
        return ", ".join(filter(None, chosen))


def _without_tags(rich_text: str) -> str:
    """The text of a note that only has a formatted form, which is XHTML."""
    return html.unescape(_TAG.sub("", _PARAGRAPH_END.sub("\n", rich_text))).strip()


def text_of(get: Any, *arguments: Any) -> str:
    """The text that a function of PDFium writes into a buffer as UTF-16, with a length in bytes and a zero."""
    length = get(*arguments, None, 0)
    if not 2 < length <= _MAX_TEXT_BYTES:
        return ""
    buffer = ctypes.create_string_buffer(length)
    get(*arguments, ctypes.cast(buffer, get.argtypes[-2]), length)
    return buffer.raw[: length - 2].decode("utf-16-le", "replace")


def _library() -> ModuleType:
    """PDFium, which is ready once it has been imported."""
    import pypdfium2.raw as api

    if not getattr(api, "_is_ready", False):
        api.FPDF_InitLibrary()
        api._is_ready = True
    return api
