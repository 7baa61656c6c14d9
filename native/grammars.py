"""Grammars of tree-sitter, which the package `semble-grammars` holds compiled in an archive.

A grammar is unpacked once, into the cache of the user. A confined process cannot write there, so the process that
starts it unpacks the grammar first.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from native.errors import EngineError

if TYPE_CHECKING:
    from tree_sitter import Parser

FOLDER_VARIABLE = "SEMBLE_GRAMMARS_CACHE_DIR"
"""The environment variable that tells a process without the other variables where the grammars are."""


def grammar_folder() -> Path:
    """The folder of the unpacked grammars."""
    from semble_grammars.cache import cache_dir

    return cache_dir()


def unpack_grammar(name: str) -> None:
    """Make sure that a grammar is unpacked.

    Raises:
        EngineError: the folder of the grammars cannot be written.
    """
    import semble_grammars

    try:
        semble_grammars.get_language(name)
    except semble_grammars.GrammarLoadError as error:
        reason = error.__cause__ or error
        raise EngineError(
            f"the grammar of {name} cannot be unpacked to {grammar_folder()}: {reason}",
            cure=f"make the folder writable, or name another one in {FOLDER_VARIABLE}",
        ) from error


def grammar_parser(name: str) -> Parser:
    """A parser for the language of a grammar that is unpacked."""
    import semble_grammars

    return semble_grammars.get_parser(name)
