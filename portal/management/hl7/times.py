"""Times as HL7 v2 writes them: `20141006062700+0700`, or as much of that as is known."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

_DTM = re.compile(
    r"(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(\d{2})?(?:(\d{2})(?:\.\d{1,6})?)?)?)?)?([+-]\d{4})?",
    re.ASCII,
)


@dataclass(frozen=True)
class Moment:
    """An instant; `time_is_known` is false when only the day, or less, was given."""

    at: datetime
    time_is_known: bool


def moment(text: str, *, zone: tzinfo, day_zone: tzinfo) -> Moment | None:
    """Read a time; "" gives None. Raises ValueError, which quotes nothing.

    A time without an offset is in `zone`. A day without a time begins at midnight in `day_zone`:
    an offset says nothing about it.
    """
    if not text:
        return None
    found = _DTM.fullmatch(text)
    if found is None:
        raise ValueError("is no time as HL7 writes it")
    year, month, day, hour, minute, second, offset = found.groups()
    try:
        if hour is None:
            at = datetime(int(year), int(month or 1), int(day or 1), tzinfo=day_zone)
            return Moment(at.astimezone(UTC), time_is_known=False)
        # A leap second is valid, and unknown to Python.
        seconds = min(int(second or 0), 59)
        at = datetime(
            int(year), int(month), int(day), int(hour), int(minute or 0), seconds,
            tzinfo=_zone(offset) if offset else zone,
        )  # fmt: skip
        return Moment(at.astimezone(UTC), time_is_known=True)
    except (ValueError, OverflowError):
        raise ValueError("is no time that can be") from None


def offset_of(text: str) -> tzinfo | None:
    """The offset that a time carries, if it does: that of MSH-7 holds for the whole message."""
    found = _DTM.fullmatch(text)
    if found is None or not found[7]:
        return None
    try:
        return _zone(found[7])
    except ValueError:
        return None


def _zone(offset: str) -> timezone:
    minutes = int(offset[1:3]) * 60 + int(offset[3:5])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
