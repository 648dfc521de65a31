"""Empty hours of a rota, told to the administrators a week ahead."""

from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from alerts.models import Rota
from alerts.on_call import Roster, roster_of
from alerts.rota import Gap
from notifications.actions import notify
from notifications.models import Kind
from portal import tenancy
from portal.models import Membership, Role

AHEAD = timedelta(days=7)


def warn_of_gaps(organization_id: UUID | str, *, now: datetime | None = None) -> int:
    """Tell every administrator of each gap of the next seven days, once; return how many were told.

    A gap is known by when it begins. One that has begun goes on being the same gap; one that has
    no beginning within a week is told of once a week.
    """
    now = now or timezone.now()
    told = 0
    with tenancy.acting_for(organization_id, system=True):
        administrators = Membership.objects.active().filter(
            organization_id=organization_id, role=Role.ADMIN
        )
        users = list(administrators.values_list("user_id", flat=True))
        for rota in Rota.objects.filter(organization_id=organization_id):
            roster = roster_of(rota)
            for gap in roster.gaps(now, now + AHEAD):
                told += len(
                    notify(
                        users,
                        Kind.ALARM,
                        patient=None,
                        organization_id=rota.organization_id,
                        subject_id=rota.pk,
                        once=f"rota {rota.pk} empty from {_name(gap, roster, now)}",
                    )
                )
    return told


def _name(gap: Gap, roster: Roster, now: datetime) -> str:
    if gap.start > now:
        return gap.start.isoformat()
    before = roster.gaps(now - AHEAD, now)
    if not before or before[-1].end < now:
        return now.isoformat()
    if before[-1].start > now - AHEAD:
        return before[-1].start.isoformat()
    year, week, _ = now.astimezone(roster.zone).isocalendar()
    return f"week {week} of {year}"
