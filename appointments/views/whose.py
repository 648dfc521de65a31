"""Whose visits a page of patients and caregivers is about."""

from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest
from django.utils import timezone

from notifications.models import Wishes
from portal import access
from portal.doors import patient_or_404, reader_of
from portal.models import Patient


@dataclass(frozen=True)
class Whose:
    """The patient a page is about, and everybody the reader may choose."""

    patient: Patient
    choices: list[Patient]
    is_own: bool
    may_book: bool


def whose_or_none(request: HttpRequest, *, asked: str | UUID | None = None) -> Whose | None:
    """The patient that is asked for, else of `?patient=`, else the reader, else whom they help.

    None when nobody is linked to the reader yet; 404 for a patient they may not see.
    """
    reader = reader_of(request)
    choices = sorted(
        access.visible_patients(reader),
        key=lambda patient: (patient.user_id != reader.user_id, patient.name),
    )
    asked = asked or request.GET.get("patient")
    if not asked and not choices:
        return None
    try:
        chosen = UUID(str(asked)) if asked else choices[0].pk
    except ValueError:
        raise Http404 from None
    patient = patient_or_404(request, chosen, what="visits")
    return Whose(
        patient=patient,
        choices=choices,
        is_own=patient.user_id == reader.user_id,
        may_book=access.writable_patients(reader).living().filter(pk=patient.pk).exists(),
    )


def own_zone(request: HttpRequest) -> ZoneInfo | None:
    """The zone that the reader has said they live in, where it is another than the clinic's."""
    wishes = access.of_reader(Wishes.objects.exclude(time_zone=""), reader_of(request)).first()
    here = timezone.get_current_timezone_name()
    return wishes.zone if wishes and wishes.time_zone != here else None
