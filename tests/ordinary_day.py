"""Ana on the sixth day after a knee operation: a clinic in which no page is empty.

Everything is written as those who would write it; what comes back are the identifiers and secrets
that addresses need.
"""

import uuid
from datetime import datetime, time, timedelta
from functools import partial
from types import SimpleNamespace

from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from appointments.actions import book_held, book_visit, hold_time, join_waitlist
from appointments.models import Availability, Offer, Room, VisitType
from care.questionnaires.form import form_of
from care.questionnaires.shelf import PHQ_9, definition_of
from messaging.actions import reply, start_conversation
from messaging.models import Category
from portal.models import CareTeamMembership, Invitation, Patient
from portal.password_links import link_tokens
from portal.tenancy import acting_for
from tests.ordinary_alerts import fill_rota, raise_alerts
from tests.ordinary_record import answer_check_in, correct_pulse, write_record

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


def ordinary_day(cast) -> SimpleNamespace:
    """Write the day into the cast's clinic."""
    result = write_record(cast)
    reading = correct_pulse(cast)
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
    check_in, sent, begun = answer_check_in(cast)
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
        reset_token=link_tokens.make_token(cast.ben.user),
        **visits,
        **raise_alerts(cast),
        **fill_rota(cast),
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
