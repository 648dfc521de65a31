"""The register of patients as staff search it: by name and number, page by page."""

from django.core.paginator import Page, Paginator
from django.db.models import Q

from portal.models import Patient
from portal.models.patient import PatientQuerySet

PER_PAGE = 30
LONGEST_QUERY = 100


def found(patients: PatientQuerySet, query: str) -> PatientQuerySet:
    """Patients whose name or MRN has every word of the query in it."""
    for word in query.split():
        patients = patients.filter(Q(name__icontains=word) | Q(mrn__icontains=word))
    return patients


def page_of(patients: PatientQuerySet, number: str) -> Page[Patient]:
    """One page; a number that is none gives the first or the last."""
    return Paginator(patients.order_by("name", "pk"), PER_PAGE).get_page(number)


def without_account(patients: PatientQuerySet) -> PatientQuerySet:
    """Living patients who cannot sign in."""
    return patients.living().filter(user=None)
