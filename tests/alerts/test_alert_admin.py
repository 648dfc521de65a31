"""The administration of rules and policies: versions, checks, the dry run before a switch."""

import re
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from alerts.models import EscalationPolicy, PolicyVersion, Rota, Rule, RuleVersion
from care.models import VitalSign
from portal.models import Patient
from tests.words import words_of

pytestmark = pytest.mark.usefixtures("db")
PULSE = "8867-4"


@pytest.fixture
def policy(clinic, system):
    with system():
        policy = EscalationPolicy.objects.create(organization=clinic, name="Critical")
        PolicyVersion.objects.create(
            organization=clinic,
            policy=policy,
            number=1,
            steps=[{"wait": 0, "tell": "care_team", "who": ""}],
        )
    return policy


@pytest.fixture
def office(client_for, admin):
    return client_for(admin)


def of_rule(policy, **more):
    return {
        "name": "Pulse",
        "what": "Pulse",
        "severity": "critical",
        "kind": "value",
        "policy": policy.pk,
        "codes": PULSE,
        "unit": "/min",
        "high": "130",
        "horizon_hours": "72",
    } | more


@pytest.fixture
def rule(office, policy, system):
    answer = office.post(reverse("admin:alerts_rule_add"), of_rule(policy))
    assert answer.status_code == 302, errors_in(answer)
    with system():
        return Rule.objects.get()


def errors_in(answer):
    form = answer.context["adminform"].form
    return form.errors.as_text()


def change(rule):
    return reverse("admin:alerts_rule_change", args=[rule.pk])


def versions(system):
    with system():
        return list(RuleVersion.objects.order_by("number"))


def test_a_rule_begins_switched_off(rule, system):
    assert not rule.is_on
    (version,) = versions(system)
    assert (version.number, version.high, version.codes) == (1, 130, [PULSE])


def test_an_edit_is_a_new_version(office, rule, policy, system, admin):
    answer = office.post(change(rule), of_rule(policy, high="120"))
    assert answer.status_code == 302, errors_in(answer)
    first, second = versions(system)
    assert (first.high, second.high) == (130, 120)
    assert second.created_by_id == admin.user.pk


def test_a_new_name_is_no_new_version(office, rule, policy, system):
    office.post(change(rule), of_rule(policy, name="Heart rate"))
    assert len(versions(system)) == 1


def test_the_history_stands_on_the_page(office, rule, policy):
    office.post(change(rule), of_rule(policy, high="120"))
    page = office.get(change(rule)).content.decode()
    assert "≥ 130" in page
    assert "≥ 120" in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"high": ""},
        {"codes": ""},
        {"low": "140"},
        {"unit": "mg/dL"},
        {"kind": "silence"},
        {"kind": "answer"},
        {"kind": "news2", "high": ""},
        {"age_from": "60", "age_until": "60"},
    ],
)
def test_a_rule_that_cannot_work_is_refused(office, policy, system, wrong):
    answer = office.post(reverse("admin:alerts_rule_add"), of_rule(policy, **wrong))
    assert answer.status_code == 200
    assert errors_in(answer)
    assert versions(system) == []


@pytest.fixture
def pulses(system, clinic):
    """`pulses(ana.patient, 140, 145)`: a pulse an hour, the last one now, in that order."""

    def pulses(patient, *values):
        now = timezone.now()
        with system():
            for hours, pulse in enumerate(reversed(values)):
                VitalSign.objects.create(
                    organization=clinic,
                    patient=patient,
                    category="vital-signs",
                    code=PULSE,
                    display="Pulse",
                    value=Decimal(pulse),
                    unit="/min",
                    measured_at=now - timedelta(hours=hours),
                )

    return pulses


@pytest.fixture
def crowd(system, clinic):
    """Six more patients of the register."""
    with system():
        return [
            Patient.objects.create(
                organization=clinic,
                mrn=f"88{number}",
                name=f"Patient {number}",
                birth_on=date(1950, 1, 1),
                sex="male",
            )
            for number in range(6)
        ]


def test_a_rule_is_tried_and_then_switched_on(office, rule, system, pulses, crowd):
    for patient in crowd:
        pulses(patient, 140, 145, 80, 150, 82)
    address = reverse("admin:alerts_rule_dry_run", args=[rule.pk])
    page = words_of(office.get(address))
    assert "12 alerts about 6 patients in the last 30 days" in page
    for said in ("Patient 1", "MRN", "881", "145", "150"):
        assert said not in page
    office.post(address)
    with system():
        rule.refresh_from_db()
    assert rule.is_on


@pytest.mark.parametrize("high", ["130", "145", "146"])
def test_of_a_few_patients_it_says_only_that_they_are_few(office, rule, policy, pulses, cast, high):
    """Ten edits of a limit, or one of an age, would else find out one patient's value."""
    pulses(cast.ana.patient, 140, 145, 80)
    office.post(change(rule), of_rule(policy, high=high, age_from="62", age_until="63"))
    page = words_of(office.get(reverse("admin:alerts_rule_dry_run", args=[rule.pk])))
    assert "about fewer than 5 patients, perhaps none, in the last 30 days" in page
    assert "Ana" not in page
    assert "4471" not in page
    assert not re.search(r"\d+ alerts?\b", page)


def test_a_rule_is_switched_off_from_the_list(office, rule, system):
    office.post(reverse("admin:alerts_rule_dry_run", args=[rule.pk]))
    office.post(
        reverse("admin:alerts_rule_changelist"),
        {"action": "switch_off", "_selected_action": [rule.pk]},
    )
    with system():
        rule.refresh_from_db()
    assert not rule.is_on


def test_nobody_but_administrators_tries_rules(client_for, rule, ada, other_admin):
    address = reverse("admin:alerts_rule_dry_run", args=[rule.pk])
    for person in (ada, other_admin):
        assert client_for(person).get(address).status_code == 404
        assert client_for(person).post(address).status_code == 404


# Policies ---------------------------------------------------------------------------------------


def of_policy(*steps, **more):
    said = {
        "name": "Urgent",
        "repeats": "1",
        "every": "10",
        "fallback_role": "nurse",
        "acknowledged_for": "30",
        "told_within": "5",
        "acknowledged_within": "30",
        "acted_within": "60",
    }
    for number, (wait, tell) in enumerate(steps, start=1):
        said |= {f"wait_{number}": wait, f"tell_{number}": tell}
    return said | more


def test_a_policy_is_a_list_of_steps(office, system, clinic, ada):
    with system():
        rota = Rota.objects.create(organization=clinic, name="Nights", time_zone="UTC")
    answer = office.post(
        reverse("admin:alerts_escalationpolicy_add"),
        of_policy(("0", "care_team:"), ("5", f"on_call:{rota.pk}"), ("5", f"person:{ada.user.pk}")),
    )
    assert answer.status_code == 302, errors_in(answer)
    with system():
        policy = EscalationPolicy.objects.get()
        assert policy.current.steps == [
            {"wait": 0, "tell": "care_team", "who": ""},
            {"wait": 5, "tell": "on_call", "who": str(rota.pk)},
            {"wait": 5, "tell": "person", "who": str(ada.user.pk)},
        ]
    page = office.get(reverse("admin:alerts_escalationpolicy_changelist")).content.decode()
    assert "at once the care team, after 5 min on call: Nights, after 5 min Ada Lee" in page


def test_an_edit_of_a_policy_is_a_new_version(office, policy, system):
    address = reverse("admin:alerts_escalationpolicy_change", args=[policy.pk])
    answer = office.post(address, of_policy(("0", "role:nurse"), name="Critical"))
    assert answer.status_code == 302, errors_in(answer)
    with system():
        assert [each.number for each in policy.versions.all()] == [2, 1]
        assert policy.current.steps[0]["tell"] == "role"


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [("", "care_team:")],
        [("-1", "care_team:")],
        [("241", "care_team:")],
        [("0", "role:patient")],
        [("0", f"person:{uuid4()}")],
        [("0", f"on_call:{uuid4()}")],
    ],
)
def test_a_policy_that_would_tell_nobody_is_refused(office, system, steps):
    answer = office.post(reverse("admin:alerts_escalationpolicy_add"), of_policy(*steps))
    assert answer.status_code == 200
    assert errors_in(answer)
    with system():
        assert not PolicyVersion.objects.exists()


def test_nobody_of_another_clinic_is_told(office, olga):
    answer = office.post(
        reverse("admin:alerts_escalationpolicy_add"), of_policy(("0", f"person:{olga.user.pk}"))
    )
    assert answer.status_code == 200
