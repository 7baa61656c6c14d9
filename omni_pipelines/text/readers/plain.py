r"""Plain text: the text is the file's own, without sections.

Programs write JSON into the lines of their logs: its escapes, such as `\u00e9`, are read as their character.
"""

from omni_pipelines.text.character_escapes import without_escapes_in_quotes
from omni_pipelines.text.decoding import decode
from omni_pipelines.text.document import Parsed


def read(raw: bytes, name: str) -> Parsed:
    """Read a file. Its name is its title."""
    decoded = decode(raw)
    text = _without_escapes(decoded.text)
    return Parsed(decoded, title=name, extracted=None if text == decoded.text else text)


def _without_escapes(text: str) -> str:
    if "\\u" not in text or '{"' not in text:
        return text
    lines = text.splitlines(keepends=True)
    return "".join(without_escapes_in_quotes(line) if '{"' in line else line for line in lines)
