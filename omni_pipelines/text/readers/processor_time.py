"""The processor time that a document may take in a process with a limit. The system ends a process that uses more."""

import contextlib
import resource
import time


def allow_cpu(seconds: float) -> None:
    """Allow so much processor time from now on; after that the system kills this process with SIGXCPU."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 1, hard))


def allow_more_cpu(seconds: float) -> None:
    """The same for a large document, where this process has a limit: a process without one gets none."""
    if resource.getrlimit(resource.RLIMIT_CPU)[0] != resource.RLIM_INFINITY:
        allow_cpu(seconds)
