"""The harness itself: its library counts the operations that the kernel sees."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stress.harness import faults
from tests.stress.harness.faults import Fault
from tests.stress.harness.trial import Trial
from tests.stress.harness.workload import Workload

_CALLS = {
    "write": "write|pwrite64|writev|pwritev|copy_file_range|sendfile",
    "rename": "rename|renameat|renameat2",
    "link": "link|linkat|symlink|symlinkat",
    "unlink": "unlink|unlinkat|rmdir",
    "sync": "fsync|fdatasync|sync_file_range|syncfs",
    "truncate": "ftruncate|truncate|fallocate",
    "mkdir": "mkdir|mkdirat",
    "ring": "io_uring_setup|openat2",
}


def traced(log: Path, below: Path) -> Counter[str]:
    """Count the successful system calls on files below a folder, by kind."""
    calls: Counter[str] = Counter()
    for line in whole_lines(log):
        call = re.match(r"(\w+)\((.*)\)\s+= (-?\d+)", line)
        if call is None or int(call[3]) < 0 or str(below) not in call[2]:
            continue
        if "rename" in call[1] and int(call[3]):
            continue  # intercepted by the library, which then makes the call itself
        calls.update(kind for kind, names in _CALLS.items() if re.fullmatch(names, call[1]))
    return calls


def whole_lines(log: Path) -> Iterator[str]:
    """Yield the calls of a log, joining those that a call of another thread interrupted."""
    begun: dict[str, str] = {}
    for line in log.read_text(errors="replace").splitlines():
        thread, _, text = line.partition(" ")
        text = text.lstrip()
        if text.endswith("<unfinished ...>"):
            begun[thread] = text.removesuffix("<unfinished ...>")
        elif resumed := re.match(r"<\.\.\. \w+ resumed>(.*)", text):
            yield begun.pop(thread, "") + resumed[1]
        else:
            yield text


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_fault_library_counts_the_operations_that_strace_sees(trial: Trial, tmp_path: Path) -> None:
    log = tmp_path / "strace"
    names = ",".join(f"?{name}" for kind in _CALLS.values() for name in kind.split("|"))
    strace = ("strace", "-f", "--seccomp-bpf", "-y", "-qq", "-s", "0", "-o", str(log), "-e", f"trace={names}")
    counted = {}
    with Workload(prefix=strace) as workload:
        for number, do in enumerate(("step", "index", "compact")):
            copy = trial.copy(f"strace-{number}")
            fault = Fault(str(copy.home.root), kinds=faults.EVERY_KIND & ~faults.CREATE)
            counted[copy.home.root] = workload.run(copy.job(do, 2 + number, fault=fault)).seen
    for below, seen in counted.items():
        kernel = traced(log, below)
        assert seen > 0
        assert kernel["ring"] == 0
        assert seen == sum(kernel.values()), kernel
