"""Mails of Outlook (MS-OXMSG): the properties of a message in the storages of an OLE file.

They are read as other mails: headers, the richest form of the text that is not empty, mails inside it, attachments.
"""

import io
import struct
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from omni_pipelines.refusals import RefusalCode, Unreadable
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import clean, one_line
from omni_pipelines.text.readers.mails.mail_headers import decoded_text
from omni_pipelines.text.readers.mails.mail_text import MailText, page_of, richest
from omni_pipelines.text.readers.old_office.ole_streams import DAMAGE
from omni_pipelines.text.readers.rtf import rtf

_MAX_DEPTH = 16
_PROPERTIES = "__properties_version1.0"
_RECIPIENT, _ATTACHMENT, _INNER_MESSAGE = "__recip_version1.0_", "__attach_version1.0_", "__substg1.0_3701000D"
_UNICODE, _STRING8, _BINARY = "001F", "001E", "0102"
_ENTRY = struct.Struct("<HHI8s")
_HEADER_BYTES = {"": 32, _RECIPIENT: 8, _ATTACHMENT: 8, _INNER_MESSAGE: 24}
"""Before the entries of a property stream: of the mail, a recipient, an attachment, a mail inside it."""
_RECEIVERS = {1: "To", 2: "Cc", 3: "Bcc"}
_DISPLAYED = {"To": 0x0E04, "Cc": 0x0E03, "Bcc": 0x0E02}
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_SUBJECT, _BODY, _HTML, _RTF, _LANGUAGE_PAGE, _HTML_PAGE = 0x0037, 0x1000, 0x1013, 0x1009, 0x3FFD, 0x3FDE
_SENT, _DELIVERED, _RECEIVER_KIND, _DATA = 0x0039, 0x0E06, 0x0C15, 0x3701
_SENDER_NAMES, _SENDER_ADDRESSES = (0x0042, 0x0C1A), (0x5D02, 0x5D01, 0x0065, 0x0C1F)
_NAMES, _ADDRESSES = (0x3001, 0x5FF6), (0x39FE, 0x3003)
_FILE_NAMES, _MEDIA_TYPE, _HIDDEN = (0x3707, 0x3704, 0x3001), 0x370E, 0x7FFE


def read(raw: bytes, name: str) -> Parsed:
    """Read a mail of Outlook."""
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(raw)) as file:
            if not file.exists(_PROPERTIES):
                raise Unreadable(RefusalCode.PARSE, "not a mail of Outlook: it has no properties of a message")
            mail = MailText()
            message = _Storage(file, ())
            _add_message(mail, message, 0)
            return mail.parsed(name, message.text(_SUBJECT))
    except DAMAGE as error:
        raise Unreadable(RefusalCode.PARSE, f"its OLE file is damaged: {error}") from error


class _Storage:
    """The properties in one storage of an OLE file."""

    def __init__(self, file: object, path: tuple[str, ...], label: str = "") -> None:
        self._file, self._path = file, path
        self._fixed = self._read_fixed()
        page = self.number(_LANGUAGE_PAGE)
        self.label = f"cp{page}" if page else label
        """The charset of texts that are not Unicode."""

    def inside(self, prefix: str) -> list["_Storage"]:
        """The storages directly inside whose names begin so, in order."""
        depth = len(self._path)
        entries = self._file.listdir(streams=False, storages=True)  # type: ignore[attr-defined]
        paths = [tuple(each) for each in entries if tuple(each[:depth]) == self._path and len(each) == depth + 1]
        return [_Storage(self._file, path, self.label) for path in sorted(paths) if path[-1].startswith(prefix)]

    def binary(self, number: int) -> bytes:
        """A binary property; b"" if there is none."""
        return self._stream(f"__substg1.0_{number:04X}{_BINARY}")

    def text(self, *numbers: int) -> str:
        """The first of several properties that is a text and not empty."""
        for number in numbers:
            wide = self._stream(f"__substg1.0_{number:04X}{_UNICODE}")
            text = wide.decode("utf-16-le", "replace") if wide else self._narrow(number)
            if text.strip("\0 \r\n"):
                return clean(text.rstrip("\0"))
        return ""

    def number(self, number: int) -> int:
        """A property that is a number; 0 if there is none."""
        return int.from_bytes(self._fixed.get(number, b"")[:4], "little")

    def moment(self, *numbers: int) -> str:
        """The first of several properties that is a date, as mails write dates."""
        for number in numbers:
            ticks = int.from_bytes(self._fixed.get(number, b""), "little")
            if ticks:
                try:
                    return format_datetime(_EPOCH + timedelta(microseconds=ticks // 10))
                except OverflowError:
                    continue
        return ""

    def _narrow(self, number: int) -> str:
        raw = self._stream(f"__substg1.0_{number:04X}{_STRING8}")
        return decoded_text(raw, self.label).text if raw else ""

    def _stream(self, name: str) -> bytes:
        path = [*self._path, name]
        if not self._file.exists(path):  # type: ignore[attr-defined]
            return b""
        content: bytes = self._file.openstream(path).read()  # type: ignore[attr-defined]
        return content

    def _read_fixed(self) -> dict[int, bytes]:
        """Number to value of the properties that have a fixed length."""
        last = self._path[-1] if self._path else ""
        header = next(length for prefix, length in reversed(_HEADER_BYTES.items()) if last.startswith(prefix))
        entries = self._stream(_PROPERTIES)[header:]
        whole = entries[: len(entries) // _ENTRY.size * _ENTRY.size]
        return {number: value for _kind, number, _flags, value in _ENTRY.iter_unpack(whole)}


def _add_message(mail: MailText, message: _Storage, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise Unreadable(RefusalCode.DEPTH, f"more than {_MAX_DEPTH} mails inside one another")
    mail.start(_headers(message))
    _add_body(mail, message)
    for attachment in message.inside(_ATTACHMENT):
        for inner in attachment.inside(_INNER_MESSAGE):
            _add_message(mail, inner, depth + 1)
        raw = attachment.binary(_DATA)
        if raw and not attachment.number(_HIDDEN) & 0xFF:
            mail.attach(attachment.text(*_FILE_NAMES), raw, attachment.text(_MEDIA_TYPE))
    mail.end()


def _headers(message: _Storage) -> dict[str, str]:
    receivers: dict[str, list[str]] = {}
    for recipient in message.inside(_RECIPIENT):
        kind = _RECEIVERS.get(recipient.number(_RECEIVER_KIND) & 0xF, "To")
        receivers.setdefault(kind, []).append(_person(recipient.text(*_NAMES), recipient.text(*_ADDRESSES)))
    headers = {
        "From": _person(message.text(*_SENDER_NAMES), _address(message)),
        **{kind: ", ".join(receivers.get(kind, ())) or message.text(shown) for kind, shown in _DISPLAYED.items()},
        "Date": message.moment(_SENT, _DELIVERED),
        "Subject": message.text(_SUBJECT),
    }
    return {name: one_line(value) for name, value in headers.items() if value.strip()}


def _address(message: _Storage) -> str:
    addresses = (message.text(number) for number in _SENDER_ADDRESSES)
    return next((address for address in addresses if "@" in address), "")


def _person(name: str, address: str) -> str:
    """A name and an address as mails write them; an address that is no mail address is left out."""
    if "@" not in address or address == name:
        return name or address
    return f"{name} <{address}>" if name else address


def _add_body(mail: MailText, message: _Storage) -> None:
    code_page = message.number(_HTML_PAGE)
    label = f"cp{code_page}" if code_page else ""
    source = message.binary(_HTML) or message.text(_HTML).encode("utf-8", "replace")
    page = page_of(source, label) if source else None
    letter = _formatted(message.binary(_RTF))
    plain = message.text(_BODY)
    forms = [plain, letter.text if letter is not None else "", page.text if page is not None else ""]
    chosen = richest([len(form.split()) for form in forms])
    if chosen == 2 and page is not None:
        mail.page(page)
    elif chosen == 1 and letter is not None:
        mail.page(letter)
    elif chosen == 0:
        mail.text(plain.encode("utf-8", "replace"), "utf-8")


def _formatted(packed: bytes) -> Parsed | None:
    """The text of a body in compressed RTF (MS-OXRTFCP); None if it has none, or is damaged."""
    import compressed_rtf

    try:
        return rtf.read(compressed_rtf.decompress(packed), "") if packed else None
    except Exception:  # noqa: BLE001  # the library raises bare exceptions; the other forms of the text remain
        return None
