"""An ordinary day's alerts, one of each severity, and who is on call for them."""

import uuid
from datetime import date, time, timedelta
from decimal import Decimal

from django.utils import timezone

from alerts import actions
from alerts.judge import judge_waiting
from alerts.models import (
    Alert,
    EscalationPolicy,
    Outcome,
    PolicyVersion,
    Rota,
    Rule,
    RuleVersion,
    Shift,
)
from alerts.rota_actions import leave_note
from alerts.swap_actions import ask_swap
from alerts.turns import Turn
from care.models import Result
from portal.tenancy import acting_for

SUNDAY = 6
# What is watched, how bad it is, and a value that meets it.
WATCHED = (
    ("Potassium", "critical", "2823-3", "mmol/L", "6.4"),
    ("Lactate", "critical", "2524-7", "mmol/L", "6"),
    ("Sodium", "urgent", "2951-2", "mmol/L", "160"),
    ("Magnesium", "urgent", "19123-9", "mg/dL", "5"),
    ("Phosphate", "notice", "2777-1", "mg/dL", "11"),
)


def raise_alerts(cast) -> dict[str, uuid.UUID]:
    """Ana has an alert of each severity; of the others Noor has one, and closed one."""
    of_clinic = {"organization": cast.clinic}
    with acting_for(cast.clinic.pk, system=True):
        policy = EscalationPolicy.objects.create(**of_clinic, name="The care team, then clinicians")
        steps = [{"wait": 0, "tell": "care_team"}, {"wait": 5, "tell": "role", "who": "clinician"}]
        PolicyVersion.objects.create(**of_clinic, policy=policy, number=1, steps=steps)
        for what, severity, code, unit, value in WATCHED:
            rule = Rule.objects.create(**of_clinic, name=what, is_on=True)
            RuleVersion.objects.create(
                **of_clinic,
                rule=rule,
                policy=policy,
                number=1,
                severity=severity,
                what=what,
                codes=[code],
                unit=unit,
                high=Decimal(value) - Decimal("0.4"),
            )
            Result.objects.create(
                **of_clinic,
                patient=cast.ana.patient,
                category="laboratory",
                code=code,
                display=what,
                value=Decimal(value),
                unit=unit,
                measured_at=timezone.now() - timedelta(minutes=2),
            )
    judge_waiting(cast.clinic.pk)
    with acting_for(cast.clinic.pk, system=True):
        raised = {alert.what: alert.pk for alert in Alert.objects.filter(patient=cast.ana.patient)}
    with acting_for(cast.clinic.pk, cast.noor.user.pk):
        actions.acknowledge(raised["Lactate"], by=cast.noor.reader, note="On my way")
        actions.acknowledge(raised["Magnesium"], by=cast.noor.reader)
        actions.close(raised["Magnesium"], by=cast.noor.reader, outcome=Outcome.DONE)
    return {
        "alert": raised["Potassium"],
        "taken": raised["Lactate"],
        "ended": raised["Magnesium"],
    }


def fill_rota(cast) -> dict[str, object]:
    """Ada by day, Noor by night, and a Sunday that nobody has; Noor asks Ada to swap."""
    of_clinic = {"organization": cast.clinic}
    today = timezone.localdate(timezone=cast.clinic.zone)
    with acting_for(cast.clinic.pk, system=True):
        rota = Rota.objects.create(
            **of_clinic, name="Alerts", time_zone=cast.clinic.time_zone, is_round_the_clock=True
        )
        shifts = [
            Shift.objects.create(
                **of_clinic,
                rota=rota,
                name=name,
                user=None if weekday == SUNDAY else who.user,
                weekday=weekday,
                starts=time(starts),
                days=days,
                ends=time(20 - starts + 8),
                from_on=today - timedelta(days=14),
            )
            for weekday in range(7)
            for name, who, starts, days in (("Day", cast.ada, 8, 0), ("Night", cast.noor, 20, 1))
        ]
    day, night = (
        Turn(shift.series, _next(shift.weekday, today)) for shift in (shifts[0], shifts[3])
    )
    with acting_for(cast.clinic.pk, cast.ada.user.pk):
        leave_note(rota.pk, "The spare telephone is in room 3.", by=cast.ada.reader)
    with acting_for(cast.clinic.pk, cast.noor.user.pk):
        ask_swap(rota.pk, gives=night, takes=day, by=cast.noor.reader)
    return {"rota": rota.pk, "shift": day.series, "shift_on": day.begins_on}


def _next(weekday: int, today: date) -> date:
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
