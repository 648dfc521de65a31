"""A value comes in, a rule judges it, an alert is raised: once, for the right patient, or not."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from alerts.models import AlertReading, Judgement, RuleOverride
from care.models import Result, Status

PULSE = "8867-4"


def test_a_critical_value_raises_an_alert_and_tells_the_care_team(alert, told, history):
    assert (alert.severity, alert.what, alert.phase) == ("critical", "Potassium", "open")
    assert (alert.first_value, alert.limit, alert.condition) == (
        Decimal("6.4"),
        Decimal("6.0"),
        "potassium:high",
    )
    assert told(alert) == ["Ada", "Noor"]
    assert history(alert)[0] == "raised"


@pytest.mark.parametrize(
    ("value", "is_raised"), [("5.9", False), ("6.0", True), ("2.8", True), ("2.9", False)]
)
def test_limits_are_inclusive(rule, arrives, judged, alerts_of, ana, value, is_raised):
    rule(low="2.8", high="6.0")
    arrives(ana, value)
    judged()
    assert bool(alerts_of(ana)) == is_raised


def test_every_code_and_unit_of_an_analyte_is_the_same_thing(rule, arrives, judged, alerts_of, ana):
    rule(what="Glucose", codes=["2345-7", "2339-0", "14749-6"], unit="mg/dL", high="450")
    arrives(ana, "26", code="14749-6", unit="mmol/L")
    arrives(ana, "470", code="2345-7", unit="mg/dL")
    judged()
    (alert,) = alerts_of(ana)
    assert alert.count == 2
    assert alert.first_value == pytest.approx(Decimal("468.4"), abs=Decimal("0.2"))


def test_what_cannot_be_compared_for_certain_raises_nothing(rule, arrives, judged, alerts_of, ana):
    rule(high="6.0")
    arrives(ana, "9", unit="furlong")
    assert judged() == 1
    assert alerts_of(ana) == []


def test_a_value_beyond_the_scale_counts(rule, arrives, judged, alerts_of, ana):
    rule(what="Glucose", codes=["2345-7"], unit="mg/dL", high="450")
    arrives(ana, None, code="2345-7", unit="mg/dL", text_value=">600")
    judged()
    assert alerts_of(ana)[0].first_value == Decimal(600)


def test_an_implausible_value_is_never_judged(rule, arrives, judged, alerts_of, ana):
    rule(high="6.0")
    arrives(ana, "640", is_implausible=True)
    judged()
    assert alerts_of(ana) == []


@pytest.mark.parametrize("status", [Status.REGISTERED, Status.CANCELLED, Status.ENTERED_IN_ERROR])
def test_what_is_not_a_result_raises_nothing(rule, arrives, judged, alerts_of, ana, status):
    rule(high="6.0")
    arrives(ana, "6.4", status=status)
    judged()
    assert alerts_of(ana) == []


def test_a_preliminary_result_raises(rule, arrives, judged, alerts_of, ana):
    rule(high="6.0")
    arrives(ana, "6.4", status=Status.PRELIMINARY)
    judged()
    assert len(alerts_of(ana)) == 1


def test_history_raises_nothing(rule, arrives, judged, alerts_of, ana, system):
    rule(high="6.0")
    arrives(ana, "6.4", minutes=73 * 60)
    judged()
    assert alerts_of(ana) == []
    with system():
        assert not Judgement.objects.filter(judged_at=None).exists()


def test_a_rule_that_is_off_or_for_others_raises_nothing(
    rule, arrives, judged, alerts_of, ana, system
):
    version = rule(high="6.0")
    with system():
        version.rule.is_on = False
        version.rule.save()
    rule(high="6.0", age_until=18)
    rule(high="6.0", programme="Knee replacement")
    arrives(ana, "6.4")
    judged()
    assert alerts_of(ana) == []


def test_an_override_has_its_own_limits_until_it_ends(
    rule, arrives, judged, alerts_of, ana, ada, clinic, system
):
    version = rule(high="6.0")
    with system():
        override = RuleOverride.objects.create(
            organization=clinic,
            rule=version.rule,
            patient=ana.patient,
            high=Decimal("6.5"),
            reason="Dialysis",
            ends_at=timezone.now() + timedelta(days=1),
            by=ada.user,
        )
    arrives(ana, "6.4")
    judged()
    assert alerts_of(ana) == []
    with system():
        now = timezone.now()
        RuleOverride.objects.filter(pk=override.pk).update(
            starts_at=now - timedelta(days=2), ends_at=now
        )
    arrives(ana, "6.4", minutes=1)
    judged()
    assert len(alerts_of(ana)) == 1


# Of one condition there is one alert --------------------------------------------------------


def test_values_of_one_condition_count_on_one_alert(alert, arrives, judged, alerts_of, ana):
    arrives(ana, "6.9", minutes=3)
    arrives(ana, "6.5", minutes=1)
    judged()
    (alert,) = alerts_of(ana)
    assert (alert.count, alert.worst_value, alert.last_value) == (
        3,
        Decimal("6.9"),
        Decimal("6.5"),
    )


def test_high_and_low_are_two_conditions(rule, arrives, judged, alerts_of, ana):
    rule(low="2.8", high="6.0")
    arrives(ana, "6.4")
    arrives(ana, "2.5", minutes=2)
    judged()
    assert [alert.condition for alert in alerts_of(ana)] == ["potassium:high", "potassium:low"]


def test_the_most_severe_rule_counts_and_supersedes(rule, arrives, judged, alerts_of, history, ana):
    rule(high="5.5", severity="urgent")
    rule(high="6.0", severity="critical")
    arrives(ana, "5.6")
    judged()
    arrives(ana, "6.4", minutes=2)
    judged()
    mild, severe = alerts_of(ana)
    assert (mild.severity, mild.outcome, mild.superseded_by_id) == (
        "urgent",
        "superseded",
        severe.pk,
    )
    assert (severe.severity, severe.phase) == ("critical", "open")
    # Getting better within the same condition raises no second, milder alert.
    arrives(ana, "5.6", minutes=1)
    judged()
    assert len(alerts_of(ana)) == 2
    assert "closed" in history(mild)


def test_judging_again_changes_nothing(alert, judged, alerts_of, history, ana, system):
    before = history(alert)
    with system():
        Judgement.objects.update(judged_at=None)
    judged()
    assert history(alert) == before
    assert alerts_of(ana)[0].count == 1


def test_what_was_closed_is_not_raised_again_by_the_same_value(
    alert, judged, alerts_of, ana, ada, acting, system
):
    from alerts.actions import acknowledge, close
    from alerts.models import Outcome

    with acting(ada):
        acknowledge(alert.pk, by=ada.reader)
        close(alert.pk, by=ada.reader, outcome=Outcome.DONE)
    with system():
        Result.objects.filter(patient=ana.patient).update(method="venous")
    judged()
    assert len(alerts_of(ana)) == 1


# A value was wrong ---------------------------------------------------------------------------


def test_an_alert_whose_value_is_taken_back_says_so_and_closes(
    alert, judged, alerts_of, history, ana, system
):
    with system():
        Result.objects.filter(patient=ana.patient).update(status=Status.ENTERED_IN_ERROR)
    judged()
    (alert,) = alerts_of(ana)
    assert (alert.phase, alert.outcome) == ("closed", "wrong_value")
    assert history(alert)[-2:] == ["corrected", "closed"]


def test_a_correction_to_another_critical_value_keeps_the_alert(
    alert, judged, alerts_of, ana, system
):
    with system():
        Result.objects.filter(patient=ana.patient).update(
            value=Decimal("7.1"), status=Status.CORRECTED
        )
    judged()
    (alert,) = alerts_of(ana)
    assert (alert.phase, alert.count, alert.worst_value) == ("open", 1, Decimal("7.1"))


def test_a_correction_of_one_of_two_values_counts_the_other(
    alert, arrives, judged, alerts_of, ana, system
):
    wrong = arrives(ana, "9.9", minutes=2)
    judged()
    with system():
        Result.objects.filter(pk=wrong.pk).update(value=Decimal("4.0"), status=Status.CORRECTED)
    judged()
    (alert,) = alerts_of(ana)
    assert (alert.phase, alert.count, alert.worst_value) == ("open", 1, Decimal("6.4"))
    with system():
        assert AlertReading.objects.get(source_id=wrong.pk).withdrawn_at is not None


# Back in range -------------------------------------------------------------------------------


def test_recovery_ends_urgent_and_leaves_critical(rule, arrives, judged, alerts_of, history, ana):
    rule(high="6.0")
    rule(high="120", what="Pulse", codes=[PULSE], unit="/min", severity="urgent")
    arrives(ana, "6.4")
    arrives(ana, "130", code=PULSE, unit="/min", vital=True)
    judged()
    arrives(ana, "4.4", minutes=1)
    arrives(ana, "80", code=PULSE, unit="/min", vital=True, minutes=1)
    judged()
    critical, urgent = sorted(alerts_of(ana), key=lambda alert: alert.severity)
    assert (critical.phase, critical.last_value) == ("open", Decimal("4.4"))
    assert (urgent.phase, urgent.outcome) == ("closed", "recovered")
    assert "in_range" in history(critical)


def test_an_older_value_recovers_nothing(rule, arrives, judged, alerts_of, ana):
    rule(high="5.5", severity="urgent")
    arrives(ana, "5.9", minutes=5)
    judged()
    arrives(ana, "4.4", minutes=60)
    judged()
    assert alerts_of(ana)[0].phase == "open"


# Change, silence, words ----------------------------------------------------------------------


def test_a_value_that_rises_too_fast(rule, arrives, judged, alerts_of, ana):
    rule(kind="change", what="Creatinine", codes=["2160-0"], unit="mg/dL", high="0.3", hours="48")
    arrives(ana, "1.0", code="2160-0", unit="mg/dL", minutes=600)
    arrives(ana, "1.2", code="2160-0", unit="mg/dL", minutes=300)
    judged()
    assert alerts_of(ana) == []
    arrives(ana, "1.3", code="2160-0", unit="mg/dL", minutes=1)
    judged()
    (alert,) = alerts_of(ana)
    assert (alert.condition, alert.first_value) == ("creatinine:rising", Decimal("0.3"))


def test_silence_is_an_alarm_and_the_next_reading_ends_it(
    rule, arrives, judged, alerts_of, ana, clinic, system
):
    from alerts.silence import look

    rule(kind="silence", what="Pulse", codes=[PULSE], unit="/min", hours="12", severity="urgent")
    arrives(ana, "80", code=PULSE, unit="/min", vital=True, minutes=11 * 60)
    judged()
    assert look(clinic.pk) == 0
    with system():
        from care.models import VitalSign

        VitalSign.objects.update(measured_at=timezone.now() - timedelta(hours=13))
    judged()
    assert look(clinic.pk) == 1
    assert look(clinic.pk) == 0
    (alert,) = alerts_of(ana)
    assert (alert.condition, alert.phase) == ("silence:heart-rate", "open")
    arrives(ana, "82", code=PULSE, unit="/min", vital=True, minutes=1)
    judged()
    assert alerts_of(ana)[0].outcome == "recovered"


@pytest.mark.parametrize(
    ("words", "is_raised"),
    [("Positive: S. aureus", True), ("No growth after 5 days, not positive", False)],
)
def test_a_result_in_words(rule, arrives, judged, alerts_of, ana, words, is_raised):
    rule(what="Blood culture", codes=["600-7"], unit="", words=["positive", "growth"])
    arrives(ana, None, code="600-7", unit="", text_value=words)
    judged()
    assert bool(alerts_of(ana)) == is_raised


# NEWS2 ---------------------------------------------------------------------------------------


def test_a_set_of_vital_signs_is_scored_and_judged(rule, arrives, judged, alerts_of, ana):
    rule(kind="news2", what="NEWS2", codes=[], unit="", high="7")
    for code, value, unit in (
        ("9279-1", "26", "/min"),
        ("59408-5", "90", "%"),
        ("8867-4", "135", "/min"),
    ):
        arrives(ana, value, code=code, unit=unit, vital=True)
    judged()
    (alert,) = alerts_of(ana)
    # Incomplete, and already at least nine.
    assert (alert.condition, alert.last_value) == ("news2", Decimal(9))


def test_a_score_that_grows_is_told_as_worse_and_becomes_critical(
    rule, arrives, judged, alerts_of, history, ana
):
    """The values of one set arrive apart; they are one row, and one condition."""
    rule(kind="news2", what="NEWS2", codes=[], unit="", high="3", severity="urgent")
    rule(kind="news2", what="NEWS2", codes=[], unit="", high="7")
    for code, value, unit in (("9279-1", "26", "/min"), ("59408-5", "93", "%")):
        arrives(ana, value, code=code, unit=unit, vital=True)
        judged()
    (urgent,) = alerts_of(ana)
    assert (urgent.severity, urgent.worst_value, urgent.count) == ("urgent", Decimal(5), 1)
    assert history(urgent)[-1] == "worsened"
    arrives(ana, "135", code="8867-4", unit="/min", vital=True)
    judged()
    urgent, critical = alerts_of(ana)
    assert urgent.outcome == "superseded"
    assert (critical.severity, critical.worst_value) == ("critical", Decimal(8))


def test_a_correction_upwards_breaks_a_snooze(
    alert, arrives, judged, alerts_of, ana, ada, acting, system
):
    from alerts.actions import snooze

    with acting(ada):
        until = timezone.now() + timedelta(minutes=30)
        snooze(alert.pk, by=ada.reader, until=until, reason="In theatre")
    with system():
        Result.objects.filter(patient=ana.patient).update(value=Decimal("7.4"))
    judged()
    assert alerts_of(ana)[0].phase == "open"
