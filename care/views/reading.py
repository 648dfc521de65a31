"""One vital sign: what it says and said before, where it came from; put right or taken back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from care.actions import correct_vital_sign, withdraw_vital_sign
from care.errors import ImplausibleReading, ReadingError
from care.forms import CorrectionForm, WithdrawalForm
from care.models import Correction, VitalSign
from care.models.measurement import WITHDRAWN
from care.readings import changes_in_words, reading_of
from care.vital_signs import kind_of
from care.wording import in_plain_words, why_not
from portal.access import of_visible_patients, of_writable_patients
from portal.doors import members_only, patient_or_404, reader_of
from portal.models import Patient


@require_safe
@members_only
def reading(request: HttpRequest, patient_id: UUID, reading_id: UUID) -> HttpResponse:
    """Show one reading; after it was saved, say so and what happens next."""
    patient, row = _found(request, patient_id, reading_id)
    return render(request, "care/reading.html", _context(request, patient, row))


@require_http_methods(["GET", "HEAD", "POST"])
@members_only
def correct_reading(request: HttpRequest, patient_id: UUID, reading_id: UUID) -> HttpResponse:
    """Ask what the reading should say, and why."""
    patient, row = _found(request, patient_id, reading_id)
    kind, is_team = kind_of(row.code), reader_of(request).is_staff
    if not _may_change(request, row) or kind is None:
        raise Http404
    if row.status in WITHDRAWN:
        return redirect("care:reading", patient.pk, row.pk)
    form = CorrectionForm(
        kind, row, request.POST if request.method == "POST" else None, is_team=is_team
    )
    if request.method == "POST" and form.is_valid():
        try:
            correct_vital_sign(
                row.pk,
                form.taken,
                measured_at=_time(form.cleaned_data["at"], row),
                reason=form.cleaned_data["reason"],
                by=reader_of(request),
            )
            return redirect("care:reading", patient.pk, row.pk)
        except VitalSign.DoesNotExist:
            raise Http404 from None
        except ImplausibleReading:
            form.asked = [form.typed]
        except ReadingError as error:
            form.add_error(None, str(error) if is_team else why_not(error))
    context = _context(request, patient, row) | {"form": form, "kind": kind}
    status = 422 if request.method == "POST" else 200
    return render(request, "care/correct_reading.html", context, status=status)


@require_POST
@members_only
def withdraw_reading(request: HttpRequest, patient_id: UUID, reading_id: UUID) -> HttpResponse:
    """Take a reading back."""
    patient, row = _found(request, patient_id, reading_id)
    if not _may_change(request, row):
        raise Http404
    form = WithdrawalForm(request.POST, is_team=reader_of(request).is_staff)
    if not form.is_valid():
        context = _context(request, patient, row) | {"withdrawal": form}
        return render(request, "care/reading.html", context, status=422)
    try:
        withdraw_vital_sign(row.pk, reason=form.cleaned_data["reason"], by=reader_of(request))
    except VitalSign.DoesNotExist:
        raise Http404 from None
    return redirect("care:reading", patient.pk, row.pk)


def _time(typed: datetime, row: VitalSign) -> datetime:
    """When it was measured: the field knows minutes only, and one left alone changes nothing."""
    kept = row.measured_at.replace(second=0, microsecond=0)
    return row.measured_at if typed == kept else typed


def _found(request: HttpRequest, patient_id: UUID, reading_id: UUID) -> tuple[Patient, VitalSign]:
    patient = patient_or_404(request, patient_id, what="reading")
    rows = of_visible_patients(VitalSign.objects.all(), reader_of(request))
    row = rows.filter(patient=patient, pk=reading_id).select_related("recorded_by").first()
    if row is None:
        raise Http404
    return patient, row


def _may_change(request: HttpRequest, row: VitalSign) -> bool:
    """As `care.actions` has it: one's own, or as the care team any."""
    reader = reader_of(request)
    if not reader.is_clinical and row.recorded_by_id != reader.user_id:
        return False
    return of_writable_patients(VitalSign.objects.all(), reader).filter(pk=row.pk).exists()


def _context(request: HttpRequest, patient: Patient, row: VitalSign) -> dict[str, Any]:
    reader = reader_of(request)
    kind = kind_of(row.code)
    shown = reading_of(row, age=patient.age_on(row.measured_at.date()))
    corrections = of_visible_patients(Correction.objects.all(), reader).filter(
        patient=patient, table=VitalSign._meta.db_table, row_id=row.pk
    )
    is_withdrawn = row.status in WITHDRAWN
    return {
        "patient": patient,
        "is_team": reader.is_staff,
        "reading": shown,
        "words": in_plain_words(shown),
        "sign": (kind.name if reader.is_staff else kind.plain_name) if kind else row.display,
        "has_trend": kind is not None,
        "is_withdrawn": is_withdrawn,
        "may_change": not is_withdrawn and kind is not None and _may_change(request, row),
        "corrections": [
            (each, changes_in_words(each.was, kind)) for each in corrections.select_related("by")
        ],
        "was_saved": "saved" in request.GET and not is_withdrawn,
        "withdrawal": WithdrawalForm(is_team=reader.is_staff),
    }
