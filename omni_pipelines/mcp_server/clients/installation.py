"""Adding our entry to the file of a client, and removing it again.

What was written is remembered in the configuration folder of the person. Only that is ever changed or removed.
"""

import contextlib
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from native.durable import write_whole
from omni_pipelines.errors import ConfigurationError
from omni_pipelines.mcp_server.clients.client_table import ENTRY, Client


@dataclass(frozen=True)
class FileChange:
    """What would be written to a file."""

    file: Path
    before: str | None
    """None if there is no file."""
    after: str | None
    """None to delete the file."""
    entry: Mapping[str, object] | None
    """Our entry afterwards; None without one."""

    @property
    def is_none(self) -> bool:
        """Whether the file stays as it is."""
        return self.before == self.after

    @property
    def diff(self) -> list[str]:
        """A unified diff without line ends."""
        old, new = ((text or "").splitlines() for text in (self.before, self.after))
        return list(difflib.unified_diff(old, new, str(self.file), str(self.file), lineterm=""))


class Installation:
    """Our entries in the files of one person's clients. `record` is the file that remembers them."""

    def __init__(self, record: Path) -> None:
        self._record = record

    def plan_install(self, client: Client, file: Path, command: Sequence[str]) -> FileChange:
        """The change that adds our entry, or brings it up to date.

        Raises:
            ConfigurationError: the file is malformed, or has an entry of this name that is not ours.
        """
        before, entry = _read(file), client.entry(command)
        content = _parsed(client, file, before)
        present = _present(client, file, content)
        if present is not None and present != entry and present != self._remembered(file):
            cure = f"rename or remove {client.servers}.{ENTRY} in it"
            raise ConfigurationError(f"{file} has an entry {ENTRY} that omni did not write", cure=cure)
        if present == entry:
            return FileChange(file, before, before, entry)
        after = client.form.with_member(before or "", (client.servers, ENTRY), entry)
        servers = {**_servers(content, client), ENTRY: entry}
        _check(client, file, after, {**content, client.servers: servers})
        return FileChange(file, before, after, entry)

    def plan_uninstall(self, client: Client, file: Path) -> FileChange:
        """The change that removes our entry; a file with nothing else is deleted if omni created it.

        Raises:
            ConfigurationError: the file is malformed, or the entry is not what omni wrote.
        """
        before = _read(file)
        content = _parsed(client, file, before)
        present = _present(client, file, content)
        if before is None or present is None:
            return FileChange(file, before, before, None)
        if present != self._remembered(file):
            cure = f"remove {client.servers}.{ENTRY} from it yourself"
            raise ConfigurationError(f"the entry {ENTRY} in {file} is not what omni wrote", cure=cure)
        after = client.form.without_member(before, (client.servers, ENTRY))
        servers = {name: each for name, each in _servers(content, client).items() if name != ENTRY}
        expected = {name: each for name, each in content.items() if name != client.servers}
        _check(client, file, after, expected | ({client.servers: servers} if servers else {}))
        is_ours = self._read_record().get(str(file), {}).get("created") is True
        return FileChange(file, before, None if is_ours and not expected and not servers else after, None)

    def apply(self, change: FileChange) -> None:
        """Write a change.

        Raises:
            ConfigurationError: the file changed since the plan.
        """
        if _read(change.file) != change.before:
            raise ConfigurationError(f"{change.file} changed meanwhile", cure="run the command again")
        if change.after is None:
            change.file.unlink()
        elif not change.is_none:
            _write(change.file, change.after)
        self._remember(change)

    def _remembered(self, file: Path) -> object:
        """Our entry in a file as it was written; None if nothing is known."""
        return self._read_record().get(str(file), {}).get("entry")

    def _remember(self, change: FileChange) -> None:
        record = self._read_record()
        known = record.pop(str(change.file), {})
        if change.entry is not None:
            created = known.get("created", change.before is None)
            record[str(change.file)] = {"entry": change.entry, "created": created}
        self._record.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self._record, orjson.dumps(record, option=orjson.OPT_INDENT_2))

    def _read_record(self) -> dict[str, dict[str, object]]:
        try:
            content = orjson.loads(self._record.read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return {}
        return content if isinstance(content, dict) else {}


def _read(file: Path) -> str | None:
    try:
        return file.read_bytes().decode()  # line ends as they are
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}", cure="correct it; it was not changed") from error


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    mode = None
    with contextlib.suppress(FileNotFoundError):
        mode = file.stat().st_mode & 0o777
    write_whole(file, text.encode())
    if mode is not None:
        file.chmod(mode)


def _parsed(client: Client, file: Path, text: str | None) -> dict[str, object]:
    if text is None or not text.strip():
        return {}
    try:
        content = client.form.parse(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{file} is malformed: {error}", cure="correct it; it was not changed") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{file} is malformed: it holds no object", cure="correct it; it was not changed")
    return content


def _servers(content: Mapping[str, object], client: Client) -> dict[str, object]:
    servers = content.get(client.servers, {})
    return servers if isinstance(servers, dict) else {}


def _present(client: Client, file: Path, content: Mapping[str, object]) -> object:
    if not isinstance(content.get(client.servers, {}), dict):
        problem = f"{file} is malformed: {client.servers} is no object"
        raise ConfigurationError(problem, cure="correct it; it was not changed")
    return _servers(content, client).get(ENTRY)


def _check(client: Client, file: Path, after: str, expected: dict[str, object]) -> None:
    """A change of a text is written only if its meaning is exactly the wanted one."""
    written = _parsed(client, file, after)
    for content in (written, expected):
        if content.get(client.servers) == {}:  # means the same as no member
            content.pop(client.servers)
    if written != expected:
        problem = f"{file} is written in a form that omni cannot change safely"
        raise ConfigurationError(problem, cure="change it by hand: docs/how-to/mcp.md")
