"""A row of every published table, of each kind that its policy tells apart, and people around Ana.

Beside the cast there are those whose right has ended or has not begun, and whoever an escalation
has called: they are where an audience and a policy come apart.
"""

import uuid
from datetime import time, timedelta

from django.utils import timezone

from alerts.models import AuditorAlarm, Handover, Rota, Rule, RuleOverride
from appointments.models import (
    Appointment,
    Availability,
    AvailabilityException,
    Claim,
    Holiday,
    VisitType,
)
from care.models import (
    Correction,
    Encounter,
    Goal,
    Procedure,
    Questionnaire,
    QuestionnaireResponse,
    VitalSign,
)
from care.questionnaires import answering
from care.questionnaires.form import form_of
from care.questionnaires.shelf import CHECK_IN, PHQ_9, install
from notifications.models import Kind, Notification
from portal.models import (
    AccessGrant,
    Caregiver,
    CareTeamMembership,
    Invitation,
    Membership,
    Patient,
    Provider,
    Role,
    User,
)
from portal.tenancy import acting_for
from tests import cast as the_cast
from tests.cast import LONG_AGO, Person
from tests.house.record import anas_record

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def everybody(cast) -> dict[str, Person]:
    """The cast, with Boris called to Ana; and people who have no right to her any more, or not
    yet."""
    named = {name: who for name, who in vars(cast).items() if isinstance(who, Person)}
    assert len(named) == len(the_cast.people())
    now = timezone.now()
    hers = {"organization": cast.clinic, "patient": cast.ana.patient}
    with acting_for(cast.clinic.pk, system=True):
        late = {
            "left": _person(cast, "Leo Left", Role.CLINICIAN),
            "to_come": _person(cast, "Tia Tocome", Role.NURSE),
            "called_before": _person(cast, "Cal Before", Role.CLINICIAN),
            "cared_before": _person(cast, "Cora Before", Role.CAREGIVER),
        }
        for who, starts_at, ends_at in (
            (late["left"], LONG_AGO, now - HOUR),
            (late["to_come"], now + DAY, None),
        ):
            CareTeamMembership.objects.create(
                **hers, provider=who.provider, starts_at=starts_at, ends_at=ends_at
            )
        for who, ends_at in ((cast.boris, None), (late["called_before"], now - HOUR)):
            AccessGrant.objects.create(
                **hers, user=who.user, subject_id=uuid.uuid4(), ends_at=ends_at
            )
        Caregiver.objects.create(**hers, user=late["cared_before"].user, ends_at=now - HOUR)
    return named | late


def _person(cast, name: str, role: Role) -> Person:
    first = name.split(maxsplit=1)[0].lower()
    user = User.objects.create_user(f"{first}@harbour.example", None, name=name)
    Membership.objects.create(organization=cast.clinic, user=user, role=role)
    who = Person(user, cast.clinic, role)
    if role in (Role.CLINICIAN, Role.NURSE):
        who.provider = Provider.objects.create(organization=cast.clinic, user=user, name=name)
    return who


def every_row(cast, people: dict[str, Person]) -> None:
    """Ana's record, and what it leaves out."""
    anas_record(cast)
    _more_of_the_record(cast)
    _answers(cast)
    _of_the_clinic(cast)
    with acting_for(cast.clinic.pk, system=True):
        Patient.objects.filter(organization=cast.clinic).update(phone="555 0123")
        for who in people.values():
            if who.organization == cast.clinic:
                Notification.objects.create(
                    organization=cast.clinic,
                    user=who.user,
                    patient=cast.ana.patient,
                    kind=Kind.MESSAGE,
                )


def _more_of_the_record(cast) -> None:
    hers = {"organization": cast.clinic, "patient": cast.ana.patient}
    now = timezone.now()
    with acting_for(cast.clinic.pk, system=True):
        for kind in (Encounter, Goal, Procedure):
            kind.objects.create(**hers, display="Knee replacement")
        reading = VitalSign.objects.filter(patient=cast.ana.patient).first()
        Correction.objects.create(
            **hers, table="vital_signs", row_id=reading.pk, was={"value": "1"}, reason="Mistyped",
            by=cast.ada.user,
        )  # fmt: skip
        RuleOverride.objects.create(
            **hers, rule=Rule.objects.first(), is_muted=True, reason="Known", ends_at=now + DAY,
            by=cast.ada.user,
        )  # fmt: skip
        Invitation.objects.create(
            **hers, email=cast.ana.user.email, token_digest="0" * 64, expires_at=now + DAY
        )
        visit = Appointment.objects.filter(patient=cast.ana.patient).first()
        Claim.objects.create(**hers, appointment=visit, by=cast.noor.user, until_at=now + HOUR)


def _answers(cast) -> None:
    """Ana's private answers, given and begun, and what Sam began to answer about her."""
    answer_all(cast.ana, PHQ_9)
    _begin(cast.ana, PHQ_9, cast.ana.patient)
    _begin(cast.sam, CHECK_IN, cast.ana.patient)


def answer_all(person: Person, key: str) -> None:
    """Let somebody answer a questionnaire about themselves from beginning to end."""
    response = _begin(person, key, person.patient)
    with acting_for(person.organization.pk, person.user.pk):
        for question in form_of(response.questionnaire.definition).questions:
            answering.answer(
                response.pk, link_id=question.link_id, code=question.options[1].code,
                by=person.reader,
            )  # fmt: skip
        answering.complete(response.pk, by=person.reader)


def _begin(person: Person, key: str, patient: Patient) -> QuestionnaireResponse:
    install(person.organization.pk)
    with acting_for(person.organization.pk, person.user.pk):
        asked = Questionnaire.objects.get(organization=person.organization, key=key)
        return answering.start(patient.pk, asked.pk, by=person.reader)


def _of_the_clinic(cast) -> None:
    ours = {"organization": cast.clinic}
    today = timezone.localdate()
    with acting_for(cast.clinic.pk, cast.ada.user.pk):
        Handover.objects.create(
            **ours, rota=Rota.objects.first(), by=cast.ada.user, note="A quiet night"
        )
    with acting_for(cast.clinic.pk, system=True):
        Holiday.objects.create(**ours, on=today, name="New Year")
        Availability.objects.create(
            **ours, provider=cast.ada.provider, visit_type=VisitType.objects.first(), weekday=0,
            starts=time(9), ends=time(12),
        )  # fmt: skip
        AvailabilityException.objects.create(**ours, provider=cast.ada.provider, on=today)
    # The auditor writes it, and no application.
    AuditorAlarm.objects.using("owner").create(
        organization_id=cast.clinic.pk, kind=AuditorAlarm.Kind.UNJUDGED
    )
