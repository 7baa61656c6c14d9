"""Confine this process before it touches untrusted bytes: memory, time, files, programs, child processes, network.

The limits of resources hold on every Unix. Linux adds Landlock, which decides what files the process may open, and
seccomp, which refuses system calls; a kernel without them, or another system, leaves the other limits in force.
Landlock: https://docs.kernel.org/userspace-api/landlock.html, seccomp: seccomp(2).
"""

import contextlib
import ctypes
import os
import platform
import resource
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 22, 38
_SECCOMP_MODE_FILTER = 2
_CLONE_THREAD, _CLONE_NEWUSER, _CLONE_NEWNET = 0x10000, 0x10000000, 0x40000000
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULESET_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE
_RIGHTS_OF_VERSION = ((1, 0x1FFF), (2, 0x3FFF), (3, 0x7FFF), (5, 0xFFFF))
"""Version of Landlock to everything that it can refuse about files; from linux/landlock.h."""
_TCP = 3
"""Binding and connecting, from version 4."""
_SCOPES = 3
"""Abstract sockets and signals to processes outside, from version 6."""
_SYSTEM_CALLS = {
    # machine: (AUDIT_ARCH, clone, clone3, execve, what else is refused: fork, vfork, execveat, ptrace, socket)
    "x86_64": (0xC000003E, 56, 435, 59, (57, 58, 322, 101, 41)),
    "aarch64": (0xC00000B7, 220, 435, 221, (281, 117, 198)),
}
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
"""SECCOMP_RET_ALLOW and SECCOMP_RET_ERRNO, which is combined with the error number."""
_EPERM, _ENOSYS = 1, 38


@dataclass(frozen=True)
class Confinement:
    """What a process may still do. It can never write a file, start a process or use the network."""

    memory_bytes: int
    open_files: int
    readable: tuple[str, ...]
    """Files, and folders with everything below them. A path that does not exist is ignored."""
    programs: tuple[str, ...] = ()
    """The files that it may run in its own place, and their dynamic loader; without Landlock, it may run any file."""


def confine(limits: Confinement) -> None:
    """Confine this process for the rest of its life."""
    _limit_resources(limits)
    with contextlib.suppress(OSError, AttributeError):  # only Linux has these calls
        library = ctypes.CDLL(None, use_errno=True)
        library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _leave_network(library)
        _restrict_files(library, limits)
        _refuse_calls(library, may_execute=bool(limits.programs))


def is_complete() -> bool:
    """Whether this kernel can refuse all that `confine` refuses: files, programs and the network."""
    try:
        version = ctypes.CDLL(None).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _RULESET_VERSION)
    except (OSError, AttributeError):  # only Linux has this call
        return False
    return sys.platform == "linux" and version >= 1 and platform.machine() in _SYSTEM_CALLS


def leave_network() -> None:
    """Give up the network, and nothing else, for the rest of the life of this process."""
    with contextlib.suppress(OSError, AttributeError):  # only Linux has these calls
        library = ctypes.CDLL(None, use_errno=True)
        library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        user = os.geteuid()
        if _leave_network(library):
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")  # files keep their owner


def _leave_network(library: ctypes.CDLL) -> bool:
    """Give up the network. Whether that needed a user namespace, as it does for an ordinary user."""
    if library.unshare(_CLONE_NEWNET) == 0:
        return False
    return bool(library.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0)


def python_paths() -> tuple[str, ...]:
    """What a Python process reads: the interpreter, its packages and the libraries of the system."""
    system = (
        "/usr", "/lib", "/lib64", "/bin", "/opt", "/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types",
        "/nix/store", "/dev/null", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo", "/proc/self",
        "/sys/devices/system/cpu",
    )  # fmt: skip
    return (*system, sys.prefix, sys.base_prefix, *filter(None, sys.path))


def _limit_resources(limits: Confinement) -> None:
    kinds = {
        resource.RLIMIT_AS: limits.memory_bytes,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in kinds.items():
        with contextlib.suppress(ValueError, OSError):  # the system has no such limit, or already a lower one
            resource.setrlimit(kind, (limit, limit))


def _restrict_files(library: ctypes.CDLL, limits: Confinement) -> None:
    """Let the process open only what it may read, and run only what it may run."""
    version = library.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _RULESET_VERSION)
    if version < 1:
        return
    handled = max(rights for since, rights in _RIGHTS_OF_VERSION if since <= version)
    words = (handled, *((_TCP,) if version >= 4 else ()), *((_SCOPES,) if version >= 6 else ()))
    attributes = struct.pack(f"={len(words)}Q", *words)
    ruleset = library.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return
    try:
        _allow(library, ruleset, limits.readable, _READ_FILE | _READ_DIR)
        _allow(library, ruleset, ("/dev/null",), _READ_FILE | _WRITE_FILE)
        _allow(library, ruleset, limits.programs, _EXECUTE | _READ_FILE)
        library.syscall(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(library: ctypes.CDLL, ruleset: int, paths: Iterable[str], rights: int) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                rule = struct.pack("=Qi", rights if os.path.isdir(path) else rights & _FILE_RIGHTS, handle)
                library.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
            finally:
                os.close(handle)


def _refuse_calls(library: ctypes.CDLL, *, may_execute: bool) -> None:
    """Refuse to start processes and programs, to look into others and to open sockets. Threads are allowed."""
    calls = _SYSTEM_CALLS.get(platform.machine())
    if calls is None:
        return
    architecture, clone, clone3, execute, refused = calls
    filters = _filter(architecture, clone, clone3, refused if may_execute else (execute, *refused))
    code = ctypes.create_string_buffer(b"".join(filters))
    program = struct.pack("HxxxxxxP", len(filters), ctypes.addressof(code))
    library.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program, 0, 0)


def _filter(architecture: int, clone: int, clone3: int, refused: tuple[int, ...]) -> list[bytes]:
    """The program for the kernel: sock_filter instructions of (code, jump if true, jump if false, value)."""
    load, equal, has_bits, give = 0x20, 0x15, 0x45, 0x06

    def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("HBBI", code, if_true, if_false, value)

    program = [
        instruction(load, 4),  # the architecture; system calls of another one, such as 32 bit, are all refused
        instruction(equal, architecture, 1, 0),
        instruction(give, _REFUSE | _EPERM),
        instruction(load, 0),  # the number of the call
    ]
    for number in refused:
        program += [instruction(equal, number, 0, 1), instruction(give, _REFUSE | _EPERM)]
    return [
        *program,
        instruction(equal, clone3, 0, 1),
        instruction(give, _REFUSE | _ENOSYS),  # its flags cannot be seen here; the C library then uses clone
        instruction(equal, clone, 0, 3),
        instruction(load, 16),  # the lower half of the first argument: the flags
        instruction(has_bits, _CLONE_THREAD, 1, 0),
        instruction(give, _REFUSE | _EPERM),
        instruction(give, _ALLOW),
    ]
