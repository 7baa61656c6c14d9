"""Read the objects of a git repository with git's plumbing, under a configuration of ours.

Git sees a folder of ours with nothing but links to the objects and references of the repository. So nothing that the
repository configures counts: no programs, filters, hooks, helpers, attributes, includes, replacements, and no objects
of other repositories. The process may read only the repository, and it can neither write nor start a program.
"""

import contextlib
import glob
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from native.child_python import killed_after, python_command
from native.confinement import Confinement, confine
from native.errors import RepositoryUnreadable
from native.git_folders import RepositoryFolders, first_line, repository_folders

COMMAND_SECONDS = 120
"""Time for one command of git, and for one object."""
MAX_LISTING_BYTES = 256 << 20
"""Length of the list of a commit's files: a tree that contains itself many times has no end."""
_CURE = "check the repository: git fsck"
_MEMORY_BYTES, _OPEN_FILES = 4 << 30, 1_024
LIBRARIES = (
    "/usr/lib",
    "/usr/lib64",
    "/lib",
    "/lib64",
    "/usr/local/lib",
    "/nix/store",
    "/etc/ld.so.cache",
    "/dev/null",
)
LOADERS = ("/lib/ld-*", "/lib64/ld-*")
"""The dynamic loader of the C library, which the system runs for the program."""
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_EXTENSIONS = {"objectformat": ("sha1", "sha256"), "refstorage": ("files", "reftable")}
"""What a configuration says of how objects and references are stored: the only keys of it that count."""
_EXTENSION = re.compile(r"^\s*(objectformat|refstorage)\s*=\s*\"?(\w+)\"?\s*$", re.IGNORECASE | re.MULTILINE)
_MAX_CONFIG_BYTES = 1 << 20
_REFERENCES = ("refs", "packed-refs", "reftable", "logs")
_FAN_OUT = re.compile(r"[0-9a-f]{2}|pack")


@dataclass(frozen=True)
class TreeEntry:
    """A file of a commit."""

    mode: str
    """Six octal digits, such as 100644."""
    blob: str
    """The id of its content."""
    path: str
    """Bytes that are not UTF-8 as surrogates."""
    size: int | None
    """In bytes; None if the repository does not hold the content."""


class GitObjects:
    """The objects of one repository. It is made by `open_repository`."""

    def __init__(self, program: str, view: Path, folders: RepositoryFolders, root: Path | None = None) -> None:
        self._program, self._view, self._folders = program, view, folders
        self.root = root
        """The folder of the working tree, if it may be read too."""
        self._batch: subprocess.Popen[bytes] | None = None

    def commit(self, rev: str) -> tuple[str, int] | None:
        """The id of the commit that a revision names, and its time in seconds since 1970; None if there is none.

        Raises:
            RepositoryUnreadable: git cannot read the repository.
        """
        if not rev.isprintable() or rev.startswith("-"):
            return None
        found = self._object(rev + "^{commit}")
        if found is None:
            return None
        name, kind, content = found
        committer = re.search(rb"^committer .* (\d+) [+-]\d{4}$", content.partition(b"\n\n")[0], re.MULTILINE)
        if kind != "commit" or committer is None:
            return None
        return name, int(committer[1])

    def tree(self, commit: str) -> list[TreeEntry]:
        """The files of a commit, in the order of git.

        Raises:
            RepositoryUnreadable: git cannot read the repository.
        """
        fields = []
        for line in filter(None, self.run("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")):
            attributes, _, path = line.partition(b"\t")
            mode, kind, blob = attributes.decode("ascii").split()
            if kind == "blob":
                fields.append((mode, blob, os.fsdecode(path)))
        sizes = self._sizes({blob for _, blob, _ in fields})
        return [TreeEntry(mode, blob, path, sizes.get(blob)) for mode, blob, path in fields]

    def read(self, blob: str) -> bytes | None:
        """The content of a blob; None if the repository does not hold it.

        Raises:
            RepositoryUnreadable: git cannot read the repository.
        """
        found = self._object(blob)
        return found[2] if found is not None and found[1] == "blob" else None

    def close(self) -> None:
        """End the process of git."""
        if self._batch is not None:
            self._batch.kill()
            self._batch.communicate()
            self._batch = None

    def _sizes(self, blobs: Iterable[str]) -> dict[str, int]:
        names = "".join(f"{blob}\n" for blob in sorted(blobs))
        answers = self.run("cat-file", "--batch-check=%(objectname) %(objectsize)", given=names.encode())
        pairs = (line.split() for line in answers.decode("ascii").splitlines())
        return {name: int(size) for name, size in pairs if size.isdigit()}

    def _object(self, name: str) -> tuple[str, str, bytes] | None:
        """Id, kind and content of an object."""
        if self._batch is None:
            self._batch = subprocess.Popen(
                self._command("cat-file", "--batch"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment(),
            )
        process = self._batch
        assert process.stdin is not None
        assert process.stdout is not None
        with killed_after(process, COMMAND_SECONDS), contextlib.suppress(BrokenPipeError):
            process.stdin.write(os.fsencode(name) + b"\n")
            process.stdin.flush()
            header = process.stdout.readline()
            if header.endswith((b" missing\n", b" ambiguous\n")):
                return None
            fields = header.decode("ascii", "replace").split()
            if len(fields) == 3:
                size = int(fields[2])
                content = process.stdout.read(size + 1)
                if len(content) == size + 1:
                    return fields[0], fields[1], content[:size]
        self.close()
        raise RepositoryUnreadable("git cannot read an object of the repository", cure=_CURE)

    def run(self, *arguments: str, given: bytes = b"", limit: int = MAX_LISTING_BYTES) -> bytes:
        """What a command of git prints. It can start no program, so only plumbing works.

        Raises:
            RepositoryUnreadable: git fails, or prints more than `limit` bytes.
        """
        with tempfile.TemporaryFile() as requests, tempfile.TemporaryFile() as errors:
            requests.write(given)
            requests.seek(0)
            process = subprocess.Popen(
                self._command(*arguments),
                stdin=requests,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self._environment(),
                cwd=self.root,
            )
            assert process.stdout is not None
            with process, killed_after(process, COMMAND_SECONDS):
                answer = process.stdout.read(limit + 1)
                if len(answer) > limit:
                    process.kill()
            if process.returncode == 0 and len(answer) <= limit:
                return answer
            errors.seek(0)
            lines = errors.read(4_096).decode("utf-8", "replace").strip().splitlines()
        if len(answer) > limit:
            reason = f"git {arguments[0]} prints more than {limit:,} bytes"
        elif process.returncode < 0:
            reason = f"git did not finish within {COMMAND_SECONDS} s, or was killed"
        else:
            reason = lines[0] if lines else "git cannot read the repository"
        raise RepositoryUnreadable(reason, cure=_CURE)

    def _command(self, *arguments: str) -> list[str]:
        readable = [*LIBRARIES, *map(str, (self._view, self._folders.head, self._folders.common))]
        readable += [str(self.root)] if self.root else []
        specification = orjson.dumps({"command": [self._program, *arguments], "readable": readable}).decode()
        return python_command("native.git_objects", "main", specification)

    def _environment(self) -> dict[str, str]:
        tree = {"GIT_WORK_TREE": str(self.root), "GIT_LITERAL_PATHSPECS": "1"} if self.root else {}
        return {**_ENVIRONMENT, "GIT_DIR": str(self._view), **tree}


@contextmanager
def open_repository(program: str, folder: Path, *, with_files: bool = False) -> Iterator[GitObjects]:
    """The repository that a folder is in. `program` is the path of git.

    With `with_files`, the working tree and its index can be read too, also under our configuration.

    Raises:
        RepositoryUnreadable: there is none, or it has no working tree.
    """
    folders, tree = _find(folder)
    if with_files and tree is None:
        raise RepositoryUnreadable("the repository has no files beside it", cure="name a folder that git clone made")
    root = tree if with_files else None
    with tempfile.TemporaryDirectory(prefix="omni-git-") as view:
        _write_view(Path(view), folders, is_bare=root is None)
        repository = GitObjects(str(Path(program).resolve()), Path(view), folders, root)
        try:
            yield repository
        finally:
            repository.close()


def _find(folder: Path) -> tuple[RepositoryFolders, Path | None]:
    """The folders of the repository, and its working tree if it has one."""
    folder = folder.resolve()
    for parent in (folder, *folder.parents):
        for candidate in (parent / ".git", parent):
            found = repository_folders(candidate)
            if found is not None:
                return found, parent if candidate.name == ".git" and candidate != parent else None
    raise RepositoryUnreadable("not a git repository", cure="name a folder that git clone or git init made")


def _write_view(view: Path, folders: RepositoryFolders, *, is_bare: bool) -> None:
    """Write what git takes for the repository: our configuration, and links to its objects and references."""
    stated: dict[str, str] = {}
    if os.path.isfile(folders.common / "config"):
        with (folders.common / "config").open("rb") as file:
            stated = dict(_EXTENSION.findall(file.read(_MAX_CONFIG_BYTES).decode("utf-8", "replace")))
    extensions = {key.lower(): value for key, value in stated.items() if value in _EXTENSIONS[key.lower()]}
    lines = ["[core]", "repositoryformatversion = 1", f"bare = {str(is_bare).lower()}", "packedGitWindowSize = 32m"]
    lines += ["packedGitLimit = 256m", "[extensions]", *(f"{key} = {value}" for key, value in extensions.items())]
    (view / "config").write_text("\n".join(lines) + "\n")
    (view / "HEAD").write_text(first_line(folders.head / "HEAD") + "\n", errors="surrogateescape")
    for name in _REFERENCES:
        if os.path.exists(folders.common / name):
            (view / name).symlink_to(folders.common / name)
    if not is_bare:
        for path in (folders.head / "index", *folders.head.glob("sharedindex.*")):
            if path.exists():
                (view / path.name).symlink_to(path)
    (view / "objects").mkdir()
    for entry in (folders.common / "objects").iterdir():
        if _FAN_OUT.fullmatch(entry.name):
            (view / "objects" / entry.name).symlink_to(entry)


def main() -> None:
    """Confine this process, then become git; the argument is what `GitObjects` specifies."""
    specification = orjson.loads(sys.argv[1])
    command = specification["command"]
    loaders = [path for pattern in LOADERS for path in glob.glob(pattern)]
    confine(Confinement(_MEMORY_BYTES, _OPEN_FILES, tuple(specification["readable"]), (command[0], *loaders)))
    os.execv(command[0], command)
