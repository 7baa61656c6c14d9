"""Plain text: the text is the file's own, without sections."""

from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. Its name is its title."""
    return Parsed(decode(raw), title=name)
