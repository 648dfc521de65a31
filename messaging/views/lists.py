"""Lists of conversations: the inbox, and the panels that other pages show."""

from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from messaging import actions
from messaging.inbox import LONGEST, UNANSWERED, conversations, with_last_message
from portal import access
from portal.doors import CLINICAL, PATIENTS, for_roles, patient_or_404, reader_of
from portal.models import Patient
from portal.panels import panel

ON_A_PANEL = 6


@require_safe
@for_roles(*PATIENTS, *CLINICAL)
def index(request: HttpRequest) -> HttpResponse:
    """Show the reader's conversations; as a fragment, only their list."""
    reader = reader_of(request)
    found = with_last_message(conversations(reader)[:LONGEST])
    context = {"conversations": found, "several": _several(found), "is_staff": reader.is_clinical}
    if request.headers.get("HX-Request"):
        return render(request, "messaging/_list.html", context)
    layout = "layouts/staff.html" if reader.is_clinical else "layouts/patient.html"
    return render(request, "messaging/index.html", context | {"layout": layout})


@require_safe
@for_roles(*PATIENTS, *CLINICAL)
def badge(request: HttpRequest) -> HttpResponse:
    """The number of unread messages, for the navigation."""
    return render(request, "messaging/_badge.html", {"unread": actions.unread(reader_of(request))})


@require_safe
@for_roles(*CLINICAL)
def chart_panel(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The conversations about one patient, in their chart."""
    patient = patient_or_404(request, patient_id, what="messages")
    reader = reader_of(request)
    found = with_last_message(conversations(reader, patient)[:ON_A_PANEL])
    may_write = access.writable_patients(reader).filter(pk=patient.pk).exists()
    context = {"patient": patient, "conversations": found, "may_write": may_write}
    return panel(request, "messaging/_panel.html", context, title="Messages", patient=patient)


@require_safe
@for_roles(*CLINICAL)
def dashboard(request: HttpRequest) -> HttpResponse:
    """What is unread or unanswered over all of the reader's patients."""
    reader = reader_of(request)
    needing = conversations(reader).filter(Q(unread__gt=0) | UNANSWERED)
    context = {
        "conversations": with_last_message(needing[:ON_A_PANEL]),
        "more": max(0, needing.count() - ON_A_PANEL),
        "unread": actions.unread(reader),
    }
    return panel(request, "messaging/_dashboard.html", context, title="Messages")


@require_safe
@for_roles(*PATIENTS)
def home(request: HttpRequest) -> HttpResponse:
    """The newest conversation for the patient's home, and how many messages are unread."""
    reader = reader_of(request)
    patient = _chosen(request)
    listed = with_last_message(conversations(reader, patient)[:1]) if patient else []
    context: dict[str, Any] = {
        "patient": patient,
        "conversation": listed[0] if listed else None,
        "unread": actions.unread(reader),
    }
    return panel(request, "messaging/_home.html", context, title="Messages")


@require_POST
@for_roles(*PATIENTS, *CLINICAL)
def delivery(request: HttpRequest) -> HttpResponse:
    """An open page says that what was sent to its reader has arrived."""
    actions.mark_delivered(by=reader_of(request))
    return HttpResponse(status=204)


def _several(found: list[Any]) -> bool:
    """Whether the list speaks of more than one patient, and so must name them."""
    return len({conversation.patient_id for conversation in found}) > 1


def _chosen(request: HttpRequest) -> Patient | None:
    """The patient a caregiver's page asks for (`?patient=`), or the reader's own or first."""
    asked = request.GET.get("patient", "")
    reader = reader_of(request)
    if asked:
        try:
            return patient_or_404(request, UUID(asked), what="messages")
        except ValueError:
            return None
    patients = list(access.visible_patients(reader))
    own = [patient for patient in patients if patient.user_id == reader.user_id]
    return (own or patients or [None])[0]
