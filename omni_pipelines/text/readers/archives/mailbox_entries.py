"""The mails in a mailbox file (mbox), each as a file `N.eml`, from 1."""

import email.parser
import email.policy
import email.utils
import io
import re
from collections.abc import Iterator
from functools import partial
from typing import IO

from omni_pipelines.text.readers.archives.entries import ArchiveEntry
from omni_pipelines.text.readers.mails.mail_headers import shown_header

_START = re.compile(rb"From [^\r\n]*\d{1,2}:\d\d[^\r\n]*\r?\n|From [^\s]+\s*\r?\n|From - [^\r\n]*\r?\n")
"""The line before each mail: the envelope's sender and the date."""
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)
_HEADER = re.compile(rb"[!-9;-~]+:")
_MAX_HEAD_BYTES = 1 << 16
_MAX_LINE_BYTES = 1 << 20


def is_mailbox(head: bytes) -> bool:
    """Whether a file that begins so is a mailbox: the line before a mail, and then a header."""
    start = _START.match(head)
    return start is not None and _HEADER.match(head, start.end()) is not None


def mailbox_entries(file: IO[bytes]) -> Iterator[ArchiveEntry]:
    """The mails in a mailbox.

    Raises:
        ValueError: it is no mailbox.
    """
    starts = list(_starts(file))
    if not starts:
        raise ValueError("it has no mail: no line begins with From and a sender")
    end = file.seek(0, io.SEEK_END)
    for number, (start, following) in enumerate(zip(starts, [*(first for first, _ in starts[1:]), end], strict=True)):
        first, body = start
        label, mtime_ns = _described(file, body, following)
        opened = partial(_mail, file, body, following)
        yield ArchiveEntry(f"{number + 1}.eml", following - first, mtime_ns, opened, label=label)


def _starts(file: IO[bytes]) -> Iterator[tuple[int, int]]:
    """Where the line before each mail begins, and where the mail itself does."""
    file.seek(0)
    position, is_blank = 0, True
    while line := file.readline(_MAX_LINE_BYTES):
        if is_blank and line.startswith(b"From ") and _START.match(line):
            yield position, position + len(line)
        is_blank = not line.strip()
        position += len(line)


def _described(file: IO[bytes], start: int, end: int) -> tuple[str, int]:
    """The subject of a mail, and its date in nanoseconds."""
    file.seek(start)
    head = file.read(min(end - start, _MAX_HEAD_BYTES))
    message = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(head, headersonly=True)
    try:
        date = email.utils.parsedate_to_datetime(str(message.get("Date", "")))
        mtime_ns = int(date.timestamp()) * 1_000_000_000
    except (ValueError, TypeError, OverflowError, IndexError):
        mtime_ns = 0
    return shown_header(message, "Subject"), max(mtime_ns, 0)


def _mail(file: IO[bytes], start: int, end: int) -> IO[bytes]:
    file.seek(start)
    return io.BytesIO(_ESCAPED.sub(rb"\1", file.read(end - start)))
