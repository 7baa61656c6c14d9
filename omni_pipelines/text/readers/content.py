"""Recognize the format of a file by its first bytes. A file name may be wrong; a signature hardly ever is."""

from __future__ import annotations

import io
import re
import zipfile

_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)
_HEAD_BYTES = 512
_MAIN_PARTS = {"word/document.xml": "docx", "ppt/presentation.xml": "pptx", "xl/workbook.xml": "xlsx"}
_MAX_NAMES = 5_000


def format_by_content(raw: bytes) -> str:
    """The name of the reader whose signature the bytes have; "" for plain text and unknown formats."""
    head = raw[:_HEAD_BYTES]
    if head.lstrip().startswith(b"%PDF-"):
        return "pdf"
    if head.lstrip().startswith(b"{\\rtf"):
        return "rtf"
    if head.startswith(b"PK\x03\x04"):
        return _format_of_zip(raw)
    return "html" if _HTML.match(head) else ""


def _format_of_zip(raw: bytes) -> str:
    """The document format of a zip file, from its stated type or the names of its parts; nothing is unpacked."""
    if raw[30:38] == b"mimetype":  # in OpenDocument and EPUB, the first part, never compressed
        media_type = raw[38:120]
        if media_type.startswith(b"application/epub+zip"):
            return "epub"
        if media_type.startswith(b"application/vnd.oasis.opendocument."):
            return "opendocument"
    try:
        names = zipfile.ZipFile(io.BytesIO(raw)).namelist()[:_MAX_NAMES]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return ""
    return next((name for part, name in _MAIN_PARTS.items() if part in names), "")
