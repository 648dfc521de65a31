"""Dates of other systems: whole or partial, shifted by a number of days when a demo needs it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from care.fhir.errors import Refused

D = TypeVar("D", date, datetime)

_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2}))?")
_LEAP_SECOND = re.compile(r":60(?=[.Z+-])")

# When something happened, as opposed to when it is due or was printed.
_HAPPENED = (
    "effectiveDateTime",
    "effectiveInstant",
    "performedDateTime",
    "recordedDate",
    "authoredOn",
)
_HAPPENED_FROM = ("effectivePeriod", "performedPeriod")


@dataclass(frozen=True)
class Dates:
    """Reads FHIR dates for one clinic: a day without a time begins at midnight in its zone."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    shift_days: int = 0

    def instant(self, value: Any) -> datetime | None:
        """An instant, or the beginning of a day when only the day is known."""
        if value is None:
            return None
        moment = _parsed(value)
        if isinstance(moment, datetime):
            return self._moved(moment)
        return datetime.combine(self._moved(moment), time.min, self.zone)

    def knows_time(self, value: Any) -> bool:
        """Whether a date came with a time of day."""
        return isinstance(_parsed(value), datetime)

    def day(self, value: Any) -> date | None:
        """The day in the clinic's zone; of a partial date the first day it may mean."""
        if value is None:
            return None
        moment = _parsed(value)
        if isinstance(moment, datetime):
            return self._moved(moment).astimezone(self.zone).date()
        return self._moved(moment)

    def _moved(self, moment: D) -> D:
        try:
            return moment + timedelta(days=self.shift_days)
        except OverflowError:
            raise Refused("a date is out of range") from None


def _parsed(value: Any) -> date | datetime:
    """A date without, or an aware datetime with a time, from what fhir.resources gives."""
    if isinstance(value, datetime):
        # Only a date without a time comes without a zone: fhir.resources refuses the rest.
        return value if value.tzinfo else value.date()
    if isinstance(value, date):
        return value
    if found := _PARTIAL.fullmatch(value):
        return date(int(found[1]), int(found[2] or 1), 1)
    # A leap second is valid FHIR, and unknown to Python.
    try:
        return datetime.fromisoformat(_LEAP_SECOND.sub(":59", value)).astimezone(UTC)
    except OverflowError:
        raise Refused("a date is out of range") from None


def latest_day(resources: Iterable[dict[str, Any]]) -> date | None:
    """The newest day on which anything happened in some raw resources, due dates left aside."""
    days = (day for resource in resources for day in _days(resource))
    newest = max(days, default=None)
    return date.fromisoformat(newest) if newest else None


def _days(resource: dict[str, Any]) -> Iterable[str]:
    values = [resource.get(name) for name in _HAPPENED]
    periods = [resource.get(name) for name in _HAPPENED_FROM]
    if resource.get("resourceType") == "Encounter":
        periods.append(resource.get("period"))
    values += [period.get("start") for period in periods if isinstance(period, dict)]
    for value in values:
        if isinstance(value, str) and re.match(r"\d{4}-\d{2}-\d{2}", value):
            yield value[:10]
