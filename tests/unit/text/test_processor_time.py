"""The processor time that a document may take."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import resource
from omni_pipelines.text.readers.processor_time import allow_cpu, allow_more_cpu
limit = lambda: resource.getrlimit(resource.RLIMIT_CPU)[0]
free = limit()
allow_more_cpu(5)
same = limit() == free
allow_cpu(5)
first = limit()
allow_more_cpu(50)
print(same, first, limit() - first)
"""


def test_more_time_is_allowed_only_where_a_limit_is_set() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60, check=True)
    same, first, more = done.stdout.split()
    assert (same, int(first) <= 7, 44 <= int(more) <= 46) == ("True", True, True)
