"""When a clock on the wall says it is night, and when the night ends. Pure; knows no table.

A night is from one instant to another, so that a change of the clocks neither skips its end nor
begins it twice: where an hour happens twice, the night begins with the first and ends with the
second; where a time does not happen, it stands for the moment at which the clock jumps.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_MINUTE = timedelta(minutes=1)


def quiet_until(now: datetime, begins: time, ends: time, zone: ZoneInfo) -> datetime | None:
    """Return the end of the night that `now` lies in, in UTC, or None by day."""
    today = now.astimezone(zone).date()
    # A night may have begun the evening before.
    for day in (today - timedelta(days=1), today):
        start = instant(day, begins, zone)
        morning = day if ends > begins else day + timedelta(days=1)
        end = instant(morning, ends, zone, last=True)
        if start <= now < end:
            return end
    return None


def next_at(now: datetime, at: time, zone: ZoneInfo) -> datetime:
    """Return the next instant after `now` at which the clock shows `at`, in UTC."""
    today = now.astimezone(zone).date()
    candidates = (instant(today + timedelta(days=days), at, zone) for days in range(3))
    return next(candidate for candidate in candidates if candidate > now)


def instant(day: date, at: time, zone: ZoneInfo, *, last: bool = False) -> datetime:
    """Return the instant, in UTC, of a time on the wall; of two, the first or the `last`."""
    wall = datetime.combine(day, at, tzinfo=zone)
    first, second = (wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return second if last else first
    # The clock jumps over it: `second` is counted with the offset after the jump and lies before
    # it, `first` with the one before.
    moment = second.replace(second=0, microsecond=0)
    while moment.astimezone(zone).utcoffset() != first.astimezone(zone).utcoffset():
        moment += _MINUTE
    return moment
