"""What this app has to say on a patient's home: hello, the plan for today, the last readings."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from care import record
from care.subject import Subject, subject_or_none
from care.views.panels import fragment_or_page
from portal.access import Reader
from portal.doors import PATIENTS, for_roles, reader_of

# A home says what is new; the rest is one press away.
READINGS = 4
ACTIVITIES = 6


@require_safe
@for_roles(*PATIENTS)
def home_greeting(request: HttpRequest) -> HttpResponse:
    """Say hello, and which day of the recovery this is."""
    reader = reader_of(request)
    subject = subject_or_none(request, what="greeting")
    recovery = record.recovery(subject.patient, reader) if subject else None
    whose = "your" if subject and subject.is_own else f"{subject.first_name}’s" if subject else ""
    context = {
        "hello": _hello(timezone.localtime().hour),
        "first_name": request.user.get_short_name(),  # type: ignore[union-attr]
        "recovery": recovery.sentence(whose) if recovery else "",
    }
    return _answer(request, subject, "care/_home_greeting.html", context, "Hello")


@require_safe
@for_roles(*PATIENTS)
def home_plan(request: HttpRequest) -> HttpResponse:
    """Show what there is to do under the plans in force."""
    subject = subject_or_none(request, what="plan")
    context = _plan(subject, reader_of(request)) if subject else {}
    return _answer(request, subject, "care/_home_plan.html", context, "Plan")


@require_safe
@for_roles(*PATIENTS)
def home_readings(request: HttpRequest) -> HttpResponse:
    """Show the last readings with their age."""
    subject = subject_or_none(request, what="readings")
    context: dict[str, Any] = {}
    if subject:
        context = record.vital_signs(subject.patient, reader_of(request))
        # What is measured again and again comes first; a height has nothing new to say.
        fresh = [tile for tile in context["tiles"] if tile.trace.kind]
        fresh.sort(key=lambda tile: tile.is_old)
        context["tiles"] = fresh[:READINGS]
    return _answer(request, subject, "care/_home_readings.html", context, "Readings")


def _hello(hour: int) -> str:
    if hour < 12:
        return "Good morning"
    return "Good afternoon" if hour < 18 else "Good evening"


def _plan(subject: Subject, reader: Reader) -> dict[str, Any]:
    shown = record.plan(subject.patient, reader)
    activities = [activity for _, group in shown["active_plans"] for activity in group]
    return {
        "activities": activities[:ACTIVITIES],
        "more": max(0, len(activities) - ACTIVITIES),
        "done": sum(activity.is_done for activity in activities),
        "count": len(activities),
    }


def _answer(
    request: HttpRequest,
    subject: Subject | None,
    template: str,
    context: dict[str, Any],
    title: str,
) -> HttpResponse:
    patient = subject.patient if subject else None
    context = {**context, "subject": subject, "patient": patient, "is_team": False}
    return fragment_or_page(request, template, context, title=title)
