"""What a clock on the wall shows, on the days on which it is set forward or back. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from appointments.calendar import day_bounds

_DAY = timedelta(days=1)


def comes_twice(local: datetime) -> bool:
    """Whether the clock shows the time of a local instant twice on that day."""
    first, second = (local.replace(fold=fold).utcoffset() for fold in (0, 1))
    return first != second


def instants_of(on: date, at: time, zone: ZoneInfo) -> list[datetime]:
    """Return when the clock shows a time on a day: once, twice, or never."""
    wall = datetime.combine(on, at)
    both = {wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(each for each in both if each.astimezone(zone).replace(tzinfo=None) == wall)


def time_gained(on: date, zone: ZoneInfo) -> timedelta:
    """By how much a day is longer than others: an hour when the clocks go back; or shorter."""
    begins, ends = day_bounds(on, zone)
    return ends - begins - _DAY


def zone_name(local: datetime) -> str:
    """What tells the two times apart: "EDT", or "UTC-03" where nobody has a name for it."""
    name = local.tzname() or "UTC"
    return f"UTC{name}" if name[0] in "+-" else name
