"""What other pages show of alerts: the bar over every staff page, the panel of a chart."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from alerts import actions, worklist
from alerts.cards import cards_of
from alerts.models import Alert
from alerts.views.said import Said
from portal.doors import CLINICAL, for_roles, patient_or_404, reader_of
from portal.panels import panel

CLOSED_IN_CHART = 5


@require_safe
@for_roles(*CLINICAL)
def bar(request: HttpRequest) -> HttpResponse:
    """The bar alone, for its own refresh."""
    return render(request, "alerts/_bar.html", {"is_refresh": True})


def bar_answer(request: HttpRequest, found: Alert, said: Said) -> HttpResponse:
    """The bar as it stands after an act in it; without scripts, the alert's own page."""
    if not request.headers.get("HX-Request"):
        messages.info(request, said.words)
        return redirect("alerts:alert", found.pk)
    return render(request, "alerts/_bar.html", {"is_refresh": True, "said": said})


@require_POST
@for_roles(*CLINICAL)
def sightings(request: HttpRequest) -> HttpResponse:
    """The reader has had alerts before their eyes; an open page says so itself.

    A POST that the page sends once it is in front, and nothing that a GET does by the way: what a
    browser fetched ahead, or a tab in the background showed, nobody has seen.
    """
    ids = [found for text in request.POST.getlist("alert") if (found := _identifier(text))]
    actions.note_seen(ids, by=reader_of(request))
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204)
    return redirect("alerts:index")


@require_safe
@for_roles(*CLINICAL)
def chart_panel(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """A patient's alerts in their chart: all that are not closed, and the last that are."""
    patient = patient_or_404(request, patient_id, what="alerts")
    now = timezone.now()
    listed = worklist.of_patient(reader_of(request), patient.pk, now, closed=CLOSED_IN_CHART)
    context = {
        "patient": patient,
        "cards": cards_of(listed.alerts, now),
        "has_more": bool(listed.left_out),
        "now": now,
    }
    return panel(request, "alerts/_panel.html", context, title="Alerts", patient=patient)


@require_safe
@for_roles(*CLINICAL)
def chart_banner(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The banner over a patient's chart while an alert is not closed, for its own refresh."""
    patient = patient_or_404(request, patient_id, what="alerts")
    return render(request, "alerts/_patient_banner.html", {"patient": patient})


def _identifier(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
