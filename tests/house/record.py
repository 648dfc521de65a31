"""Ana's record, full of canaries: words that must reach nobody who is not entitled to them."""

import uuid
from datetime import timedelta
from types import SimpleNamespace

from django.utils import timezone

from appointments.actions import book_visit
from care.models import CarePlan, CarePlanActivity, Condition, Medication, Result, VitalSign
from messaging.actions import start_conversation
from messaging.models import Category
from notifications.models import Notification
from portal.tenancy import acting_for

# "4471" is her record number; her name may be known to the clinic's administrators.
CANARIES = ("CANARYSUBJECT", "CANARYBODY", "CANARYCONDITION", "CANARYMEDICINE", "CANARYVISIT",
            "CANARYRESULT", "CANARYPLAN", "137.25")  # fmt: skip
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
        Result.objects.create(
            **entry, category="laboratory", code="2823-3", display="CANARYRESULT", value=4,
            unit="mmol/L", measured_at=now,
        )  # fmt: skip
        VitalSign.objects.create(
            **entry, category="vital-signs", code="29463-7", display="Weight", value="137.25",
            unit="kg", measured_at=now,
        )  # fmt: skip
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
    )
