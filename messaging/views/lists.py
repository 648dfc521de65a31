"""Lists of conversations: the inbox, and the panels that other pages show."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from messaging import actions
from messaging.inbox import conversations, most_needed, others, page_of, rows, waiting
from messaging.views.asked import chosen_patient, identifier
from portal import access, audit
from portal.doors import (
    CLINICAL,
    PATIENTS,
    for_roles,
    members_only,
    note_glance,
    patient_or_404,
    reader_of,
)
from portal.panels import panel

ON_A_PANEL = 6


@require_safe
@members_only
def index(request: HttpRequest) -> HttpResponse:
    """Show the reader's conversations; as a fragment, only their list."""
    reader = reader_of(request)
    fragment = bool(request.headers.get("HX-Request"))
    if reader.is_admin:
        return render(request, "messaging/index_admin.html")
    if reader.is_clinical:
        context = inbox(request, current=identifier(request.GET, "current"))
        name = "messaging/_inbox.html" if fragment else "messaging/index_staff.html"
        return render(request, name, context)
    found = page_of(conversations(reader), request.GET.get("page", "1"))
    _record(request, len(found.object_list))
    context = {
        "listed": found,
        "unread": actions.unread(reader),
        "arriving": actions.undelivered(reader),
        "names_patients": access.visible_patients(reader).count() > 1,
        "may_write": access.writable_patients(reader).living().exists(),
    }
    return render(request, "messaging/_list.html" if fragment else "messaging/index.html", context)


def inbox(request: HttpRequest, *, current: UUID | None) -> dict[str, Any]:
    """What the clinician's list needs; `current` is the conversation that stands beside it."""
    reader = reader_of(request)
    found = conversations(reader)
    number = request.GET.get("page", "1")
    unanswered = rows(waiting(found)) if number == "1" else []
    rest = page_of(others(found), number)
    _record(request, len(unanswered) + len(rest.object_list))
    return {
        "waiting": unanswered,
        "listed": rest,
        "unread": actions.unread(reader),
        "arriving": actions.undelivered(reader),
        "current": current,
    }


@require_safe
@members_only
def badge(request: HttpRequest) -> HttpResponse:
    """The number of unread messages, for the navigation."""
    return render(request, "messaging/_badge.html", {"unread": actions.unread(reader_of(request))})


@require_safe
@for_roles(*CLINICAL)
def chart_panel(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The conversations about one patient, in their chart."""
    patient = patient_or_404(request, patient_id, what="messages")
    reader = reader_of(request)
    found = conversations(reader, patient)
    in_chart = bool(request.headers.get("HX-Request"))
    listed = rows(found[: ON_A_PANEL + 1] if in_chart else found)
    context = {
        "patient": patient,
        "listed": listed[:ON_A_PANEL] if in_chart else listed,
        "has_more": in_chart and len(listed) > ON_A_PANEL,
        "may_write": access.writable_patients(reader).filter(pk=patient.pk).exists(),
    }
    return panel(request, "messaging/_panel.html", context, title="Messages", patient=patient)


@require_safe
@for_roles(*CLINICAL)
def dashboard(request: HttpRequest) -> HttpResponse:
    """What is unread or unanswered over all of the reader's patients."""
    reader = reader_of(request)
    needed = most_needed(conversations(reader))
    listed = rows(needed[:ON_A_PANEL])
    patients = {row.conversation.patient_id for row in listed}
    note_glance(request, what="messages", patients=len(patients))
    context = {
        "listed": listed,
        "more": max(0, needed.count() - ON_A_PANEL),
        "unread": actions.unread(reader),
        "arriving": actions.undelivered(reader),
    }
    return panel(request, "messaging/_dashboard.html", context, title="Messages")


@require_safe
@for_roles(*PATIENTS)
def home(request: HttpRequest) -> HttpResponse:
    """The newest unread conversation, for the patient's home: who wrote, the first line, when."""
    reader = reader_of(request)
    patient = chosen_patient(request, what="messages")
    listed = rows(conversations(reader, patient).filter(unread__gt=0)[:2]) if patient else []
    context = {
        "patient": patient,
        "row": listed[0] if listed else None,
        "has_more": len(listed) > 1,
        "unread": actions.unread(reader),
        "arriving": actions.undelivered(reader),
    }
    return panel(request, "messaging/_home.html", context, title="Messages")


@require_POST
@members_only
def delivery(request: HttpRequest) -> HttpResponse:
    """An open page says that what was sent to its reader has arrived."""
    actions.mark_delivered(by=reader_of(request))
    return HttpResponse(status=204)


def _record(request: HttpRequest, number: int) -> None:
    """Put the reading of a list on record, once for each page."""
    reader = reader_of(request)
    if number and request.page.must_record("messages"):  # type: ignore[attr-defined]
        audit.record(
            "messages.listed",
            organization_id=reader.organization_id,
            actor_id=reader.user_id,
            conversations=number,
        )
