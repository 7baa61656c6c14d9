"""Recognise the format of a file by its bytes: the signature of a binary format, or how a kind of text begins.

The functions return names of readers; "" for what they do not know.
"""

import io
import re
import zipfile

from omni_pipelines.text.readers.archives.archive import is_archive
from omni_pipelines.text.readers.office import iwork
from omni_pipelines.text.readers.office.zip_archive import OLE_SIGNATURE
from omni_pipelines.text.readers.records import parquet, sqlite

_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)
_FLAT_OPENDOCUMENT = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,999}?-->\s*)?<office:document\s", re.DOTALL
)
_OFFICE_FOLDERS = {"word": "docx", "ppt": "pptx", "xl": "xlsx"}
"""Where Office files keep their parts, whatever the parts are called."""
_MAIN_PARTS = {"xl/workbook.bin": "xlsb", **dict.fromkeys(iwork.PARTS, "iwork")}
"""Parts that decide the format, before the folders do."""
_GEOJSON = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{[^{}\[\]]*?"type"\s*:\s*"FeatureCollection"')
_MAX_NAMES = 5_000
_MAX_ZIP_END_BYTES = (1 << 16) + 22
"""A zip file ends with a record that may have a comment of up to 64 KiB."""
_OLE_STREAMS = {
    f"{stream}\0".encode("utf-16-le"): reader
    for stream, reader in {
        "__properties_version1.0": "msg",
        "Workbook": "xls",
        "Book": "xls",
        "WordDocument": "doc",
        "PowerPoint Document": "ppt",
        "VisioDocument": "drawing",
    }.items()
}
"""Names of streams in OLE files, which tell the format; an Outlook mail may have the others attached."""
_OPENDOCUMENT = b"application/vnd.oasis.opendocument."
_HEAD_BYTES = 4096
_MAX_ROOT_BYTES = 16_384
"""Of the first tag of an OpenDocument file that is one XML file: it names all its namespaces."""
_SIGNED_TEXTS = {
    "calendar": re.compile(rb"(?:\xef\xbb\xbf)?\s*BEGIN:(?:VCALENDAR|VCARD)\s", re.IGNORECASE),
    "subtitles": re.compile(
        rb"(?:\xef\xbb\xbf)?(?:WEBVTT(?:[ \t][^\r\n]*)?[\r\n]|\s*\d+\r?\n\d\d:\d\d:\d\d,\d{3}[ \t]+-->[ \t]+\d\d:)"
    ),
    "warc": re.compile(rb"WARC/[01]\.\d+\r?\n"),
}
"""Kinds of text that nothing else begins like."""
_ROFF = re.compile(rb"\s*(?:\\\"|['.](?:\\?\\\"|\\}|[ \t]*[A-Za-z]{1,3}\d?(?:\s|$)))")
"""A comment or a request at the start of a file."""
_MANUAL_PAGE = re.compile(rb"^[.'][ \t]*(?:TH[ \t]+\S+[ \t]+\S|Dd[ \t])", re.MULTILINE)
_INFO_NODE = re.compile(rb"\x1f\x0c?\r?\n(?:File:[^\n,]{1,200},[ \t]+Node:|Indirect:|Tag Table:)")
_MAX_PREAMBLE_BYTES = 1 << 16
"""Of comments and definitions before the title of a page of a manual, and of what is before the nodes of Info."""
_BEGINNINGS = {
    "tex": re.compile(r"(?:%[^\n]*\n|\s)*\\(?:documentclass|documentstyle|RequirePackage)\b"),
    "texinfo": re.compile(r"\\input[ \t]+texinfo|@(?:settitle|setfilename)[ \t]"),
    "bibtex": re.compile(r"(?:%[^\n]*\n|\s)*@[A-Za-z]+[ \t]*\{[ \t]*[^\s,{}]+[ \t]*,\s*[a-z]+[ \t]*=", re.IGNORECASE),
    "org": re.compile(r"#\+(?:TITLE|AUTHOR|STARTUP|OPTIONS):", re.IGNORECASE),
}
_XML = re.compile(r"<\?xml\s|<!doctype\s|<svg\s", re.IGNORECASE)
_JSON = re.compile(r'[\[{]\s*(?:["{\[\]}]|-?\d|true|false|null)')
_NOTEBOOK = re.compile(rb'"nbformat(?:_minor)?"\s*:')
_HEADER = re.compile(r"(?P<name>[!-9;-~]+):[ \t]?[^\n]*\n(?:[ \t]+\S[^\n]*\n)*")
_MAIL_HEADERS = {
    "from", "to", "cc", "subject", "date", "received", "message-id", "mime-version", "return-path", "delivered-to",
    "reply-to", "in-reply-to", "content-type",
}  # fmt: skip
_MIN_MAIL_HEADERS = 3
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")

_UNREAD_FORMATS = {
    b"\x7fELF": "programs (ELF)",
    b"MZ": "programs of Windows",
    b"\xcf\xfa\xed\xfe": "programs of macOS",
    b"\xca\xfe\xba\xbe": "programs (Java, macOS)",
    b"\0asm": "programs (WebAssembly)",
    b"\x89PNG": "pictures (PNG)",
    b"\xff\xd8\xff": "pictures (JPEG)",
    b"GIF8": "pictures (GIF)",
    b"BM": "pictures (BMP)",
    b"II*\0": "pictures (TIFF)",
    b"MM\0*": "pictures (TIFF)",
    b"RIFF": "sound, film or pictures (RIFF)",
    b"OggS": "sound or film (Ogg)",
    b"ID3": "sound (MP3)",
    b"fLaC": "sound (FLAC)",
    b"\x1aE\xdf\xa3": "film (Matroska)",
    b"PK\x03\x04": "archives (zip)",
    b"\x1f\x8b": "compressed data (gzip)",
    b"BZh": "compressed data (bzip2)",
    b"\xfd7zXZ": "compressed data (xz)",
    b"7z\xbc\xaf": "archives (7z)",
    b"Rar!": "archives (RAR)",
    b"\x28\xb5\x2f\xfd": "compressed data (zstd)",
    OLE_SIGNATURE: "documents of old office programs (OLE)",
    b"\0\x01\0\0": "fonts (TrueType)",
    b"OTTO": "fonts (OpenType)",
    b"wOF": "fonts (WOFF)",
}
"""How files begin that no reader reads, and what they are."""


def unread_format(raw: bytes) -> str:
    """What a file is that no reader reads, as far as its first bytes tell."""
    if raw[4:8] == b"ftyp":
        return "film or pictures (MP4, HEIF)"
    return next((name for start, name in _UNREAD_FORMATS.items() if raw.startswith(start)), "this binary format")


def binary_format(raw: bytes) -> str:
    """The format whose signature the bytes have."""
    head = raw[:512]
    if head.lstrip().startswith(b"%PDF-"):
        return "pdf"
    if head.lstrip().startswith(b"{\\rtf"):
        return "rtf"
    if head.startswith(sqlite.SIGNATURE):
        return "sqlite"
    if head.startswith((parquet.PARQUET_SIGNATURE, parquet.ARROW_SIGNATURE)):
        return "parquet"
    if head.startswith(OLE_SIGNATURE):
        return next((reader for stream, reader in _OLE_STREAMS.items() if stream in raw), "")
    if is_archive(head):
        return _format_of_zip(raw) or _archive(raw)
    if _GEOJSON.match(head):
        return "geojson"
    if signed := _signed_text(raw, head):
        return signed
    if _FLAT_OPENDOCUMENT.match(head):
        return _opendocument_reader(raw[:_MAX_ROOT_BYTES])
    return "html" if _HTML.match(head) else ""


def _signed_text(raw: bytes, head: bytes) -> str:
    if _ROFF.match(head) and _MANUAL_PAGE.search(raw, 0, _MAX_PREAMBLE_BYTES):
        return "man"
    if _INFO_NODE.search(raw, 0, _MAX_PREAMBLE_BYTES):
        return "info"
    return next((name for name, sign in _SIGNED_TEXTS.items() if sign.match(head)), "")


def _opendocument_reader(head: bytes) -> str:
    """The reader of an OpenDocument file whose beginning states its type."""
    kind = head.partition(_OPENDOCUMENT)[2]
    return "ods" if kind.startswith(b"spreadsheet") else "opendocument" if kind else ""


def text_format(raw: bytes) -> str:
    """The format of a text whose name says nothing: by its first lines."""
    head = raw[:_HEAD_BYTES].decode("utf-8-sig", "replace").replace("\r\n", "\n").lstrip()
    if _XML.match(head):
        return "xml"
    if _JSON.match(head):
        return "notebook" if _NOTEBOOK.search(raw) else "json"
    if _is_mail(head):
        return "mail"
    return next((name for name, beginning in _BEGINNINGS.items() if beginning.match(head)), "")


def is_text(raw: bytes) -> bool:
    """Whether the beginning of a file is UTF-8 without control characters."""
    head = raw[:_HEAD_BYTES]
    try:
        head[: -3 if len(raw) > _HEAD_BYTES else None].decode("utf-8")
    except UnicodeDecodeError as error:
        if len(raw) <= _HEAD_BYTES or error.start < _HEAD_BYTES - 6:
            return False
    return _CONTROL.search(head) is None


def _is_mail(head: str) -> bool:
    """Whether it begins with the headers of a mail, and nothing else before the blank line."""
    names: set[str] = set()
    position = 0
    while found := _HEADER.match(head, position):
        names.add(found["name"].lower())
        position = found.end()
    is_complete = position >= len(head) or head[position] == "\n" or position > len(head) * 3 // 4
    return is_complete and len(names & _MAIL_HEADERS) >= _MIN_MAIL_HEADERS


def _archive(raw: bytes) -> str:
    """The reader of archives, unless the file begins like a zip file and has no directory."""
    return "" if raw.startswith(b"PK\x03\x04") and b"PK\x05\x06" not in raw[-_MAX_ZIP_END_BYTES:] else "archive"


def _format_of_zip(raw: bytes) -> str:
    """The document format of a zip file, from its stated type or the names of its parts; nothing is unpacked."""
    if raw[30:38] == b"mimetype":  # in OpenDocument and EPUB, the first part, never compressed
        media_type = raw[38:120]
        if media_type.startswith(b"application/epub+zip"):
            return "epub"
        if media_type.startswith(_OPENDOCUMENT):
            return _opendocument_reader(media_type)
    if not raw.startswith(b"PK"):
        return ""
    try:
        names = zipfile.ZipFile(io.BytesIO(raw)).namelist()[:_MAX_NAMES]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return ""
    if known := next((reader for part, reader in _MAIN_PARTS.items() if part in names), ""):
        return known
    if "[Content_Types].xml" not in names and "_rels/.rels" not in names:
        return ""
    folders = {name.partition("/")[0] for name in names}
    return next((name for folder, name in _OFFICE_FOLDERS.items() if folder in folders), "")
