"""The command line, run in this process by its entry point."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from omni_pipelines.cli.main import execute
from omni_pipelines.responses import ToolResponse


class Output(NamedTuple):
    """The exit code of a command, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document on stdout."""
        return json.loads(self.out)

    @property
    def envelope(self) -> ToolResponse:
        """The envelope of a tool's response on stdout."""
        fields = self.document
        assert fields.pop("schema_version") == 1
        return ToolResponse.model_validate_json(json.dumps(fields))


Omni = Callable[..., Output]


@pytest.fixture
def omni(capsys: pytest.CaptureFixture[str]) -> Omni:
    """Run a command; with `application`, another one than `omni`."""

    def run(*words: str, **application: Any) -> Output:
        return Output(execute(words, **application), *capsys.readouterr())

    return run
