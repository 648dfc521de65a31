"""Beginning a conversation."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from messaging import actions
from messaging.errors import AlreadySent, MessagingError
from messaging.forms import NewConversationForm
from messaging.models import Category
from messaging.views.asked import identifier
from portal import access
from portal.doors import CLINICAL, PATIENTS, for_roles, patient_or_404, reader_of
from portal.models import Patient


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*PATIENTS, *CLINICAL)
def new(request: HttpRequest) -> HttpResponse:
    """Ask what it is about, then for the words; send them to the care team."""
    reader = reader_of(request)
    asked = identifier(request.POST, "patient") or identifier(request.GET, "patient")
    if reader.is_clinical and asked is None:
        # A clinician writes about somebody, and comes from their chart.
        return redirect("portal:patients")
    patient = patient_or_404(request, asked, what="messages") if asked else None
    choices = [patient] if patient and reader.is_clinical else _choices(request)
    if patient is None and len(choices) == 1:
        patient = choices[0]
    unreached = [] if reader.is_clinical else _unreached(request, choices)
    form = NewConversationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if patient is None:
            form.add_error(None, "Please choose who it is about.")
        elif form.is_valid() and (sent := _send(request, patient, form)):
            return sent
    context = {
        "form": form,
        "patient": patient,
        # Whoever was chosen stays chosen, also when their words turn out to reach nobody.
        "choices": [each for each in choices if each not in unreached or each == patient],
        "unreached": unreached,
        "is_unreached": bool(choices) and (patient in unreached or len(unreached) == len(choices)),
        "team": _team(request, patient),
        "may_write": any(_may_write(request, someone) for someone in choices),
    }
    template = "messaging/new_staff.html" if reader.is_clinical else "messaging/new.html"
    return render(request, template, context, status=422 if request.method == "POST" else 200)


def _send(request: HttpRequest, patient: Patient, form: NewConversationForm) -> HttpResponse | None:
    try:
        message = actions.start_conversation(
            patient.pk,
            category=Category(form.cleaned_data["category"]),
            subject=form.cleaned_data["subject"],
            body=form.cleaned_data["body"],
            key=form.cleaned_data["key"],
            by=reader_of(request),
        )
    except Patient.DoesNotExist:
        raise Http404 from None
    except MessagingError as error:
        form.refuse(error.sentence, new_key=isinstance(error, AlreadySent))
        return None
    return redirect(reverse("messaging:thread", args=[message.conversation_id]) + "#end")


def _choices(request: HttpRequest) -> list[Patient]:
    """Whom a patient or caregiver may write about, themselves first."""
    reader = reader_of(request)
    return sorted(
        access.writable_patients(reader).living(),
        key=lambda patient: (patient.user_id != reader.user_id, patient.name),
    )


def _may_write(request: HttpRequest, patient: Patient) -> bool:
    writable = access.writable_patients(reader_of(request)).living()
    return writable.filter(pk=patient.pk).exists()


def _unreached(request: HttpRequest, choices: list[Patient]) -> list[Patient]:
    """Those for whom nothing can be written: nobody of their care team can sign in and read it."""
    places = access.reachable_places(reader_of(request)).filter(patient__in=choices)
    read = set(places.values_list("patient_id", flat=True))
    return [patient for patient in choices if patient.pk not in read]


def _team(request: HttpRequest, patient: Patient | None) -> list[Any]:
    """Who will read it: said before the writing, not after."""
    if patient is None:
        return []
    reader = reader_of(request)
    places = access.of_visible_patients(access.reachable_places(reader), reader)
    return list(
        places.filter(patient=patient).select_related("provider").order_by("provider__name")
    )
