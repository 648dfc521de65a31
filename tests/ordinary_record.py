"""An ordinary day's record of Ana: what is known of her, mistyped by her and asked of her."""

import uuid
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

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
from care.questionnaires.shelf import CHECK_IN, PHQ_9, SELF_HARM, install
from care.vital_signs import BLOOD_PRESSURE, DIASTOLIC, PULSE, SYSTOLIC, kind_of
from portal.tenancy import acting_for

PULSES = (72, 78, 74, 81, 104, 77)


def write_record(cast) -> uuid.UUID:
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


def correct_pulse(cast) -> uuid.UUID:
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


def answer_check_in(cast) -> tuple[uuid.UUID, uuid.UUID, uuid.UUID]:
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
