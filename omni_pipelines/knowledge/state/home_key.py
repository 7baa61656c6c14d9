"""The key of a home: it seals receipts, so that a receipt proves that this home gave the answer.

It leaves the home with no bundle and no store. Its file has the mode of the other files of the home, because whoever
may read those may ask as the home.
"""

import hashlib
import hmac
import secrets

from native.durable import put_if_absent
from omni_pipelines.home import Home

KEY_BYTES = 32
_ID_DIGITS = 16


def make_key(home: Home) -> None:
    """Give the home a key, if it has none or a damaged one.

    Raises:
        OSError: the home cannot be written, or its key not be read.
    """
    if read_key(home) is None:
        home.key.unlink(missing_ok=True)
        put_if_absent(home.key, secrets.token_hex(KEY_BYTES).encode())


def read_key(home: Home) -> bytes | None:
    """The key of the home; None if it has none, or a damaged one.

    Raises:
        OSError: the key cannot be read.
    """
    try:
        key = bytes.fromhex(home.key.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


def key_id(key: bytes) -> str:
    """A name of the key that does not give it away."""
    return hashlib.sha256(key).hexdigest()[:_ID_DIGITS]


def keyed_seal(key: bytes, content: bytes) -> str:
    """The HMAC-SHA256 of a content, as 64 hex digits."""
    return hmac.new(key, content, hashlib.sha256).hexdigest()
