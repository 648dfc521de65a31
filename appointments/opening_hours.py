"""When the clinic's providers can be booked at all, taken or not."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from appointments.calendar import open_time
from appointments.models import Availability, AvailabilityException
from appointments.spans import Span, union
from portal import access
from portal.access import Reader


def opening_hours(
    reader: Reader, days: Sequence[date], holidays: Collection[date], zone: ZoneInfo
) -> dict[UUID, list[Span]]:
    """When each provider can be booked for anything, taken or not."""
    week: dict[UUID, list[Availability]] = defaultdict(list)
    for hours in access.of_organization(Availability.objects.all(), reader):
        week[hours.visit_type_id].append(hours)
    exceptions = list(
        access.of_organization(
            AvailabilityException.objects.filter(on__range=(days[0], days[-1])), reader
        )
    )
    spans: dict[UUID, list[Span]] = defaultdict(list)
    for visit_type_id, rows in week.items():
        for stretch in open_time(
            week=[row.hours for row in rows],
            exceptions=[
                row.day_hours for row in exceptions if row.visit_type_id in (None, visit_type_id)
            ],
            holidays=holidays,
            zone=zone,
            days=days,
        ):
            if stretch.provider is not None:
                spans[stretch.provider].append((stretch.starts_at, stretch.ends_at))
    return {provider: union(each) for provider, each in spans.items()}
