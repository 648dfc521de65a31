"""A clinician enters a set of vital signs."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from care.actions import implausible_codes, record_vital_signs
from care.errors import ImplausibleReading, ReadingError
from care.forms import RoundForm
from care.models import Source
from portal.access import writable_patients
from portal.doors import CLINICAL, for_roles, patient_or_404, reader_of
from portal.models import Patient


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*CLINICAL)
def new_round(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Ask for everything that was measured at one time; save all of it or nothing."""
    patient = patient_or_404(request, patient_id, what="vital signs")
    form = RoundForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _is_saved(request, patient, form):
        return redirect("portal:chart", patient.pk)
    may_record = writable_patients(reader_of(request)).living().filter(pk=patient.pk).exists()
    context = {"patient": patient, "is_team": True, "form": form, "may_record": may_record}
    status = 422 if request.method == "POST" else 200
    return render(request, "care/new_round.html", context, status=status)


def _is_saved(request: HttpRequest, patient: Patient, form: RoundForm) -> bool:
    at = form.cleaned_data["at"]
    try:
        rows = record_vital_signs(
            patient.pk,
            form.taken,
            measured_at=at,
            by=reader_of(request),
            source=Source.CLINICIAN,
            key=form.cleaned_data["key"],
        )
    except Patient.DoesNotExist:
        raise Http404 from None
    except ImplausibleReading:
        # All of them at once: a question for each would make somebody press six times.
        form.asked = [form.typed(code) for code in implausible_codes(form.taken, at)]
        return False
    except ReadingError as error:
        form.add_error(None, str(error))
        return False
    many = "1 reading" if len(rows) == 1 else f"{len(rows)} readings"
    messages.success(request, f"Saved {many} of {timezone.localtime(at):%H:%M}.")
    return True
