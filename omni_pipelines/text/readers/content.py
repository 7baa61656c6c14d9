"""What a file is by its first bytes, where they leave no doubt. A name can lie; a signature hardly ever does."""

from __future__ import annotations

import io
import re
import zipfile

_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)
_LOOKED_AT = 512
_TELLING_PARTS = {"word/document.xml": "docx", "ppt/presentation.xml": "pptx", "xl/workbook.xml": "xlsx"}
_MAX_NAMES = 5_000


def format_by_content(raw: bytes) -> str:
    """The name of the reader whose signature the bytes bear; "" for text, and for what is unknown."""
    head = raw[:_LOOKED_AT]
    if head.lstrip().startswith(b"%PDF-"):
        return "pdf"
    if head.lstrip().startswith(b"{\\rtf"):
        return "rtf"
    if head.startswith(b"PK\x03\x04"):
        return _packed(raw)
    return "html" if _HTML.match(head) else ""


def _packed(raw: bytes) -> str:
    """Which document a zip file is; nothing is unpacked but its type, where it states one."""
    if raw[30:38] == b"mimetype":  # by OpenDocument and EPUB, the first part, never packed
        stated = raw[38:120]
        if stated.startswith(b"application/epub+zip"):
            return "epub"
        if stated.startswith(b"application/vnd.oasis.opendocument."):
            return "opendocument"
    try:
        names = zipfile.ZipFile(io.BytesIO(raw)).namelist()[:_MAX_NAMES]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return ""
    return next((kind for name, kind in _TELLING_PARTS.items() if name in names), "")
