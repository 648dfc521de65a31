"""Reading rotas: who can be called, now and in the days to come.

The rows of one rota, taken to `alerts.rota`. Asked by the system when somebody must be told, and
by staff for their pages: all of them read every rota of their organization.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from alerts import rota as reckoning
from alerts.models import Rota, Shift, ShiftOverride
from alerts.rota import Duty, Gap, Override, Pattern
from portal.access import CARE_ROLES
from portal.models import Membership


@dataclass(frozen=True)
class Roster:
    """What a rota says, read once, for several questions."""

    zone: ZoneInfo
    patterns: list[Pattern]
    overrides: list[Override]
    # Whoever may be called: nurses and clinicians who are still members and may sign in.
    able: frozenset[UUID]
    round_the_clock: bool

    def on_call(self, at: datetime) -> list[UUID]:
        """Who is on call at an instant, the first to be called first."""
        return reckoning.on_call(self.patterns, self.overrides, at, self.zone, able=self.able)

    def duties(self, start: datetime, end: datetime) -> list[Duty]:
        """Every duty that meets the time from `start` to `end`."""
        return reckoning.duties(self.patterns, self.overrides, start, end, self.zone)

    def gaps(self, start: datetime, end: datetime) -> list[Gap]:
        """When nobody is on call."""
        return reckoning.gaps(
            self.patterns,
            self.overrides,
            start,
            end,
            self.zone,
            able=self.able,
            round_the_clock=self.round_the_clock,
        )


def roster_of(rota: Rota) -> Roster:
    """Read a rota whole: patterns and overrides of every day, which are few."""
    return Roster(
        zone=rota.zone,
        patterns=[shift.pattern for shift in Shift.objects.filter(rota=rota)],
        overrides=[each.override for each in ShiftOverride.objects.standing().filter(rota=rota)],
        able=able_members(rota.organization_id),
        round_the_clock=rota.is_round_the_clock,
    )


def on_call_now(rota_id: UUID, at: datetime) -> list[UUID]:
    """Users on call at `at`, in the order in which they are called; none for an unknown rota."""
    rota = Rota.objects.filter(pk=rota_id).first()
    return roster_of(rota).on_call(at) if rota else []


def able_members(organization_id: UUID) -> frozenset[UUID]:
    """Users who may be on call: a membership that has not ended, and a role that treats."""
    members = Membership.objects.active().filter(
        organization_id=organization_id, role__in=CARE_ROLES
    )
    return frozenset(members.values_list("user_id", flat=True))
