"""What a user sees when something goes wrong."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from omni_pipelines import errors
from omni_pipelines.errors import OmniError
from omni_pipelines.text.decoding import Unreadable

KINDS = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, OmniError)]
EXIT_CODES = {
    "OmniError": 1,
    "NoAnswer": 1,
    "CitationNotFound": 1,
    "DeletionRefused": 1,
    "TableBroken": 1,
    "ConfigurationError": 2,
    "SourceMissing": 2,
    "HomeError": 2,
    "ModelMissing": 2,
    "RetryableError": 3,
    "HomeBusy": 3,
    "UpstreamMoved": 3,
    "LanguageModelFailed": 1,
    "NetworkBlocked": 1,
    "NetworkUnreachable": 3,
    "NetworkTimeout": 3,
    "NetworkBadResponse": 3,
}


def test_every_error_has_the_exit_code_its_table_promises() -> None:
    assert {kind.__name__: kind.exit_code for kind in KINDS} == EXIT_CODES


def test_the_table_in_the_module_names_every_error_in_its_place() -> None:
    table = errors.__doc__ or ""
    assert all(kind.__name__ in table for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_crosses_processes_whole(kind: type[OmniError]) -> None:
    for back in (pickle.loads(pickle.dumps(kind("what", cure="do"))), copy.copy(kind("what", cure="do"))):  # noqa: S301
        assert (type(back), back.message, back.cure, str(back)) == (kind, "what", "do", "what; do")


def test_an_error_without_a_cure_says_what_happened() -> None:
    assert str(OmniError("it is gone")) == "it is gone"


def test_what_is_unreadable_keeps_its_code_across_processes() -> None:
    back = pickle.loads(pickle.dumps(Unreadable("E_BINARY", "zeros")))  # noqa: S301
    assert (back.code, back.detail, str(back)) == ("E_BINARY", "zeros", "E_BINARY: zeros")
