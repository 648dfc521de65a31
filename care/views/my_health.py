"""“Health”: what the clinic knows about a patient, in their words."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from care import record
from care.subject import subject_or_none
from care.views.panels import CONDITIONS, ENCOUNTERS, LABORATORY, MEDICATIONS, PLAN, VITALS
from portal.doors import PATIENTS, for_roles, reader_of

SHOWN = (VITALS, PLAN, MEDICATIONS, CONDITIONS, LABORATORY, ENCOUNTERS)


@require_safe
@for_roles(*PATIENTS)
def my_health(request: HttpRequest) -> HttpResponse:
    """Show every panel on one page; each stays alive by itself."""
    subject = subject_or_none(request, what="my health")
    if subject is None:
        return render(request, "care/my_health.html", {"subject": None})
    reader = reader_of(request)
    context = {
        "subject": subject,
        "patient": subject.patient,
        "is_team": False,
        "recovery": record.recovery(subject.patient, reader),
        "panels": SHOWN,
    }
    for panel in SHOWN:
        context |= panel.contents(subject.patient, reader)
    return render(request, "care/my_health.html", context)
