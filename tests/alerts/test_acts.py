"""What people do about an alert, and who may."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from alerts import actions
from alerts.errors import AlreadyAcknowledged, NobodyToHandTo
from alerts.models import Alert, AlertRecord, AlertStep, Outcome, PolicyVersion, RuleVersion
from alerts.steps import take, take_due
from notifications.models import Kind, Notification
from portal import access
from portal.models import AccessGrant, AuditEntry, Membership

ACTS = {
    "acknowledge": {},
    "act": {"note": "Gave calcium"},
    "hand_over": {},
    "escalate_now": {},
    "snooze": {"reason": "In theatre"},
    "close": {"outcome": Outcome.NOT_NEEDED, "note": "Known"},
}


def given(act, ada, noor):
    values = dict(ACTS[act])
    if act == "hand_over":
        values["to"] = noor.user.pk
    if act == "snooze":
        values["until"] = timezone.now() + timedelta(minutes=30)
    return values


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("name", ["boris", "ana", "sam", "olga", "admin"])
def test_for_whoever_does_not_watch_the_patient_the_alert_does_not_exist(
    alert, cast, acting, history, act, name
):
    person, before = getattr(cast, name), history(alert)
    with acting(person), pytest.raises(Alert.DoesNotExist), transaction.atomic():
        getattr(actions, act)(alert.pk, by=person.reader, **given(act, cast.ada, cast.noor))
    assert history(alert) == before


@pytest.mark.parametrize("act", [act for act in ACTS if act != "close"])
def test_each_act_is_on_the_alert_and_in_the_audit_log(
    alert, ada, noor, acting, history, system, act
):
    with acting(ada):
        getattr(actions, act)(alert.pk, by=ada.reader, **given(act, ada, noor))
    assert len(history(alert)) > 3
    with system():
        assert AuditEntry.objects.filter(
            actor_id=ada.user.pk, subject_id=alert.pk, patient_id=alert.patient_id
        ).exists()


def test_acknowledging_ends_the_telling_until_it_expires(
    alert, ada, acting, system, told, pass_minutes
):
    with acting(ada):
        actions.acknowledge(alert.pk, by=ada.reader, note="On my way")
    with system():
        step = AlertStep.objects.get(alert=alert, done_at=None, cancelled_at=None)
    assert step.kind == "expire"
    pass_minutes(alert, 5)
    assert take_due(alert.organization_id) == 0
    pass_minutes(alert, 30)
    assert take_due(alert.organization_id) == 1
    assert told(alert) == ["Ada", "Ada", "Noor", "Noor"]


def test_two_who_acknowledge_in_one_instant_one_wins_and_the_other_is_told_who(
    committed, alert, ada, noor, acting
):
    """Real commits, two connections, a common start."""
    start, outcomes = threading.Barrier(2), {}

    def acknowledge(person):
        try:
            start.wait(60)
            with acting(person):
                actions.acknowledge(alert.pk, by=person.reader)
            outcomes[person.user.pk] = None
        except AlreadyAcknowledged as refusal:
            outcomes[person.user.pk] = refusal.owner_id
        finally:
            connections.close_all()

    threads = [threading.Thread(target=acknowledge, args=[person]) for person in (ada, noor)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    (winner,) = [user for user, first in outcomes.items() if first is None]
    (first,) = [first for first in outcomes.values() if first is not None]
    assert first == winner


def test_handing_over_is_to_a_nurse_or_clinician_of_the_clinic(
    alert, ada, noor, ana, olga, admin, acting, history
):
    for person in (ada, ana, olga, admin):
        with acting(ada), pytest.raises(NobodyToHandTo), transaction.atomic():
            actions.hand_over(alert.pk, by=ada.reader, to=person.user.pk)
    with acting(ada):
        actions.hand_over(alert.pk, by=ada.reader, to=noor.user.pk, note="Please")
    assert history(alert)[-2:] == ["handed_over", "told"]


def test_closing_is_a_persons_with_two_outcomes_only(alert, ada, acting):
    with acting(ada), pytest.raises(ValueError, match="recovered"), transaction.atomic():
        actions.close(alert.pk, by=ada.reader, outcome=Outcome.RECOVERED)


def test_what_somebody_saw_is_noted_once(alert, ada, boris, acting, history):
    with acting(ada):
        assert actions.note_seen([alert.pk], by=ada.reader) == 1
        assert actions.note_seen([alert.pk], by=ada.reader) == 0
    with acting(boris):
        assert actions.note_seen([alert.pk], by=boris.reader) == 0
    assert history(alert).count("seen") == 1


# Steps -----------------------------------------------------------------------------------------


def next_step(alert):
    return AlertStep.objects.get(alert=alert, done_at=None, cancelled_at=None).pk


def test_a_step_taken_twice_tells_once(alert, system, told, pass_minutes):
    pass_minutes(alert, 5)
    with system():
        step = next_step(alert)
    assert take(alert.organization_id, step)
    assert not take(alert.organization_id, step)
    assert told(alert) == ["Ada", "Ada", "Boris", "Noor"]


def test_a_step_is_not_taken_before_its_time(alert, system, told):
    with system():
        step = next_step(alert)
    assert not take(alert.organization_id, step)
    assert told(alert) == ["Ada", "Noor"]


def test_many_workers_take_a_step_once(committed, alert, system, told, pass_minutes):
    pass_minutes(alert, 5)
    with system():
        step = next_step(alert)
    start, taken = threading.Barrier(8), []

    def work():
        try:
            start.wait(60)
            taken.append(take(alert.organization_id, step))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(taken) == [False] * 7 + [True]
    assert told(alert) == ["Ada", "Ada", "Boris", "Noor"]


def test_a_step_whose_job_was_lost_is_found_by_the_sweep(alert, told, pass_minutes):
    with connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    pass_minutes(alert, 5)
    assert take_due(alert.organization_id) == 1
    assert "Boris" in told(alert)


def test_an_empty_rota_falls_to_the_fallback_role_at_once(
    rule, policy, arrives, judged, alerts_of, told, history, ana
):
    nobody = {"wait": 0, "tell": "on_call", "who": "00000000-0000-7000-8000-000000000000"}
    rule(high="6.0", policy_of=policy(steps=[nobody], fallback_role="nurse"))
    arrives(ana, "6.4")
    judged()
    (alert,) = alerts_of(ana)
    assert told(alert) == ["Noor"]
    assert "unreached" in history(alert)


def test_when_the_fallback_role_is_empty_too_the_care_team_is_told(
    rule, policy, arrives, judged, alerts_of, told, ana, noor, clinic, system
):
    with system():
        Membership.objects.filter(user=noor.user).update(ended_at=timezone.now())
    nobody = {"wait": 0, "tell": "role", "who": "nurse"}
    rule(high="6.0", policy_of=policy(steps=[nobody], fallback_role="nurse"))
    arrives(ana, "6.4")
    judged()
    assert told(alerts_of(ana)[0]) == ["Ada"]


def test_where_nobody_can_answer_administrators_are_told_without_a_word_about_whom(
    rule, policy, arrives, judged, alerts_of, told, history, ana, admin, clinic, system
):
    with system():
        Membership.objects.filter(organization=clinic.pk, role__in=access.CARE_ROLES).update(
            ended_at=timezone.now()
        )
    rule(high="6.0", policy_of=policy(steps=[{"wait": 0, "tell": "role", "who": "nurse"}]))
    arrives(ana, "6.4")
    judged()
    (alert,) = alerts_of(ana)
    assert told(alert) == []
    assert "unreached" in history(alert)
    with system():
        alarm = Notification.objects.get(user=admin.user, kind=Kind.ALARM)
    assert alarm.patient_id is None
    assert alarm.is_important


# Who is called, sees -----------------------------------------------------------------------------


def test_who_is_called_from_outside_sees_the_patient_until_the_alert_closes(
    alert, boris, ada, ana, acting, system, pass_minutes
):
    with acting(boris):
        assert not access.visible_patients(boris.reader).filter(pk=ana.patient.pk).exists()
    pass_minutes(alert, 5)
    take_due(alert.organization_id)
    with acting(boris):
        assert access.visible_patients(boris.reader).filter(pk=ana.patient.pk).exists()
        assert f"care:{ana.patient.pk}" in access.topics(boris.reader)
        # Sight, and the alert; not the pen.
        assert not access.writable_patients(boris.reader).filter(pk=ana.patient.pk).exists()
        actions.acknowledge(alert.pk, by=boris.reader)
        actions.close(alert.pk, by=boris.reader, outcome=Outcome.DONE)
    with acting(boris):
        assert not access.visible_patients(boris.reader).filter(pk=ana.patient.pk).exists()
        assert not Alert.objects.filter(pk=alert.pk).exists()
    with system():
        assert AuditEntry.objects.filter(action="access.granted").count() == 1
        assert AccessGrant.objects.get().ends_at is not None


# The database holds it, whoever writes -----------------------------------------------------------


def test_no_commit_leaves_a_critical_alert_without_a_next_step(committed, alert, system):
    with pytest.raises(IntegrityError, match="no next step"), system():
        AlertStep.objects.filter(alert=alert).update(cancelled_at=timezone.now(), done_at=None)
    with pytest.raises(IntegrityError), system():
        AlertStep.objects.create(
            organization_id=alert.organization_id,
            patient_id=alert.patient_id,
            alert=alert,
            kind="tell",
            due_at=timezone.now(),
        )


@pytest.mark.parametrize("table", ["alert_steps", "alert_readings", "access_grants"])
def test_no_reader_writes_what_is_the_systems(alert, ada, acting, table):
    with acting(ada), connections["default"].cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET organization_id = organization_id")
        assert cursor.rowcount == 0


@pytest.mark.parametrize(
    "table",
    [
        "assessment_critical_alerts",
        "alert_steps",
        "alert_readings",
        "alert_records",
        "alert_judgements",
    ],
)
@pytest.mark.parametrize("name", ["boris", "ana", "sam", "olga", "admin"])
def test_row_level_security_alone_hides_alerts(alert, cast, acting, table, name):
    with acting(getattr(cast, name)), connections["default"].cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone()[0] == 0


def test_nobody_acknowledges_in_anothers_name(alert, ada, noor, acting):
    with acting(ada), pytest.raises(Exception, match="row-level security"), transaction.atomic():
        AlertRecord.objects.create(
            organization_id=alert.organization_id,
            patient_id=alert.patient_id,
            alert=alert,
            kind="acknowledged",
            user=noor.user,
        )


def test_history_and_versions_are_fixed(alert, system):
    for rows in (AlertRecord, RuleVersion, PolicyVersion):
        with system(), pytest.raises(Exception, match=r"pgtrigger|denied"), transaction.atomic():
            rows.objects.update(organization=alert.organization_id)
