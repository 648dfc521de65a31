"""Ana on the sixth day after a knee operation: a clinic in which no page is empty.

Everything is written as those who would write it; what comes back are the identifiers and secrets
that addresses need.
"""

import uuid
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from types import SimpleNamespace

from django.contrib.auth.tokens import default_token_generator
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

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
from appointments.actions import book_held, book_visit, hold_time, join_waitlist
from appointments.models import Availability, Offer, Room, VisitType
from care.actions import Taken, correct_vital_sign, record_vital_sign
from care.early_warning import rescore
from care.models import (
    CarePlan,
    CarePlanActivity,
    Condition,
    Encounter,
    Goal,
    Medication,
    Procedure,
    Questionnaire,
    Result,
    Source,
    VitalSign,
)
from care.questionnaires import answering
from care.questionnaires.form import form_of
from care.questionnaires.shelf import CHECK_IN, PHQ_9, SELF_HARM, definition_of, install
from care.vital_signs import BLOOD_PRESSURE, DIASTOLIC, PULSE, SYSTOLIC, kind_of
from messaging.actions import reply, start_conversation
from messaging.models import Category
from portal.models import CareTeamMembership, Invitation, Patient
from portal.tenancy import acting_for

# What others have named: no words of ours. PHQ-9 is asked as it was written.
NAMED = (
    *(question.text for question in form_of(definition_of(PHQ_9)).questions),
    *(question.note for question in form_of(definition_of(PHQ_9)).questions if question.note),
    "Total replacement of left knee joint",
    "Osteoarthritis of left knee",
    "Paracetamol 500 mg",
    "1 tablet, up to 4 times a day",
    "Potassium",
    "Knee recovery",
    "Knee bends",
    "Walk indoors",
    "Climb the stairs",
    "Wound check",
    "It is swollen.",
    "Please put your leg up.",
    "My knee",
)
SUNDAY = 6
PULSES = (72, 78, 74, 81, 104, 77)


def ordinary_day(cast) -> SimpleNamespace:
    """Write the day into the cast's clinic."""
    result = _write_record(cast)
    reading = _correct_pulse(cast)
    with acting_for(cast.clinic.pk, cast.ana.user.pk):
        first = start_conversation(
            cast.ana.patient.pk,
            category=Category.PAIN,
            subject="My knee",
            body="It is swollen.",
            key=uuid.uuid4(),
            by=cast.ana.reader,
        )
    with acting_for(cast.clinic.pk, cast.noor.user.pk):
        answer = "Please put your leg up."
        reply(first.conversation_id, body=answer, key=uuid.uuid4(), by=cast.noor.reader)
    starts_at = timezone.now() + timedelta(minutes=30)
    with acting_for(cast.clinic.pk, cast.ada.user.pk):
        book_visit(
            cast.ana.patient.pk,
            kind="Wound check",
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=20),
            by=cast.ada.reader,
        )
    visits = _open_calendar(cast)
    dora, invitation = _invite_dora(cast)
    check_in, sent, begun = _check_in(cast)
    return SimpleNamespace(
        ana=cast.ana.patient.pk,
        conversation=first.conversation_id,
        check_in=check_in,
        sent=sent,
        begun=begun,
        reading=reading,
        result=result,
        dora=dora.pk,
        invitation=invitation,
        reset_user=urlsafe_base64_encode(force_bytes(cast.ben.user.pk)),
        reset_token=default_token_generator.make_token(cast.ben.user),
        **visits,
        **_raise_alerts(cast),
        **_fill_rota(cast),
    )


def _open_calendar(cast) -> dict[str, uuid.UUID]:
    """Ada takes wound checks each day. Ana has one, a time is kept for her, and one is offered."""
    of_clinic = {"organization": cast.clinic}
    with acting_for(cast.clinic.pk, system=True):
        room = Room.objects.create(
            **of_clinic, name="Room 3", how_to_find="Go in by the main door, then left."
        )
        kinds = {
            setting: VisitType.objects.create(
                **of_clinic,
                name=name,
                self_scheduling=setting,
                modes=["in_person", "video"],
                questions=[{"key": "fever", "text": "Do you have a fever?"}],
                how_to_prepare="Please leave the dressing on.",
            )
            for setting, name in (("on", "Wound check"), ("view", "X-ray"), ("off", "Surgery"))
        }
        for kind in kinds.values():
            for weekday in range(7):
                Availability.objects.create(
                    **of_clinic,
                    provider=cast.ada.provider,
                    visit_type=kind,
                    room=room,
                    weekday=weekday,
                    starts=time(9),
                    ends=time(17),
                )
    day = timezone.localdate(timezone=cast.clinic.zone) + timedelta(days=3)
    with acting_for(cast.clinic.pk, cast.ana.user.pk):
        hold = partial(
            hold_time,
            kinds["on"].pk,
            patient_id=cast.ana.patient.pk,
            provider_id=cast.ada.provider.pk,
            by=cast.ana.reader,
        )
        first = hold(starts_at=datetime.combine(day, time(10), cast.clinic.zone))
        visit = book_held(first.pk, by=cast.ana.reader)
        kept = hold(starts_at=datetime.combine(day, time(14), cast.clinic.zone))
        entry = join_waitlist(
            kinds["on"].pk,
            patient_id=cast.ana.patient.pk,
            appointment_id=visit.pk,
            from_on=day - timedelta(days=2),
            until_on=day,
            by=cast.ana.reader,
        )
    earlier = datetime.combine(day - timedelta(days=1), time(10), cast.clinic.zone)
    with acting_for(cast.clinic.pk, system=True):
        offer = Offer.objects.create(
            **of_clinic,
            patient=cast.ana.patient,
            entry=entry,
            visit_type=kinds["on"],
            provider=cast.ada.provider,
            room=room,
            mode="in_person",
            starts_at=earlier,
            ends_at=earlier + timedelta(minutes=30),
            expires_at=timezone.now() + timedelta(hours=2),
        )
    return {
        "visit": visit.pk,
        "kept": kept.pk,
        "offer": offer.pk,
        "kind_of_visit": kinds["on"].pk,
        "kind_to_look_at": kinds["view"].pk,
    }


# What is watched, how bad it is, and a value that meets it.
WATCHED = (
    ("Potassium", "critical", "2823-3", "mmol/L", "6.4"),
    ("Lactate", "critical", "2524-7", "mmol/L", "6"),
    ("Sodium", "urgent", "2951-2", "mmol/L", "160"),
    ("Magnesium", "urgent", "19123-9", "mg/dL", "5"),
    ("Phosphate", "notice", "2777-1", "mg/dL", "11"),
)


def _raise_alerts(cast) -> dict[str, uuid.UUID]:
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


def _fill_rota(cast) -> dict[str, object]:
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


def _write_record(cast) -> uuid.UUID:
    """Ana's record; returns the result among it."""
    about = {"organization": cast.clinic, "patient": cast.ana.patient}
    now = timezone.now()
    with acting_for(cast.clinic.pk, system=True):
        Procedure.objects.create(
            **about,
            display="Total replacement of left knee joint",
            status="completed",
            performed_at=now - timedelta(days=6),
        )
        Condition.objects.create(**about, display="Osteoarthritis of left knee", status="active")
        Medication.objects.create(
            **about,
            display="Paracetamol 500 mg",
            dosage="1 tablet, up to 4 times a day",
            status="active",
        )
        result = Result.objects.create(
            **about,
            category="laboratory",
            code="2823-3",
            display="Potassium",
            value=Decimal("5.4"),
            unit="mmol/L",
            range_low=Decimal("3.5"),
            range_high=Decimal("5.1"),
            measured_at=now - timedelta(days=1),
        )
        plan = CarePlan.objects.create(**about, display="Knee recovery", status="active")
        for position, words in enumerate(("Knee bends", "Walk indoors")):
            CarePlanActivity.objects.create(
                **about, plan=plan, position=position, display=words, status="in-progress"
            )
        Goal.objects.create(**about, display="Climb the stairs", achievement="improving")
        Encounter.objects.create(
            **about, display="Wound check", setting="AMB", starts_at=now, status="finished"
        )
        for hours, pulse in enumerate(PULSES, start=1):
            _read(about, "8867-4", now - timedelta(hours=4 * hours), value=Decimal(pulse))
        halves = ((SYSTOLIC, "152"), (DIASTOLIC, "84"))
        components = [{"code": code, "value": value, "unit": "mm[Hg]"} for code, value in halves]
        _read(about, BLOOD_PRESSURE, now - timedelta(hours=2), components=components)
        # Days old, and not to be believed.
        _read(about, "59408-5", now - timedelta(days=3), value=Decimal(91))
        _read(about, "8310-5", now - timedelta(hours=3), value=Decimal(98))
        rescore(cast.ana.patient, now - timedelta(hours=4))
    return result.pk


def _correct_pulse(cast) -> uuid.UUID:
    """Ana has typed a pulse and seen that it was wrong; returns the reading."""
    at = timezone.now() - timedelta(hours=1)
    with acting_for(cast.clinic.pk, cast.ana.user.pk):
        reading = record_vital_sign(
            cast.ana.patient.pk, code=PULSE, value=Decimal(177), measured_at=at,
            by=cast.ana.reader, source=Source.PATIENT,
        )  # fmt: skip
        right = Taken(PULSE, Decimal(77))
        correct_vital_sign(
            reading.pk, right, measured_at=at, reason="I pressed 1", by=cast.ana.reader
        )
    return reading.pk


def _check_in(cast) -> tuple[uuid.UUID, uuid.UUID, uuid.UUID]:
    """Sam has sent Ana's check-in; Ana is at the end of PHQ-9, and has said what it asks last.

    Returns the questionnaire of the check-in and the two responses.
    """
    install(cast.clinic.pk)

    def begin(who, key):
        questionnaire = Questionnaire.objects.get(key=key)
        return answering.start(cast.ana.patient.pk, questionnaire.pk, by=who.reader)

    with acting_for(cast.clinic.pk, cast.sam.user.pk):
        sent = begin(cast.sam, CHECK_IN)
        for link_id, number in (("pain", 4), ("fever", 0), ("wound", 3), ("mood", 1),
                                ("breathing", 0)):  # fmt: skip
            code = f"{link_id}-{number}"
            answering.answer(sent.pk, link_id=link_id, code=code, by=cast.sam.reader)
        answering.complete(sent.pk, by=cast.sam.reader)
    with acting_for(cast.clinic.pk, cast.ana.user.pk):
        begun = begin(cast.ana, PHQ_9)
        answering.answer(begun.pk, link_id=SELF_HARM, code="LA6569-3", by=cast.ana.reader)
    return sent.questionnaire_id, sent.pk, begun.pk


def _read(about, code, measured_at, **fields) -> None:
    kind = kind_of(code)
    VitalSign.objects.create(
        **about,
        category="vital-signs",
        code=code,
        display=kind.name,
        unit=kind.unit,
        measured_at=measured_at,
        **fields,
    )


def _invite_dora(cast) -> tuple[Patient, str]:
    """A patient who cannot sign in yet, and the secret of her link."""
    with acting_for(cast.clinic.pk, system=True):
        dora = Patient.objects.create(
            organization=cast.clinic, mrn="5001", name="Dora Lind", birth_on="1964-03-02",
            sex="female",
        )  # fmt: skip
        CareTeamMembership.objects.create(
            organization=cast.clinic, patient=dora, provider=cast.ada.provider
        )
    with acting_for(cast.clinic.pk, cast.ada.user.pk):
        invitation = Invitation(
            organization=cast.clinic,
            patient=dora,
            email="dora@home.example",
            expires_at=timezone.now() + timedelta(days=3),
        )
        token = invitation.make_token()
        invitation.save(force_insert=True)
    return dora, token
