"""Beginning a conversation."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from messaging import actions
from messaging.errors import MessagingError
from messaging.forms import NewConversationForm
from messaging.models import Category
from portal import access
from portal.doors import CLINICAL, PATIENTS, for_roles, reader_of
from portal.models import Patient


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*PATIENTS, *CLINICAL)
def new(request: HttpRequest) -> HttpResponse:
    """Ask what it is about, then for the words; send them to the care team."""
    reader = reader_of(request)
    patients = list(access.writable_patients(reader).living())
    patient = _chosen(request, patients)
    if reader.is_clinical and patient is None:
        # A clinician writes about somebody, and comes from their chart.
        return redirect("portal:patients")
    form = NewConversationForm(request.POST or None)
    if request.method == "POST" and patient is not None and form.is_valid():
        try:
            message = actions.start_conversation(
                patient.pk,
                category=Category(form.cleaned_data["category"]),
                subject=form.cleaned_data["subject"],
                body=form.cleaned_data["body"],
                key=form.cleaned_data["key"],
                by=reader,
            )
        except Patient.DoesNotExist:
            raise Http404 from None
        except MessagingError as error:
            form.add_error("body", error.sentence)
        else:
            return redirect("messaging:thread", message.conversation_id)
    context: dict[str, Any] = {
        "form": form,
        "patient": patient,
        "patients": patients,
        "is_staff": reader.is_clinical,
        "layout": "layouts/staff.html" if reader.is_clinical else "layouts/patient.html",
    }
    wrong = request.method == "POST"
    return render(request, "messaging/new.html", context, status=422 if wrong else 200)


def _chosen(request: HttpRequest, patients: list[Patient]) -> Patient | None:
    """Whom the message is about: the one asked for, or the only one there is."""
    asked = request.POST.get("patient") or request.GET.get("patient")
    if not asked:
        reader = reader_of(request)
        own = [patient for patient in patients if patient.user_id == reader.user_id]
        if reader.is_clinical:
            return None
        return (own or (patients if len(patients) == 1 else []) or [None])[0]
    try:
        patient_id = UUID(asked)
    except ValueError:
        raise Http404 from None
    for patient in patients:
        if patient.pk == patient_id:
            return patient
    raise Http404
