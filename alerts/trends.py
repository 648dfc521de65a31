"""What alerts add to a trend of `care`: the critical limits in force, and the alerts there were.

For the people who watch over the patient. To anybody else a trend has neither: a patient learns
from their team what a limit means.
"""

from datetime import datetime
from decimal import Decimal

from django.db.models import Min, Q
from django.utils import timezone

from alerts import observations
from alerts.cards import finding
from alerts.judge import rules_on
from alerts.judging import is_about
from alerts.models import Alert, Outcome, RuleKind, RuleOverride, RuleVersion, Severity
from care.analytes import analyte_of
from care.errors import UnitRefused
from care.plots.overlay import Band, Mark, Overlay, Ring
from care.units import converted
from care.vital_signs import Limits
from portal.access import Reader, of_watched_patients
from portal.models import Patient

# The newest: more lines than this across a plot would hide it.
MOST = 8


def of_alerts(
    patient: Patient, reader: Reader, codes: frozenset[str], since: datetime | None
) -> Overlay:
    """The bands and marks for one trend (a source of `care.plots.overlay`)."""
    if not reader.is_clinical:
        return Overlay()
    return Overlay(
        bands=tuple(_bands(patient, reader, codes)),
        marks=tuple(_marks(patient, reader, codes, since)),
    )


def _bands(patient: Patient, reader: Reader, codes: frozenset[str]) -> list[Band]:
    """Each band once, whichever rule it is from."""
    overrides = {
        override.rule_id: override
        for override in of_watched_patients(RuleOverride.objects.in_force(), reader).filter(
            patient=patient
        )
    }
    person = observations.person_of(patient, timezone.now())
    bands: dict[Band, None] = {}
    for rule in rules_on():
        if rule.organization_id != reader.organization_id or not is_about(rule, person):
            continue
        if rule.kind == RuleKind.VALUE and rule.severity == Severity.CRITICAL:
            for band in _of_rule(rule, codes, overrides.get(rule.rule_id)):
                bands[band] = None
    return list(bands)


def _of_rule(rule: RuleVersion, codes: frozenset[str], override: RuleOverride | None) -> list[Band]:
    code = next((each for each in rule.codes if each in codes), None)
    if code is None or (override is not None and override.is_muted):
        return []
    low, high = rule.low, rule.high
    if override is not None:
        low = low if override.low is None else override.low
        high = high if override.high is None else override.high
    bands = []
    if low is not None and (limit := _in_own_unit(low, rule.unit, code)) is not None:
        bands.append(Band(_name_of(code), Limits(high=limit), Ring.CRITICAL))
    if high is not None and (limit := _in_own_unit(high, rule.unit, code)) is not None:
        bands.append(Band(_name_of(code), Limits(low=limit), Ring.CRITICAL))
    return bands


def _in_own_unit(limit: Decimal, unit: str, code: str) -> Decimal | None:
    """A limit in the unit that values of this code are kept in."""
    analyte = analyte_of(code)
    if analyte is None:
        return limit
    try:
        return converted(limit, unit, analyte).normalize()
    except UnitRefused:
        # Such a rule is never met, either.
        return None


def _name_of(code: str) -> str:
    """One code for all of an analyte's, so that two rules of one limit are one band."""
    analyte = analyte_of(code)
    return analyte.code if analyte else code


def _marks(
    patient: Patient, reader: Reader, codes: frozenset[str], since: datetime | None
) -> list[Mark]:
    """The newest alerts about these codes, each at the first value that it rests on."""
    alerts = of_watched_patients(Alert.objects.all(), reader).filter(
        patient=patient, rule_version__codes__overlap=list(codes)
    )
    if since is not None:
        alerts = alerts.filter(raised_at__gte=since)
    alerts = (
        # One that rested on a mistake would say that something was, which was not.
        alerts.exclude(outcome=Outcome.WRONG_VALUE)
        .annotate(began=Min("readings__measured_at", filter=Q(readings__withdrawn_at=None)))
        .select_related("rule_version")
        .order_by("-raised_at")[:MOST]
    )
    return [
        Mark(
            at=alert.began or alert.raised_at,
            label=f"{alert.get_severity_display()} · {finding(alert)}",
            kind="alert",
            is_critical=alert.severity == Severity.CRITICAL,
        )
        for alert in alerts
    ]
