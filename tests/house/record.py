"""Ana's record, full of canaries: words that must reach nobody who is not entitled to them."""

import uuid
from datetime import date, time, timedelta
from types import SimpleNamespace

from django.utils import timezone

from alerts.judge import judge_waiting
from alerts.models import (
    Alert,
    EscalationPolicy,
    PolicyVersion,
    Rota,
    Rule,
    RuleVersion,
    Shift,
    ShiftOverride,
    ShiftSwap,
)
from appointments.actions import book_visit
from appointments.api.slot_names import SlotName
from appointments.models import Hold, Offer, Room, TimeBlock, VisitType, WaitlistEntry
from care.models import (
    CarePlan,
    CarePlanActivity,
    Condition,
    EarlyWarningScore,
    Medication,
    OxygenTarget,
    Questionnaire,
    Result,
    VitalSign,
)
from care.questionnaires import answering
from care.questionnaires.shelf import CHECK_IN, install
from messaging.actions import start_conversation
from messaging.models import Category
from notifications.models import Notification
from portal.tenancy import acting_for

# "4471" is her record number; her name may be known to the clinic's administrators.
CANARIES = ("CANARYSUBJECT", "CANARYBODY", "CANARYCONDITION", "CANARYMEDICINE", "CANARYVISIT",
            "CANARYRESULT", "CANARYPLAN", "CANARYTARGET", "CANARYALERT", "137.25")  # fmt: skip
IDENTITY = ("Ana Ruiz", "4471")


def anas_record(cast) -> SimpleNamespace:
    """Write Ana's record as those who would; return the identifiers that addresses need."""
    entry = {"organization": cast.clinic, "patient": cast.ana.patient}
    now = timezone.now()
    with acting_for(cast.clinic.pk, system=True):
        Condition.objects.create(**entry, display="CANARYCONDITION", status="active")
        Medication.objects.create(**entry, display="CANARYMEDICINE", status="active")
        plan = CarePlan.objects.create(**entry, display="CANARYPLAN", status="active")
        CarePlanActivity.objects.create(
            **entry, plan=plan, position=0, display="CANARYPLAN", status="in-progress"
        )
        result = Result.objects.create(
            **entry, category="laboratory", code="2823-3", display="CANARYRESULT", value=4,
            unit="mmol/L", measured_at=now,
        )  # fmt: skip
        reading = VitalSign.objects.create(
            **entry, category="vital-signs", code="29463-7", display="Weight", value="137.25",
            unit="kg", measured_at=now,
        )  # fmt: skip
        OxygenTarget.objects.create(**entry, reason="CANARYTARGET", prescribed_by=cast.ada.user)
        EarlyWarningScore.objects.create(
            **entry, begins_at=now, scored_at=now, scale=2, missing=["pulse"], at_least=3,
            has_three=True, band="single",
        )  # fmt: skip
    install(cast.clinic.pk)
    with acting_for(cast.clinic.pk, cast.ana.user.pk):
        questionnaire = Questionnaire.objects.get(key=CHECK_IN)
        response = answering.start(cast.ana.patient.pk, questionnaire.pk, by=cast.ana.reader)
        answering.answer(response.pk, link_id="pain", code="pain-9", by=cast.ana.reader)
    with acting_for(cast.clinic.pk, cast.ana.user.pk):
        message = start_conversation(
            cast.ana.patient.pk,
            category=Category.WOUND,
            subject="CANARYSUBJECT",
            body="CANARYBODY",
            key=uuid.uuid4(),
            by=cast.ana.reader,
        )
    with acting_for(cast.clinic.pk, cast.ada.user.pk):
        visit = book_visit(
            cast.ana.patient.pk,
            kind="CANARYVISIT",
            starts_at=now + timedelta(hours=1),
            ends_at=now + timedelta(hours=2),
            by=cast.ada.reader,
        )
    with acting_for(cast.clinic.pk, system=True):
        notification = Notification.objects.get(user=cast.ana.user, subject_id=visit.pk)
    return SimpleNamespace(
        patient_id=cast.ana.patient.pk,
        conversation_id=message.conversation_id,
        notification_id=notification.pk,
        reading_id=reading.pk,
        result_id=result.pk,
        questionnaire_id=questionnaire.pk,
        response_id=response.pk,
        observation_id=reading.pk,
        alert_id=_alert(cast),
        appointment_id=visit.pk,
        **_kept_time(cast),
        **_rota(cast),
    )


def _alert(cast) -> uuid.UUID:
    """A critical alert about Ana, of which her care team is told and nobody else."""
    of_clinic = {"organization": cast.clinic}
    with acting_for(cast.clinic.pk, system=True):
        policy = EscalationPolicy.objects.create(**of_clinic, name="Care team")
        PolicyVersion.objects.create(
            **of_clinic, policy=policy, number=1, steps=[{"wait": 0, "tell": "care_team"}]
        )
        rule = Rule.objects.create(**of_clinic, name="Lactate", is_on=True)
        RuleVersion.objects.create(
            **of_clinic, rule=rule, policy=policy, number=1, severity="critical",
            what="CANARYALERT", codes=["2524-7"], unit="mmol/L", high=4,
        )  # fmt: skip
        Result.objects.create(
            **of_clinic, patient=cast.ana.patient, category="laboratory", code="2524-7",
            display="Lactate", value=6, unit="mmol/L", measured_at=timezone.now(),
        )  # fmt: skip
    judge_waiting(cast.clinic.pk)
    with acting_for(cast.clinic.pk, system=True):
        return Alert.objects.get(patient=cast.ana.patient).pk


def _kept_time(cast) -> dict[str, uuid.UUID]:
    """A time with Ada that is kept for Ana, and one that she is offered as she waits."""
    of_clinic = {"organization": cast.clinic}
    starts_at = timezone.now() + timedelta(days=7)
    with acting_for(cast.clinic.pk, system=True):
        visit_type = VisitType.objects.create(
            **of_clinic, name="Wound check", self_scheduling="on", minutes=30
        )
        room = Room.objects.create(**of_clinic, name="Room 3")
    with acting_for(cast.clinic.pk, cast.ana.user.pk):
        hold = Hold.objects.create(
            **of_clinic, patient=cast.ana.patient, provider=cast.ada.provider, room=room,
            visit_type=visit_type, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=30),
            until_at=timezone.now() + timedelta(minutes=5),
        )  # fmt: skip
        entry = WaitlistEntry.objects.create(
            **of_clinic, patient=cast.ana.patient, visit_type=visit_type, by=cast.ana.user,
            from_on=starts_at.date(), until_on=starts_at.date(),
        )  # fmt: skip
    with acting_for(cast.clinic.pk, system=True):
        offer = Offer.objects.create(
            **of_clinic, patient=cast.ana.patient, entry=entry, visit_type=visit_type,
            provider=cast.ada.provider, room=room, mode="in_person",
            starts_at=starts_at, ends_at=starts_at + timedelta(minutes=30),
            expires_at=timezone.now() + timedelta(hours=1),
        )  # fmt: skip
        block = TimeBlock.objects.create(
            **of_clinic, room=room, reason="Painters", by=cast.ada.user,
            starts_at=starts_at, ends_at=starts_at + timedelta(hours=1),
        )  # fmt: skip
    return {
        "block_id": block.pk,
        "visit_type_id": visit_type.pk,
        "hold_id": hold.pk,
        "slot_id": str(SlotName(visit_type.pk, cast.ada.provider.pk, starts_at)),
        "entry_id": entry.pk,
        "offer_id": offer.pk,
    }


def _rota(cast) -> dict[str, uuid.UUID]:
    """Ada's Monday nights, of which Noor took one; and a swap for which Ada asked her."""
    of_clinic = {"organization": cast.clinic}
    with acting_for(cast.clinic.pk, system=True):
        rota = Rota.objects.create(**of_clinic, name="Nights", time_zone="America/New_York")
        ada, noor = (
            Shift.objects.create(
                **of_clinic, rota=rota, user=who.user, weekday=day, starts=time(20), ends=time(8),
                from_on=date(2026, 1, 5),
            )
            for who, day in ((cast.ada, 0), (cast.noor, 1))
        )  # fmt: skip
        override = ShiftOverride.objects.create(
            **of_clinic, rota=rota, user=cast.noor.user, replaces=cast.ada.user, by=cast.noor.user,
            series=ada.series, begins_on=date(2026, 1, 12),
        )  # fmt: skip
    with acting_for(cast.clinic.pk, cast.ada.user.pk):
        swap = ShiftSwap.objects.create(
            **of_clinic, rota=rota, asked_by=cast.ada.user, asked_of=cast.noor.user,
            gives_series=ada.series, gives_on=date(2030, 1, 7),
            takes_series=noor.series, takes_on=date(2030, 1, 8),
        )  # fmt: skip
    return {
        "rota_id": rota.pk,
        "series": ada.series,
        "override_id": override.pk,
        "swap_id": swap.pk,
    }
