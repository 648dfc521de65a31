"""The door for HL7 v2 messages: which kinds are handled, and what becomes of each.

    answer = Hl7Intake(organization).take(data)      # committed when it returns

`HANDLERS` is the one place where a kind of message is added. What can be stored of a message is
stored; what cannot is refused by itself, with its place, and the answer is AE.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from django.db import DataError, IntegrityError, connection, transaction
from django.utils import timezone

from appointments.errors import PatientIsDeceased
from care.actions import Identifier, record_observation
from care.errors import ReadingError
from care.models import ReceivedMessage, Source
from care.reported import LABORATORY, Reported
from portal import audit
from portal.management.hl7 import visits
from portal.management.hl7.answers import Answer, Code, Condition, Problem
from portal.management.hl7.messages import Message, Unreadable, read
from portal.management.hl7.results import Reading, Unusable, readings_of, subject_of
from portal.management.hl7.schedules import Unclear, numbers_of, plan_of
from portal.models import Organization, Patient
from portal.tenancy import acting_for

_LONGEST_CONTROL_ID = 199
PASSED_OVER = "passed over"
REFUSED = "refused"


@dataclass
class Taken:
    """One message as it was taken: the answer to it, and what became of its readings and visits."""

    message: Message | None
    answer: Answer
    fates: Counter[str] = field(default_factory=Counter)
    visits: Counter[str] = field(default_factory=Counter)
    was_known: bool = False


class Hl7Intake:
    """Takes messages into one organization, acting as the system itself."""

    def __init__(self, organization: Organization) -> None:
        self.organization = organization

    def take(self, data: bytes) -> Taken:
        """Take one message in one transaction, which is committed when this returns.

        Raises a DatabaseError only when nothing of it was stored.
        """
        try:
            message = read(data)
        except Unreadable as error:
            return _rejected(None, Problem(Condition.SEQUENCE, str(error), "MSH^1"))
        if not 0 < len(message.control_id) <= _LONGEST_CONTROL_ID or len(message.sender) > 255:
            reason = "has no control id, or one (or a sender) that is too long"
            return _rejected(message, Problem(Condition.MISSING, reason, "MSH^1^10"))
        handler = HANDLERS.get(message.kind)
        if handler is None:
            return _rejected(message, Problem(Condition.UNSUPPORTED_TYPE, NOT_HANDLED, "MSH^1^9"))
        with acting_for(self.organization.pk, system=True):
            return self._take(message, hashlib.sha256(data).hexdigest(), handler)

    def _take(self, message: Message, digest: str, handler: "Handler") -> Taken:
        name = {
            "organization_id": self.organization.pk,
            "sender": message.sender,
            "control_id": message.control_id,
            "digest": digest,
        }
        with connection.cursor() as cursor:
            # The same message on two connections at once: the second finds the first one's row.
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
                [f"hl7 {'|'.join(map(str, name.values()))}"],
            )
        known = ReceivedMessage.objects.filter(**name).first()
        if known is not None and known.answer == Code.ACCEPTED:
            return Taken(message, Answer(), was_known=True)
        taken = Taken(message, Answer())
        handler(message, self.organization, taken)
        received = known or ReceivedMessage(**name, kind=message.kind)
        received.answer, received.received_at = taken.answer.code, timezone.now()
        received.save()
        return taken


def take_results(message: Message, organization: Organization, taken: Taken) -> None:
    """ORU^R01: the results of one patient, each by itself."""
    patient = _patient(message, organization, taken.answer)
    if patient is None:
        return
    found, passed_over = readings_of(message, organization.zone)
    taken.fates[PASSED_OVER] += passed_over
    for each in found:
        problem = _refused(each) if isinstance(each, Unusable) else _record(patient, each, taken)
        if problem is not None:
            taken.answer.refuse(problem)
            taken.fates[REFUSED] += 1
    _note(organization.pk, patient.pk, taken)


def take_schedule(message: Message, organization: Organization, taken: Taken) -> None:
    """SIU: one visit of one patient, planned, changed, called off, or to which nobody came."""
    patient = _patient(message, organization, taken.answer)
    if patient is None:
        return
    try:
        # What is refused leaves nothing behind.
        with transaction.atomic():
            taken.visits[_follow(message, organization, patient)] += 1
    except Unclear as unclear:
        condition = Condition.MISSING if unclear.is_missing else Condition.DATA_TYPE
        taken.answer.refuse(Problem(condition, str(unclear), unclear.place))
    except PatientIsDeceased:
        reason = "is about a patient who has died"
        taken.answer.refuse(Problem(Condition.UNKNOWN_KEY, reason, "PID^1^3"))
    except DataError:
        taken.answer.refuse(Problem(Condition.INTERNAL, "could not be stored", "SCH^1"))
    if taken.answer.problems:
        taken.visits[REFUSED] += 1


def _follow(message: Message, organization: Organization, patient: Patient) -> str:
    """Do what the message says of its visit; returns the fate of the visit."""
    numbers = numbers_of(message)
    event = message.header.text(9, 2)
    if event == "S15":
        return visits.call_off(patient, numbers, visits.CALLED_OFF)
    if event == "S17":
        return visits.call_off(patient, numbers, visits.DELETED)
    if event == "S26":
        return visits.note_no_show(patient, numbers)
    return visits.plan_visit(patient, numbers, plan_of(message, organization.zone))


# ADT (patients) is not here: the register is the administrators', and FHIR's.
Handler = Callable[[Message, Organization, Taken], None]
SCHEDULE_EVENTS = ("S12", "S13", "S14", "S15", "S17", "S26")
HANDLERS: dict[str, Handler] = {
    "ORU^R01": take_results,
    **{f"SIU^{event}": take_schedule for event in SCHEDULE_EVENTS},
}
NOT_HANDLED = "This kind of message is not handled here. Handled: " + ", ".join(HANDLERS) + "."


def _rejected(message: Message | None, problem: Problem) -> Taken:
    answer = Answer()
    answer.refuse(problem, Code.REJECTED)
    return Taken(message, answer)


def _patient(message: Message, organization: Organization, answer: Answer) -> Patient | None:
    if message.count("PID") > 1:
        # HL7 allows it; told apart wrongly, one patient would have another's results.
        reason = "is a second patient: one message is about one"
        answer.refuse(Problem(Condition.SEQUENCE, reason, "PID^2"))
        return None
    subject = subject_of(message)
    if subject is None:
        reason = "has no record number (type MR or PI)"
        answer.refuse(Problem(Condition.MISSING, reason, "PID^1^3"))
        return None
    patients = list(
        Patient.objects.filter(organization=organization, mrn__in=subject.record_numbers)[:2]
    )
    if len(patients) != 1:
        reason = "names no patient of this clinic" if not patients else "names two patients"
        answer.refuse(Problem(Condition.UNKNOWN_KEY, reason, "PID^1^3"))
        return None
    # A number typed wrongly is often another patient's: nothing is filed on a number alone.
    if subject.birth_on is not None and subject.birth_on != patients[0].birth_on:
        reason = "is not the birth date of the patient with this number"
        answer.refuse(Problem(Condition.UNKNOWN_KEY, reason, "PID^1^7"))
        return None
    return patients[0]


def _refused(reading: Unusable) -> Problem:
    place = f"OBX^{reading.place}^{reading.field}"
    return Problem(Condition.DATA_TYPE, reading.reason, place)


def _record(patient: Patient, reading: Reading, taken: Taken) -> Problem | None:
    """Record one reading; returns what is wrong with it, if anything is."""
    place = f"OBX^{reading.place}"
    try:
        # A reading that fails leaves the others as they are.
        with transaction.atomic():
            recorded = record_observation(
                patient,
                _reported(reading),
                source=Source.HL7,
                identifier=Identifier(*reading.identifier),
            )
    except ReadingError as error:
        return Problem(Condition.DATA_TYPE, str(error), place)
    except (DataError, IntegrityError):
        return Problem(Condition.INTERNAL, "could not be stored", place)
    taken.fates[str(recorded.fate)] += 1
    return None


def _reported(reading: Reading) -> Reported:
    measured = reading.measured
    return Reported(
        code=reading.code,
        code_system=reading.code_system,
        display=reading.display,
        value=reading.value,
        comparator=reading.comparator,
        text=reading.words,
        unit=reading.unit,
        range_low=reading.range_low,
        range_high=reading.range_high,
        interpretation=reading.interpretation,
        status=reading.status,
        measured_at=measured.at if measured else None,
        time_is_known=measured.time_is_known if measured else True,
        method=reading.method,
        category=LABORATORY,
    )


def _note(organization_id: UUID, patient_id: UUID, taken: Taken) -> None:
    audit.record(
        "patient.imported",
        organization_id=organization_id,
        actor_id=None,
        patient_id=patient_id,
        source=str(Source.HL7),
        readings=sum(taken.fates.values()) - taken.fates[PASSED_OVER],
        refused=taken.fates[REFUSED],
    )
