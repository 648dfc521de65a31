"""One line of the doctor's report."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How bad it is. Only a problem makes the command fail."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """`what` was looked at and how it stands, as a sentence; `mend`: what to do about it."""

    state: State
    what: str
    mend: str = ""
    area: str = ""


def ok(what: str) -> Finding:
    return Finding(State.OK, what)


def warning(what: str, mend: str) -> Finding:
    """Something that works now and should not stay so."""
    return Finding(State.WARNING, what, mend)


def problem(what: str, mend: str) -> Finding:
    """Something that does not hold."""
    return Finding(State.PROBLEM, what, mend)


def judged(well: str, found: list[str], mend: str) -> Finding:
    """`well` when nothing was found, else a problem that names the first few of what was."""
    if not found:
        return ok(well)
    names = sorted(found)
    shown = "; ".join(names[:4]) + (f"; and {len(names) - 4} more" if len(names) > 4 else "")
    return problem(shown, mend)
