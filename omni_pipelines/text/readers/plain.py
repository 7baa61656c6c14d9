"""Plain text, and source code in languages that have no reader of their own yet."""

from __future__ import annotations

from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed


def read(raw: bytes, name: str) -> Parsed:
    """The file as it is; its name is its title."""
    return Parsed(decode(raw), title=name)
