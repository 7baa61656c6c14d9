"""Keys in files. That of a home seals receipts, so that a receipt proves that this home gave the answer.

It leaves the home with no bundle and no store. Its file has the mode of the other files of the home, because whoever
may read those may ask as the home. A user has a key of their own, in a folder that only they may open.
"""

import hashlib
import hmac
import secrets
from pathlib import Path

from native.durable import put_if_absent

KEY_BYTES = 32
_ID_DIGITS = 16


def make_key(file: Path) -> None:
    """Write a key, if the file holds none or a damaged one.

    Raises:
        OSError: its folder cannot be written, or the file not be read.
    """
    if read_key(file) is None:
        file.unlink(missing_ok=True)
        put_if_absent(file, secrets.token_hex(KEY_BYTES).encode())


def read_key(file: Path) -> bytes | None:
    """The key in a file; None if there is none, or a damaged one.

    Raises:
        OSError: the key cannot be read.
    """
    try:
        key = bytes.fromhex(file.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


def key_id(key: bytes) -> str:
    """A name of the key that does not give it away."""
    return hashlib.sha256(key).hexdigest()[:_ID_DIGITS]


def keyed_seal(key: bytes, content: bytes) -> str:
    """The HMAC-SHA256 of a content, as 64 hex digits."""
    return hmac.new(key, content, hashlib.sha256).hexdigest()
