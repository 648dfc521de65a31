"""What is queued to be judged, by whom, and what one row that cannot be judged does to others."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, connections
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from alerts import jobs
from alerts.judge import PUT_BACK, whose_turn
from alerts.models import Judgement
from alerts.progress import PRIORITY
from alerts.queue import queue_forgotten
from care.models import Result, VitalSign
from portal import planner
from portal.identifiers import uuid7

PULSE = "8867-4"


def test_each_new_and_changed_row_is_queued_with_its_transaction(arrives, ana, system):
    row = arrives(ana, "4.0")
    with system():
        queued = Judgement.objects.get(source_id=row.pk)
        assert queued.judged_at is None
        Judgement.objects.update(judged_at=timezone.now())
        Result.objects.filter(pk=row.pk).update(value=row.value)
        assert Judgement.objects.filter(judged_at=None).count() == 0
        Result.objects.filter(pk=row.pk).update(value=5)
        assert Judgement.objects.filter(judged_at=None).count() == 1


def test_a_patient_who_writes_a_reading_queues_it_too(ana, acting, system):
    from care.actions import record_vital_sign
    from care.models import Source

    with acting(ana):
        record_vital_sign(
            ana.patient.pk,
            code=PULSE,
            value=Decimal(80),
            measured_at=timezone.now(),
            by=ana.reader,
            source=Source.PATIENT,
        )
        assert Judgement.objects.count() == 0
    with system():
        assert Judgement.objects.filter(judged_at=None).count() == 1


def test_a_recent_reading_brings_a_job_and_history_does_not(arrives, ana):
    def jobs():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'alerts.judge'"
            )
            return cursor.fetchone()[0]

    before = jobs()
    arrives(ana, "4.0", minutes=60 * 24 * 8)
    assert jobs() == before
    arrives(ana, "4.0")
    assert jobs() == before + 1


def test_a_job_takes_the_others_of_its_clinic_along(committed, rule, arrives, alerts_of, ana):
    def jobs_of(organization_id):
        waiting = ProcrastinateJob.objects.filter(task_name="alerts.judge", status="todo")
        return waiting.filter(args__organization_id=str(organization_id)).order_by("id")

    rule(high="6.0")
    elsewhere = str(uuid7())
    later = timezone.now() + timedelta(hours=1)
    for _ in range(3):
        arrives(ana, "6.4")
        jobs.app.configure_task("alerts.judge").defer(organization_id=elsewhere)
    clinic = str(ana.organization.pk)
    jobs.app.configure_task("alerts.judge", schedule_at=later).defer(organization_id=clinic)
    newest = jobs_of(clinic).filter(scheduled_at=None).last()
    assert jobs_of(clinic).count() >= 4

    jobs.judge_waiting(organization_id=clinic)
    # The newest is left for a second worker, and what is to come later is not here yet.
    assert [each.pk for each in jobs_of(clinic).filter(scheduled_at=None)] == [newest.pk]
    assert jobs_of(clinic).exclude(scheduled_at=None).count() == 1
    assert jobs_of(elsewhere).count() == 3
    assert alerts_of(ana)[0].count == 3


def test_the_sweep_finds_what_no_trigger_queued(
    committed, rule, arrives, judged, alerts_of, ana, clinic
):
    rule(high="6.0")
    with connections["owner"].cursor() as owner:
        owner.execute("ALTER TABLE results DISABLE TRIGGER alerts_queue_insert")
        arrives(ana, "6.4")
        owner.execute("ALTER TABLE results ENABLE TRIGGER alerts_queue_insert")
    assert judged() == 0
    an_hour_ago = timezone.now() - timedelta(hours=1)
    assert queue_forgotten(clinic.pk, an_hour_ago) == 1
    assert queue_forgotten(clinic.pk, an_hour_ago) == 0
    judged()
    assert len(alerts_of(ana)) == 1


def test_a_row_that_cannot_be_judged_keeps_no_other_waiting(
    rule, arrives, judged, alerts_of, ana, ben, system, policy, clinic
):
    """A policy without a version cannot be carried out: its alert waits, Ben's is raised."""
    from alerts.models import EscalationPolicy

    with system():
        empty = EscalationPolicy.objects.create(organization=clinic, name="Nobody")
    rule(high="6.0", age_until=30, policy_of=empty)
    rule(high="6.0", age_from=30)
    with system():
        type(ana.patient).objects.filter(pk=ana.patient.pk).update(birth_on="2005-01-01")
    arrives(ana, "6.4")
    arrives(ben, "6.5")
    judged()
    assert alerts_of(ana) == []
    assert len(alerts_of(ben)) == 1
    with system():
        waiting = Judgement.objects.get(judged_at=None)
        assert (waiting.patient_id, waiting.attempts) == (ana.patient.pk, 1)


@pytest.fixture
def one_at_a_time(clinic, monkeypatch):
    """`one_at_a_time()`: a job judges for no longer than one takes; the jobs it leaves behind."""
    monkeypatch.setattr(jobs, "TURN_SECONDS", 0)

    def one_at_a_time():
        last = ProcrastinateJob.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        jobs.judge_waiting(str(clinic.pk))
        return list(ProcrastinateJob.objects.filter(pk__gt=last, task_name="alerts.judge"))

    return one_at_a_time


def test_a_job_judges_for_a_turn_and_another_one_goes_on(
    rule, arrives, alerts_of, one_at_a_time, clinic, ana
):
    """Findings that come as fast as they are judged must not keep a step from its turn."""
    rule(high="6.0")
    for value in ("6.1", "6.2"):
        arrives(ana, value)
    (following,) = one_at_a_time()
    assert alerts_of(ana)[0].count == 1
    assert following.args == {"organization_id": str(clinic.pk)}
    # Steps, and the sweep that finds those whose job was lost, are taken before it.
    assert following.priority < min(PRIORITY, jobs.sweep.priority)
    assert one_at_a_time() == []
    assert alerts_of(ana)[0].count == 2


def test_no_job_goes_on_with_what_fails_each_time(rule, policy, arrives, one_at_a_time, ana, ben):
    rule(high="6.0", policy_of=policy(steps=[]))
    for each in (ana, ben):
        arrives(each, "6.4")
    assert one_at_a_time() == []


def test_what_failed_once_is_not_behind_all_that_comes_later(
    rule, arrives, alerts_of, one_at_a_time, ana, ben, system
):
    """A value whose judging met an outage, while others come as fast as they are judged."""
    rule(high="6.0")
    failed = arrives(ana, "6.4")
    arrives(ben, "6.5")
    with system():
        Judgement.objects.filter(source_id=failed.pk).update(
            attempts=1, available_at=timezone.now() - timedelta(seconds=60)
        )
    one_at_a_time()
    assert [len(alerts_of(each)) for each in (ana, ben)] == [1, 0]


def test_what_fails_is_put_back_each_time_until_it_is_corrected(
    rule, policy, arrives, judged, ana, system
):
    rule(high="6.0", policy_of=policy(steps=[]))
    row = arrives(ana, "6.4")

    def waiting():
        with system():
            return Judgement.objects.get(source_id=row.pk)

    came = waiting().available_at
    for times in (1, 2):
        judged()
        assert waiting().attempts == times
        assert waiting().available_at == came + times * PUT_BACK
    with system():
        Result.objects.filter(pk=row.pk).update(value=7)
    assert waiting().attempts == 0
    assert waiting().available_at == waiting().queued_at < came + PUT_BACK


def whose_turns(system, count):
    """The patients and rows whose turn it is, one after the other."""
    with system():
        seen: list[Judgement] = []
        for _ in range(count):
            seen += whose_turn({each.pk for each in seen}, set())
        return [(each.patient_id, each.source_id) for each in seen]


def test_a_patients_many_take_turns_with_anothers_one(arrives, ana, ben, clinic, system):
    """Two patients' thousands once kept a third's critical value waiting for half an hour."""
    with system():
        pulse = {"organization": clinic, "category": "vital-signs", "code": PULSE, "unit": "/min"}
        many = VitalSign.objects.bulk_create(
            VitalSign(**pulse, patient=ana.patient, value=60, measured_at=timezone.now())
            for _ in range(20)
        )
    later = arrives(ana, "60", code=PULSE, unit="/min", vital=True)
    bens = arrives(ben, "6.4")
    hers = arrives(ana, "6.5")
    nurses = arrives(ana, "190", code=PULSE, unit="/min", vital=True, source="clinician")
    turns = whose_turns(system, 24)
    assert turns[0] == (ana.patient.pk, many[0].pk)
    # Neither his, nor what laboratory and nurse have of her, stands behind what her watch sent.
    assert [row for _, row in turns[1:4]] == [bens.pk, hers.pk, nurses.pk]
    assert {patient for patient, _ in turns[1:4]} == {ana.patient.pk, ben.patient.pk}
    assert [row for _, row in turns[4:]] == [*(each.pk for each in many[1:]), later.pk]


def test_what_is_corrected_while_it_waits_keeps_its_place(arrives, ana, system):
    rows = [arrives(ana, value) for value in ("4.0", "4.1", "4.2")]
    with system():
        Result.objects.filter(pk=rows[0].pk).update(value=7)
    assert [row for _, row in whose_turns(system, 3)] == [each.pk for each in rows]
    with system():
        Judgement.objects.filter(source_id=rows[0].pk).update(judged_at=timezone.now())
        Result.objects.filter(pk=rows[0].pk).update(value=4)
    assert [row for _, row in whose_turns(system, 3)] == [each.pk for each in [*rows[1:], rows[0]]]


def nodes(node):
    yield node
    for below in node.get("Plans", ()):
        yield from nodes(below)


def test_the_next_of_a_long_queue_is_found_by_its_index(ana, clinic, system):
    """Sorting fifty thousand for each of them took 120 ms; an import would wait for hours.

    Where pages cost so much, the planner would rather sort: as with figures of a quiet hour, which
    a test cannot order.
    """
    with system():
        Judgement.objects.bulk_create(
            Judgement(
                organization=clinic,
                patient=ana.patient,
                source_table="results",
                source_id=uuid7(),
            )
            for _ in range(2_000)
        )
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL random_page_cost = 4000")
        with planner.in_order_of_an_index():
            [plan] = json.loads(whose_turn(set(), set()).explain(analyze=True, format="json"))
    found = list(nodes(plan["Plan"]))
    assert [each["Index Name"] for each in found if "Index Name" in each] == [
        "alert_judgements_turn"
    ]
    assert all(each["Actual Rows"] <= 1 for each in found)
