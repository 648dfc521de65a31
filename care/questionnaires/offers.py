"""What a reader may answer for a patient today, and how far they are."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from care.models import Questionnaire, QuestionnaireResponse
from care.questionnaires.answering import is_for, is_resumable
from care.questionnaires.form import Form, form_of
from care.questionnaires.readers import answerable_patients, visible_responses
from care.questionnaires.scoring import codes_of
from care.questionnaires.shelf import open_questionnaires
from portal.access import Reader
from portal.models import Patient


@dataclass(frozen=True)
class Offer:
    """One questionnaire, as a reader finds it."""

    questionnaire: Questionnaire
    form: Form
    begun: QuestionnaireResponse | None  # that the reader may go on with
    last: QuestionnaireResponse | None  # that was sent, by whomever
    may_answer: bool

    @property
    def count(self) -> int:
        """How many questions there are, as far as is known."""
        return len(self.form.asked(self._codes))

    @property
    def at(self) -> int:
        """The number of the question to go on with."""
        return self.form.next_question(self._codes) or self.count

    @property
    def done_at(self) -> datetime | None:
        """When it was sent today, if it was."""
        if self.last is None or self.last.completed_at is None:
            return None
        is_today = timezone.localdate(self.last.completed_at) == timezone.localdate()
        return self.last.completed_at if is_today else None

    @property
    def _codes(self) -> dict[str, str]:
        return codes_of(self.begun.items) if self.begun else {}


def offers_of(patient: Patient, reader: Reader) -> list[Offer]:
    """What there is to answer about a patient, the daily one first. Empty for one who has died.

    Costs three queries, and one for each questionnaire.
    """
    responses: dict[str, list[QuestionnaireResponse]] = {}
    newest = (
        visible_responses(reader)
        .filter(patient=patient)
        .select_related("questionnaire")
        .order_by("-started_at")[:60]
    )
    for row in newest:
        responses.setdefault(row.questionnaire.key, []).append(row)
    offers = []
    for questionnaire in open_questionnaires(reader):
        form = form_of(questionnaire.definition)
        may_answer = (
            is_for(patient, form)
            and answerable_patients(reader, questionnaire).filter(pk=patient.pk).exists()
        )
        mine = responses.get(questionnaire.key, [])
        begun = (
            each for each in mine if each.authored_by_id == reader.user_id and is_resumable(each)
        )
        last = (each for each in mine if each.is_given)
        offer = Offer(questionnaire, form, next(begun, None), next(last, None), may_answer)
        # What is private and not theirs to answer is nobody else's to know of.
        if not patient.is_deceased and (may_answer or not form.is_private):
            offers.append(offer)
    return sorted(offers, key=lambda offer: not offer.form.is_daily)
