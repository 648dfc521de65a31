"""The head of the audit chain, said where nobody with power over the database can reach it.

Whoever can change entries can make the whole chain anew, and it will fit. What it cannot fit is a
number and a digest that were written down elsewhere before: one line of the log a minute, and one
of AUDIT_ANCHOR_FILE where that is set. Both are JSON, and both can be read back.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from django.conf import settings
from django.utils import timezone

from portal import audit_chain

log = structlog.get_logger("vigil.audit")

# How an anchor's line is known among all others of a log.
EVENT = "audit anchor"
_MARK = json.dumps(EVENT)
_DIGEST = re.compile(r"[0-9a-f]{64}")
# Of a file, where the newest anchors are; one is 160 bytes.
_TAIL_BYTES = 4_096

# The last number that this process said: nothing is said twice while nothing moves. Another worker,
# or this one after a restart, may say it again, which does no harm.
_said = 0


@dataclass(frozen=True)
class Anchor:
    """A head of the chain as it was said at `timestamp`, a text."""

    number: int
    digest: bytes
    timestamp: str


def say_head() -> None:
    """Say where the chain stands, unless it stands where this process has said already.

    Raises OSError when AUDIT_ANCHOR_FILE cannot be written: the next call says the head again.
    """
    global _said  # noqa: PLW0603 - one memory for the process, as above
    head = audit_chain.head()
    if head is None or head.number == _said:
        return
    anchor = {"number": head.number, "digest": head.digest.hex()}
    log.info(EVENT, **anchor)
    if settings.AUDIT_ANCHOR_FILE:
        stamped = {"event": EVENT, **anchor, "timestamp": timezone.now().isoformat()}
        _append(Path(settings.AUDIT_ANCHOR_FILE), json.dumps(stamped) + "\n")
    _said = head.number


def _append(path: Path, line: str) -> None:
    # One write at the end of the file, so that two workers never mix their lines.
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        os.write(file, line.encode())
        os.fsync(file)
    finally:
        os.close(file)


def read(path: Path) -> Iterator[tuple[int, Anchor | None]]:
    """The anchors in a file of anchors or in a log, with the numbers of their lines.

    None for a line that should be an anchor and is none; lines of others are passed over. Raises
    OSError.
    """
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line_number, line in enumerate(lines, start=1):
            if _MARK in line:
                yield line_number, _anchor_of(line)


def newest(path: Path) -> Anchor | None:
    """The last anchor of a file, however long it is. Raises OSError."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    return next((_anchor_of(line) for line in reversed(lines) if _MARK in line), None)


def _anchor_of(line: str) -> Anchor | None:
    try:
        # A collector may put words of its own before the line.
        said = json.loads(line[line.index("{") :])
        number, digest, timestamp = said["number"], said["digest"], said["timestamp"]
    except (KeyError, TypeError, ValueError):
        return None
    if type(number) is not int or not _DIGEST.fullmatch(str(digest)):
        return None
    return Anchor(number, bytes.fromhex(digest), str(timestamp))
