"""The environment in which the products run: built from the pins in their modules, apart from that of omni."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

CONSTRAINTS = Path(__file__).with_name("constraints.txt")
_LIST = "import json; from importlib.metadata import distributions as found; "
_LIST += "print(json.dumps({each.name.lower().replace('_', '-'): each.version for each in found()}))"


class Environment:
    """A virtual environment in a folder, made when a package is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.versions = _versions(self.python) if self.python.exists() else {}

    @property
    def python(self) -> Path:
        """The interpreter."""
        return self._folder / "bin" / "python"

    def install(self, pins: Sequence[str]) -> str:
        """Install what is missing of `pins`. Return why that failed, or nothing."""
        if all(self.versions.get(name, "").split("+")[0] == version for name, version in map(_pin, pins)):
            return ""
        if not self.python.exists():
            venv.create(self._folder, with_pip=True)
        command = [str(self.python), "-m", "pip", "install", "-q", "-c", str(CONSTRAINTS), *pins]
        done = subprocess.run(command, capture_output=True, text=True)
        self.versions = _versions(self.python)
        return last_line(done.stderr) if done.returncode else ""


def version_of(pins: Sequence[str]) -> str:
    """The versions of a product, for people."""
    return ", ".join(f"{name} {version}" for name, version in map(_pin, pins))


def last_line(text: str) -> str:
    """The line that says what went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no message"


def _pin(pin: str) -> tuple[str, str]:
    name, version = re.split("==", pin)
    return name.lower(), version


def _versions(python: Path) -> dict[str, str]:
    done = subprocess.run([str(python), "-c", _LIST], capture_output=True, check=True)
    versions: dict[str, str] = json.loads(done.stdout)
    return versions


HERE = Path(sys.executable)
"""The interpreter with omni, for products without packages."""
