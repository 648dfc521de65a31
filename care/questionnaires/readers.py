"""Who answers what, and who reads the answers; row-level security says the same on the table."""

from django.db.models import Q

from care.models import Questionnaire, QuestionnaireResponse
from care.models.questionnaire_response import QuestionnaireResponseQuerySet
from portal import access
from portal.access import Reader
from portal.models.patient import PatientQuerySet


def answerable_patients(reader: Reader, questionnaire: Questionnaire) -> PatientQuerySet:
    """Patients for whom the reader may answer it: themselves, and whom they care for if it is not
    private. A care team answers nothing in a patient's name."""
    patients = access.writable_patients(reader)
    if questionnaire.is_private or reader.is_staff:
        return access.narrow(patients, user_id=reader.user_id)
    return patients


def own_responses(reader: Reader) -> QuestionnaireResponseQuerySet:
    """Responses that the reader gives themselves, about patients for whom they may still write."""
    responses = access.of_writable_patients(QuestionnaireResponse.objects.all(), reader)
    return access.narrow(
        responses,
        Q(is_private=False) | Q(patient__user_id=reader.user_id),
        authored_by_id=reader.user_id,
    )


def visible_responses(reader: Reader) -> QuestionnaireResponseQuerySet:
    """Responses that the reader may read: private ones are the patient's and the care team's."""
    responses = access.of_visible_patients(QuestionnaireResponse.objects.all(), reader)
    watched = access.watched_patients(reader).values("pk")
    return access.narrow(
        responses,
        Q(is_private=False) | Q(patient__user_id=reader.user_id) | Q(patient_id__in=watched),
    )
