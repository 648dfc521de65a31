"""A row that an alert rests on is written again: worse, finished, taken back, critical once more.

What changes a row need not change what it says; and what it says worse is news, whatever became of
the alert before.
"""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from alerts.actions import acknowledge, close, snooze
from alerts.models import AlertReading, Judgement, Outcome, Rule, RuleOverride, RuleVersion
from alerts.silence import look
from care.models import EarlyWarningScore, Questionnaire, Status
from care.questionnaires import answering
from care.questionnaires.form import form_of
from care.questionnaires.shelf import PHQ_9, SELF_HARM, definition_of, install

PULSE, CULTURE = "8867-4", "600-7"
PHQ = form_of(definition_of(PHQ_9))


@pytest.fixture
def written_again(system):
    """`written_again(row, value="7.9")`: the same row, saying something else."""

    def written_again(row, **fields):
        if "value" in fields:
            fields["value"] = Decimal(fields["value"])
        with system():
            type(row).objects.filter(pk=row.pk).update(**fields)

    return written_again


@pytest.fixture
def finished(acting, ada):
    """`finished(alert)`: acknowledged and closed as done by Ada."""

    def finished(alert):
        with acting(ada):
            acknowledge(alert.pk, by=ada.reader)
            close(alert.pk, by=ada.reader, outcome=Outcome.DONE)

    return finished


@pytest.fixture
def ages(system):
    """`ages(row, 80)`: measured, queued and counted so many hours earlier."""

    def ages(row, hours):
        earlier = timedelta(hours=hours)
        with system():
            for reading in AlertReading.objects.filter(source_id=row.pk):
                AlertReading.objects.filter(pk=reading.pk).update(
                    measured_at=reading.measured_at - earlier,
                    counted_at=reading.counted_at - earlier,
                )
            type(row).objects.filter(pk=row.pk).update(measured_at=row.measured_at - earlier)
            Judgement.objects.filter(source_id=row.pk).update(judged_at=timezone.now())

    return ages


@pytest.fixture
def answers_phq_9(ana, clinic, acting, system):
    """`answer = answers_phq_9(1)`: Ana gave item 9 that answer; `answer(3)` amends it."""

    def answers_phq_9(value):
        install(clinic.pk)
        with system():
            phq = Questionnaire.objects.get(organization=clinic, key=PHQ_9)
        with acting(ana):
            response = answering.start(ana.patient.pk, phq.pk, by=ana.reader)

        def answer(value):
            codes = {each.link_id: each.options[0].code for each in PHQ.questions}
            codes[SELF_HARM] = PHQ.questions[8].options[value].code
            with acting(ana):
                for link_id, code in codes.items():
                    answering.answer(response.pk, link_id=link_id, code=code, by=ana.reader)

        answer(value)
        with acting(ana):
            answering.complete(response.pk, by=ana.reader)
        return answer

    return answers_phq_9


def standing(alerts):
    return [(alert.phase, alert.outcome, alert.worst_value) for alert in alerts]


# Worse after the end ----------------------------------------------------------------------------


def test_a_laboratorys_correction_upwards_after_the_end_raises_anew(
    rule, arrives, judged, alerts_of, ana, written_again, finished
):
    rule(high="6.0")
    row = arrives(ana, "6.1")
    judged()
    finished(*alerts_of(ana))
    written_again(row, value="7.9", status=Status.CORRECTED)
    judged()
    assert standing(alerts_of(ana)) == [
        ("closed", "done", Decimal("6.1")),
        ("open", "", Decimal("7.9")),
    ]
    # And once only.
    written_again(row, status=Status.FINAL)
    judged()
    assert len(alerts_of(ana)) == 2


def test_a_correction_after_the_end_to_something_no_worse_raises_nothing(
    rule, arrives, judged, alerts_of, ana, written_again, finished
):
    rule(high="6.0")
    row = arrives(ana, "6.5")
    judged()
    finished(*alerts_of(ana))
    written_again(row, value="6.2", status=Status.CORRECTED)
    judged()
    assert len(alerts_of(ana)) == 1


def test_worse_than_worse_raises_each_time(
    rule, arrives, judged, alerts_of, ana, written_again, finished
):
    rule(low="2.8")
    row = arrives(ana, "2.7")
    judged()
    finished(*alerts_of(ana))
    written_again(row, value="2.2")
    judged()
    finished(alerts_of(ana)[1])
    written_again(row, value="2.5")
    judged()
    assert len(alerts_of(ana)) == 2
    written_again(row, value="1.9")
    judged()
    assert standing(alerts_of(ana))[2] == ("open", "", Decimal("1.9"))


def test_a_score_that_grows_after_its_alert_was_closed_raises_anew(
    rule, arrives, judged, alerts_of, ana, finished, system
):
    rule(kind="news2", what="NEWS2", codes=[], unit="", high="7")
    for code, value, unit in (
        ("9279-1", "26", "/min"),
        ("59408-5", "90", "%"),
        (PULSE, "95", "/min"),
    ):
        arrives(ana, value, code=code, unit=unit, vital=True)
    judged()
    (first,) = alerts_of(ana)
    assert first.worst_value == Decimal(7)
    finished(first)
    arrives(ana, "88", code="8480-6", unit="mm[Hg]", vital=True)
    judged()
    with system():
        assert EarlyWarningScore.objects.get().at_least == 10  # one row that grew
    assert standing(alerts_of(ana)) == [("closed", "done", Decimal(7)), ("open", "", Decimal(10))]


def test_an_answer_amended_to_something_worse_after_the_end_raises_anew(
    rule, judged, alerts_of, ana, finished, answers_phq_9
):
    rule(
        kind="answer", what="Thoughts of self-harm", codes=[], unit="",
        questionnaire=PHQ_9, item=SELF_HARM, high="1",
    )  # fmt: skip
    answer = answers_phq_9(1)
    judged()
    finished(*alerts_of(ana))
    answer(3)
    judged()
    assert standing(alerts_of(ana)) == [("closed", "done", Decimal(1)), ("open", "", Decimal(3))]


# Touched when its rule no longer applies --------------------------------------------------------


@pytest.fixture
def culture(rule, arrives, judged, alerts_of, ana):
    """A positive blood culture of Ana's, not final yet, and the alert that it raised."""
    rule(what="Blood culture", codes=[CULTURE], unit="", words=["positive"])
    row = arrives(
        ana, None, code=CULTURE, unit="", text_value="Positive: cocci", status=Status.PRELIMINARY,
        source="import",
    )  # fmt: skip
    judged()
    assert len(alerts_of(ana)) == 1
    return row


def test_a_final_report_beyond_the_horizon_closes_nothing(
    culture, ages, written_again, judged, alerts_of, ana
):
    ages(culture, 120)
    written_again(culture, status=Status.FINAL)
    assert judged() == 1
    assert standing(alerts_of(ana)) == [("open", "", None)]


def test_a_final_report_that_takes_it_back_closes_it_beyond_the_horizon_too(
    culture, ages, written_again, judged, alerts_of, ana
):
    ages(culture, 120)
    written_again(culture, status=Status.CORRECTED, text_value="No growth after 5 days")
    judged()
    assert standing(alerts_of(ana)) == [("closed", "wrong_value", None)]


def switched_off(version, **_):
    Rule.objects.filter(pk=version.rule_id).update(is_on=False)


def edited(version, **_):
    RuleVersion.objects.create(
        organization_id=version.organization_id, rule_id=version.rule_id, number=2,
        policy_id=version.policy_id, severity="critical", what="Potassium", codes=version.codes,
        unit=version.unit, high=Decimal("6.5"),
    )  # fmt: skip


def of_others(version, **_):
    RuleVersion.objects.create(
        organization_id=version.organization_id, rule_id=version.rule_id, number=2,
        policy_id=version.policy_id, severity="critical", what="Potassium", codes=version.codes,
        unit=version.unit, high=Decimal("6.0"), age_until=18,
    )  # fmt: skip


def muted(version, *, patient, by):
    RuleOverride.objects.create(
        organization_id=version.organization_id, rule_id=version.rule_id, patient=patient,
        is_muted=True, reason="Dialysis", ends_at=timezone.now() + timedelta(days=1), by=by,
    )  # fmt: skip


@pytest.mark.parametrize("change", [switched_off, edited, of_others, muted])
def test_what_becomes_of_a_rule_closes_no_alert_that_it_raised(
    rule, arrives, written_again, judged, alerts_of, ana, ada, system, change
):
    version = rule(high="6.0")
    row = arrives(ana, "6.4", status=Status.PRELIMINARY)
    judged()
    with system():
        change(version, patient=ana.patient, by=ada.user)
    written_again(row, status=Status.FINAL)
    assert judged() == 1
    assert standing(alerts_of(ana)) == [("open", "", Decimal("6.4"))]
    # A value that is taken back still is.
    written_again(row, value="4.1", status=Status.CORRECTED)
    judged()
    assert alerts_of(ana)[0].outcome == "wrong_value"


def test_a_worse_value_breaks_a_snooze_though_its_rule_is_off(
    rule, arrives, written_again, judged, alerts_of, ana, ada, acting, system
):
    version = rule(high="6.0")
    row = arrives(ana, "6.4")
    judged()
    with acting(ada):
        until = timezone.now() + timedelta(minutes=30)
        snooze(alerts_of(ana)[0].pk, by=ada.reader, until=until, reason="In theatre")
    with system():
        switched_off(version)
    written_again(row, value="7.2")
    judged()
    assert standing(alerts_of(ana)) == [("open", "", Decimal("7.2"))]


def test_a_value_is_asked_of_the_rule_that_counted_it(
    rule, arrives, written_again, judged, alerts_of, ana, system
):
    """5.6 counts on the critical alert by the milder rule; the other never said that it was met."""
    mild = rule(high="5.5", severity="urgent")
    rule(high="6.0")
    severe = arrives(ana, "6.4")
    judged()
    milder = arrives(ana, "5.6", minutes=2)
    judged()
    written_again(severe, value="4.0")
    judged()
    assert standing(alerts_of(ana)) == [("open", "", Decimal("5.6"))]
    with system():
        switched_off(mild)
    written_again(milder, method="venous")
    judged()
    assert standing(alerts_of(ana)) == [("open", "", Decimal("5.6"))]


def test_an_override_that_counted_it_says_whether_it_still_counts(
    rule, arrives, written_again, judged, alerts_of, ana, ada, system
):
    version = rule(high="6.0")
    with system():
        override = RuleOverride.objects.create(
            organization_id=version.organization_id, rule_id=version.rule_id, patient=ana.patient,
            high=Decimal("5.0"), reason="Digoxin", by=ada.user,
            ends_at=timezone.now() + timedelta(days=1),
        )  # fmt: skip
    row = arrives(ana, "5.2")
    judged()
    with system():
        now = timezone.now()
        RuleOverride.objects.filter(pk=override.pk).update(ends_at=now)
    written_again(row, method="venous")
    judged()
    assert standing(alerts_of(ana)) == [("open", "", Decimal("5.2"))]


def test_what_is_done_with_the_last_reading_ends_no_silence(
    rule, arrives, written_again, judged, alerts_of, ana, clinic
):
    rule(kind="silence", what="Pulse", codes=[PULSE], unit="/min", hours="12")
    row = arrives(ana, "80", code=PULSE, unit="/min", vital=True, minutes=13 * 60)
    judged()
    assert look(clinic.pk) == 1
    written_again(row, method="by hand")
    judged()
    assert standing(alerts_of(ana)) == [("open", "", None)]
    written_again(row, status=Status.ENTERED_IN_ERROR)
    judged()
    assert standing(alerts_of(ana)) == [("open", "", None)]


# Taken back, and critical once more -------------------------------------------------------------


def test_a_value_that_was_taken_back_counts_again(
    rule, arrives, written_again, judged, alerts_of, ana, history, system
):
    rule(high="6.0")
    first = arrives(ana, "6.4")
    arrives(ana, "6.5", minutes=3)
    judged()
    written_again(first, value="5.4", status=Status.CORRECTED)
    judged()
    assert alerts_of(ana)[0].count == 1
    written_again(first, value="6.9")
    assert judged() == 1
    (alert,) = alerts_of(ana)
    assert (alert.phase, alert.count, alert.worst_value) == ("open", 2, Decimal("6.9"))
    assert history(alert)[-1] == "worsened"
    with system():
        reading = AlertReading.objects.get(source_id=first.pk)
    assert (reading.withdrawn_at, reading.value) == (None, Decimal("6.9"))
