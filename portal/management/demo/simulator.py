"""A few demo patients who record readings and write, and of whom something alarming comes now and
then, so that open pages are visibly alive.
"""

import logging
import random
import uuid
from collections.abc import Iterator
from decimal import Decimal

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from care.actions import record_vital_sign
from care.models import Source
from messaging.actions import reply, start_conversation
from messaging.errors import MessagingError
from messaging.models import Category, Conversation
from portal import access
from portal.access import Reader
from portal.management.demo.clinic import CODES, DIASTOLIC, PRESSURE, SYSTOLIC
from portal.management.demo.recovery_curve import next_reading
from portal.management.demo.stories import REMARKS, STORIES
from portal.management.demo.story import Story
from portal.management.demo.watch import Findings
from portal.models import Organization, Patient, Role
from portal.tenancy import acting_for

logger = logging.getLogger(__name__)

# Not Ana, whose page the reader of the demo has open: what she sees, she did.
ACTIVE = 5
WRITES = 0.15  # of all acts; the others are readings


class Simulator:
    """Acts for one patient at a time, through the same actions and rights as a person."""

    def __init__(self, organization: Organization, chance: random.Random) -> None:
        self.organization = organization
        self.chance = chance
        self._stories = {story.mrn: story for story in STORIES[1 : ACTIVE + 1]}
        self._findings = Findings(organization, sorted(self._stories), chance)

    def act(self) -> str:
        """Do one thing for one patient; return in a word what it was."""
        if came := self._findings.report_when_due(timezone.now()):
            return came
        mrn = self.chance.choice(sorted(self._stories))
        with acting_for(self.organization.pk, system=True):
            patient = Patient.objects.filter(mrn=mrn, user__isnull=False).first()
        if patient is None or patient.user_id is None:
            return "nothing"
        by = Reader(patient.user_id, self.organization.pk, Role.PATIENT)
        with acting_for(by.organization_id, by.user_id):
            if self.chance.random() < WRITES:
                try:
                    self._write(patient, by)
                except MessagingError:
                    # Somebody tries the demo, and took the patient's whole care team away, say.
                    return "nothing"
                return "message"
            self._measure(patient, self._stories[mrn], by)
            return "reading"

    def _write(self, patient: Patient, by: Reader) -> None:
        key, text = uuid.uuid4(), self.chance.choice(REMARKS)
        conversation = access.of_writable_patients(Conversation.objects.all(), by).first()
        if conversation is not None:
            reply(conversation.pk, body=text, key=key, by=by)
            return
        start_conversation(
            patient.pk, category=Category.OTHER, subject="How it goes", body=text, key=key, by=by
        )

    def _measure(self, patient: Patient, story: Story, by: Reader) -> None:
        reading = next_reading(story, timezone.now(), self.chance)
        name = self.chance.choice([*sorted(CODES), "pressure"])
        if name == "pressure":
            record_vital_sign(
                patient.pk,
                code=PRESSURE,
                components={
                    SYSTOLIC: Decimal(reading.systolic),
                    DIASTOLIC: Decimal(reading.diastolic),
                },
                measured_at=reading.at,
                by=by,
                source=Source.PATIENT,
            )
            return
        record_vital_sign(
            patient.pk,
            code=CODES[name],
            value=Decimal(str(getattr(reading, name))),
            measured_at=reading.at,
            by=by,
            source=Source.PATIENT,
        )


def acts(simulator: Simulator) -> Iterator[str]:
    """Act for ever; a database that is away is waited for, and said once."""
    is_away = False
    while True:
        try:
            yield simulator.act()
            is_away = False
        except (DatabaseError, InterfaceError):
            if not is_away:
                logger.warning("The simulator cannot reach the database; it tries on.")
            is_away = True
            connection.close()
            yield "nothing"
