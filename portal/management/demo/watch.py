"""How the demo clinic watches: a rota that is filled, the default rules switched on, and a value
now and then that meets one.
"""

import random
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal

from django.utils import timezone

from alerts.defaults import install_defaults
from alerts.models import Alert, Rota, Severity, Shift
from care.actions import record_observation
from care.models import Source
from care.reported import Reported
from portal.models import Organization, Patient, User
from portal.tenancy import acting_for

FIRST_AFTER = timedelta(seconds=15)
# Uneven, as bodies are.
SOONEST, LATEST = timedelta(minutes=3), timedelta(minutes=6)
# A demo that is left alone must not end in a page full of red.
MOST_WAITING = 4


@dataclass(frozen=True)
class Finding:
    """What a laboratory or a device reports, and between which values."""

    code: str
    unit: str
    least: str
    most: str
    source: Source

    def value(self, chance: random.Random) -> Decimal:
        """One of its values, with as many places as its ends have."""
        least, most = Decimal(self.least), Decimal(self.most)
        step = Decimal(1).scaleb(int(least.as_tuple().exponent))
        return least + step * chance.randint(0, int((most - least) / step))


# The first is what the demo begins with: critical, and easily understood.
FINDINGS = (
    Finding("2823-3", "mmol/L", "6.1", "6.7", Source.HL7),  # potassium: critical
    Finding("8867-4", "/min", "122", "129", Source.DEVICE),  # pulse: urgent
    Finding("59408-5", "%", "88", "90", Source.DEVICE),  # oxygen saturation: critical
    Finding("718-7", "g/dL", "6.2", "6.8", Source.HL7),  # haemoglobin: critical
    Finding("9279-1", "/min", "22", "24", Source.DEVICE),  # respiration: urgent
)


def begin_to_watch(organization: Organization, by_day: User, by_night: User) -> None:
    """Fill a rota around the clock and switch the default rules on; for the system."""
    rota = Rota.objects.create(
        organization=organization, name="Alerts", time_zone=organization.time_zone
    )
    since = timezone.localdate(timezone=organization.zone) - timedelta(days=14)
    for weekday in range(7):
        for name, who, starts, ends, days in (
            ("Day", by_day, time(8), time(20), 0),
            ("Night", by_night, time(20), time(8), 1),
        ):
            Shift.objects.create(
                organization=organization,
                rota=rota,
                name=name,
                user=who,
                weekday=weekday,
                starts=starts,
                ends=ends,
                days=days,
                from_on=since,
            )
    install_defaults(organization.pk, rota_id=rota.pk, switched_on=True)


class Findings:
    """Reports, every few minutes, something about one of some patients that cannot wait."""

    def __init__(self, organization: Organization, mrns: list[str], chance: random.Random) -> None:
        self.organization = organization
        self.chance = chance
        self._mrns = mrns
        self._next_at = timezone.now() + FIRST_AFTER
        self._coming = list(FINDINGS)

    def report_when_due(self, now: datetime) -> str | None:
        """Report the next finding if it is time; return in a word what came, if anything."""
        if now < self._next_at:
            return None
        self._next_at = now + self.chance.uniform(0, 1) * (LATEST - SOONEST) + SOONEST
        with acting_for(self.organization.pk, system=True):
            alerts = Alert.objects.filter(organization=self.organization)
            if alerts.waiting().exclude(severity=Severity.NOTICE).count() >= MOST_WAITING:
                return None
            mrn = self.chance.choice(self._mrns)
            patient = Patient.objects.filter(organization=self.organization, mrn=mrn).first()
            if patient is None:
                return None
            finding = self._coming.pop(0)
            self._coming = self._coming or list(FINDINGS)
            reported = Reported(
                code=finding.code,
                value=finding.value(self.chance),
                unit=finding.unit,
                measured_at=timezone.now(),
            )
            record_observation(patient, reported, source=finding.source)
        return "finding"
