"""What people do with a questionnaire: each action is door, rule, write, record.

The patient answers, or a caregiver who may write for them. What a questionnaire calls private only
the patient answers and only the patient and the care team read: PHQ-9 asks for what nobody else can
say, and an answer given with a relative looking on, or by one, is another answer. Staff answer
nothing in a patient's name.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from care.models import Questionnaire, QuestionnaireResponse, ResponseStatus
from care.questionnaires.errors import NoLongerOpen, NotAnAnswer, NotFinished
from care.questionnaires.form import Form, form_of
from care.questionnaires.readers import answerable_patients, own_responses
from care.questionnaires.scoring import codes_of, form_of_response, items_of, score_of
from portal import access, audit
from portal.access import Reader
from portal.models import Patient

# Somebody who was called away goes on where they were; the next morning they are asked anew.
RESUMABLE_FOR = timedelta(hours=12)
# A slip of the finger is mended the same day; what was so a week ago stays what was said.
AMENDABLE_FOR = timedelta(hours=24)


@transaction.atomic
def start(patient_id: UUID, questionnaire_id: UUID, *, by: Reader) -> QuestionnaireResponse:
    """Begin a response about a patient, or go on with the one that `by` is in the middle of.

    Raises Patient.DoesNotExist or Questionnaire.DoesNotExist when `by` may not answer it for this
    patient, NoLongerOpen when it is not for somebody of their age or the patient has died.
    """
    questionnaire = access.of_organization(Questionnaire.objects.open(), by).get(
        pk=questionnaire_id
    )
    patient = answerable_patients(by, questionnaire).get(pk=patient_id)
    if not is_for(patient, form_of(questionnaire.definition)):
        raise NoLongerOpen

    begun = _begun(patient, questionnaire, by)
    if begun is not None and is_resumable(begun):
        return begun
    if begun is not None:
        begun.status = ResponseStatus.STOPPED
        begun.save(update_fields=["status"])
    response = QuestionnaireResponse.objects.create(
        organization_id=by.organization_id,
        patient=patient,
        questionnaire=questionnaire,
        is_private=questionnaire.is_private,
        authored_by_id=by.user_id,
    )
    _record("questionnaire.started", response, by)
    return response


@transaction.atomic
def answer(response_id: UUID, *, link_id: str, code: str, by: Reader) -> QuestionnaireResponse:
    """Keep one answer; in a response that was sent already, amend it.

    Raises QuestionnaireResponse.DoesNotExist for one that is not `by`'s own, NotAnAnswer, and
    NoLongerOpen when the response may not be changed any more.
    """
    response = _locked(response_id, by)
    form = form_of_response(response)
    codes = codes_of(response.items)
    question = next((each for each in form.asked(codes) if each.link_id == link_id), None)
    if question is None or question.option(code) is None:
        raise NotAnAnswer
    if not may_change(response):
        raise NoLongerOpen
    if codes.get(link_id) == code:
        return response

    items = items_of(form, {**codes, link_id: code})
    if response.is_given:
        _amend(response, form, items)
        _record("questionnaire.amended", response, by)
        return response
    response.items = items
    response.save(update_fields=["items"])
    return response


@transaction.atomic
def complete(response_id: UUID, *, by: Reader) -> QuestionnaireResponse:
    """Send a response: from now on it stands. Sending twice changes nothing.

    Raises QuestionnaireResponse.DoesNotExist, NotFinished and NoLongerOpen.
    """
    response = _locked(response_id, by)
    if response.is_given:
        return response
    form = form_of_response(response)
    codes = codes_of(response.items)
    if form.next_question(codes) is not None:
        raise NotFinished
    if not may_change(response):
        raise NoLongerOpen

    response.status = ResponseStatus.COMPLETED
    response.completed_at = timezone.now()
    response.score = score_of(form, codes)
    response.save(update_fields=["status", "completed_at", "score"])
    _record("questionnaire.completed", response, by)
    return response


def is_for(patient: Patient, form: Form) -> bool:
    """Whether a questionnaire is for this patient: old enough, and alive."""
    return not patient.is_deceased and patient.age >= form.age_from


def is_resumable(response: QuestionnaireResponse) -> bool:
    """Whether somebody may go on with a response that they began."""
    is_open = response.status == ResponseStatus.IN_PROGRESS
    return is_open and timezone.now() - response.started_at < RESUMABLE_FOR


def may_change(response: QuestionnaireResponse) -> bool:
    """Whether its author may still change an answer."""
    if response.completed_at is None:
        return is_resumable(response)
    return timezone.now() - response.completed_at < AMENDABLE_FOR


def _begun(
    patient: Patient, questionnaire: Questionnaire, by: Reader
) -> QuestionnaireResponse | None:
    return (
        own_responses(by)
        .in_progress()
        .select_for_update(of=["self"])
        .filter(patient=patient, questionnaire=questionnaire)
        .first()
    )


def _locked(response_id: UUID, by: Reader) -> QuestionnaireResponse:
    responses = own_responses(by).select_related("questionnaire")
    return responses.select_for_update(of=["self"]).get(pk=response_id)


def _amend(response: QuestionnaireResponse, form: Form, items: list[dict[str, Any]]) -> None:
    now = timezone.now()
    said = {
        "items": response.items,
        "score": response.score,
        "until": now.isoformat(),
    }
    response.earlier = [*response.earlier, said]
    response.items = items
    response.score = score_of(form, codes_of(items))
    response.status = ResponseStatus.AMENDED
    response.amended_at = now
    response.save(update_fields=["earlier", "items", "score", "status", "amended_at"])


def _record(action: str, response: QuestionnaireResponse, by: Reader) -> None:
    audit.record(action, organization_id=by.organization_id, actor_id=by.user_id, subject=response)
