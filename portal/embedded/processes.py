"""Questions about processes that the standard library does not answer, and a tie to the parent."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def is_alive(pid: int) -> bool:
    """Whether a process of that id runs. A dead child nobody waited for counts as ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        # After the last parenthesis: state. The name before it may hold spaces.
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return True
    return state not in {"Z", "X"}


def started_at(pid: int) -> str:
    """When a process began, in the system's own words; empty when there is no such process.

    Together with the id it names one process for ever: ids are used again, quickly so in
    containers, and nothing may be ended because it has inherited a number.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return _asked_of_ps(pid, "lstart")


def command_line(pid: int) -> str:
    """The command a process was started with, parts between spaces; empty when there is none."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return _asked_of_ps(pid, "command")
    return raw.replace(b"\0", b" ").decode(errors="replace").strip()


def wait_until(condition: Callable[[], bool], seconds: float, every: float = 0.01) -> bool:
    """Whether `condition` came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def signal_if_alive(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def dies_with_parent(number: int = signal.SIGTERM) -> Callable[[], None] | None:
    """A `preexec_fn` that sends the child `number` when we are killed; None where unsupported.

    Linux counts the *thread* that started the child as its parent, so start such a child from a
    thread that lives as long as it should.
    """
    if not sys.platform.startswith("linux"):
        return None
    # Looked up before the fork: between fork and exec nothing may load a library.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died before the tie was made
            os._exit(1)

    return tie


def _asked_of_ps(pid: int, column: str) -> str:
    """For systems that have no /proc."""
    if Path("/proc/self/stat").exists():
        return ""
    asked = subprocess.run(
        ["ps", "-o", f"{column}=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip()
