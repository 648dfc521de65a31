"""What a trend shows of rules and alerts, and to whom."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from alerts.models import RuleOverride
from alerts.trends import of_alerts
from care.models import Result, Status
from care.plots.overlay import Band, Ring
from care.vital_signs import Limits
from portal.tenancy import acting_for

CODES = frozenset({"2823-3", "6298-4"})
ABOVE_6 = Band("2823-3", Limits(low=Decimal("6.0")), Ring.CRITICAL)
BELOW_28 = Band("2823-3", Limits(high=Decimal("2.8")), Ring.CRITICAL)


@pytest.fixture
def seen_by(ana):
    """`seen_by(ada)`: the overlay of Ana's potassium as somebody is shown it."""

    def seen_by(person, codes=CODES, since=None):
        with acting_for(person.organization.pk, person.user.pk):
            return of_alerts(ana.patient, person.reader, codes, since)

    return seen_by


def test_the_team_sees_the_limits_in_force(rule, seen_by, ada):
    rule(low="2.8", high="6.0")
    rule(low="3.0", high="5.5", severity="urgent")
    rule(high="6.0", codes=["6298-4"], what="Another name for it")
    rule(high="6.2", age_until=18)
    rule(high="10", codes=["718-7"], unit="g/dL")
    assert seen_by(ada).bands == (BELOW_28, ABOVE_6)


def test_a_limit_in_another_unit_stands_where_the_values_do(rule, seen_by, ada):
    rule(high="6000", unit="umol/L")
    assert seen_by(ada).bands == (ABOVE_6,)


def test_a_rule_that_is_off_has_no_band(rule, seen_by, ada, system):
    version = rule(high="6.0")
    with system():
        version.rule.is_on = False
        version.rule.save()
    assert seen_by(ada).bands == ()


@pytest.mark.parametrize(
    ("values", "bands"),
    [
        ({"high": Decimal("6.5")}, (Band("2823-3", Limits(low=Decimal("6.5")), Ring.CRITICAL),)),
        ({"is_muted": True}, ()),
    ],
)
def test_a_patients_own_limits_are_drawn(rule, seen_by, ana, ada, clinic, system, values, bands):
    version = rule(high="6.0")
    with system():
        RuleOverride.objects.create(
            organization=clinic, rule=version.rule, patient=ana.patient, reason="Dialysis",
            ends_at=timezone.now() + timedelta(days=1), by=ada.user, **values,
        )  # fmt: skip
    assert seen_by(ada).bands == bands


def test_an_alert_stands_at_the_value_that_began_it(alert, arrives, judged, seen_by, ada, ana):
    later = arrives(ana, "6.9", minutes=1)
    judged()
    (mark,) = seen_by(ada).marks
    assert (mark.kind, mark.is_critical) == ("alert", True)
    assert mark.label == "CRITICAL · Potassium 6.9 mmol/L"
    assert mark.at < later.measured_at
    assert seen_by(ada, codes=frozenset({"718-7"})).marks == ()
    assert seen_by(ada, since=timezone.now() + timedelta(minutes=1)).marks == ()


def test_an_alert_that_rested_on_a_mistake_is_not_marked(alert, judged, seen_by, ada, ana, system):
    with system():
        Result.objects.filter(patient=ana.patient).update(status=Status.ENTERED_IN_ERROR)
    judged()
    assert seen_by(ada).marks == ()


@pytest.mark.parametrize("name", ["ana", "sam", "admin", "boris", "olga"])
def test_nobody_else_sees_limits_or_alerts(alert, cast, seen_by, name):
    assert seen_by(getattr(cast, name)).marks == ()
    if name not in ("boris", "olga"):
        assert seen_by(getattr(cast, name)).bands == ()


def test_another_clinics_rules_are_not_drawn(rule, seen_by, olga):
    rule(high="6.0")
    assert seen_by(olga).bands == ()


def test_the_page_draws_them(alert, arrives, client_for, ana, ada):
    row = arrives(ana, "4.4", minutes=60)
    address = reverse("care:result_trend", args=[ana.patient.pk, row.pk])
    page = client_for(ada).get(address).content.decode()
    assert "Critical by the rules in force: 6 or more mmol/L." in page
    assert "plot__flag--critical" in page
    assert "Alert: CRITICAL · Potassium 6.4 mmol/L" in page
    own = client_for(ana).get(address).content.decode()
    assert "CRITICAL" not in own
    assert "plot__flag" not in own
