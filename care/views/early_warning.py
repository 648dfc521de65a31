"""NEWS2 on the chart, with everything it rests on; and the oxygen target that decides its scale."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from care import oxygen_target as targets
from care.models import EarlyWarningScore, OxygenTarget
from care.news2 import ACKNOWLEDGEMENT, YOUNGEST, Parameter
from care.views.panels import fragment_or_page
from care.vital_signs import DAY
from portal.access import of_visible_patients
from portal.doors import CLINICAL, for_roles, patient_or_404, reader_of

HISTORY = 8

# As the chart calls them, with the unit of the value.
NAMES = {
    Parameter.RESPIRATION: ("Respiration", "/min"),
    Parameter.SATURATION: ("SpO₂", "%"),
    Parameter.OXYGEN: ("Air or oxygen", ""),
    Parameter.SYSTOLIC: ("Systolic", "mmHg"),
    Parameter.PULSE: ("Pulse", "/min"),
    Parameter.CONSCIOUSNESS: ("Consciousness", ""),
    Parameter.TEMPERATURE: ("Temperature", "°C"),
}


@dataclass(frozen=True)
class Part:
    """One of the seven, as the panel shows it."""

    name: str
    value: str
    unit: str
    points: int | None
    at: datetime | None


@require_safe
@for_roles(*CLINICAL)
def panel_early_warning(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Show the latest score with its parts, what is missing, and how the chart answers it."""
    patient = patient_or_404(request, patient_id, what="NEWS2")
    reader = reader_of(request)
    scores = list(
        of_visible_patients(EarlyWarningScore.objects.valid(), reader)
        .filter(patient=patient)
        .order_by("-scored_at")[: HISTORY + 1]
    )
    latest = scores[0] if scores else None
    target = (
        of_visible_patients(OxygenTarget.objects.in_force(timezone.now()), reader)
        .filter(patient=patient)
        .select_related("prescribed_by")
        .first()
    )
    context = {
        "patient": patient,
        "is_team": True,
        "score": latest,
        "parts": _parts(latest) if latest else [],
        "missing": [NAMES[Parameter(each)][0] for each in latest.missing] if latest else [],
        "is_old": bool(latest and timezone.now() - latest.scored_at > DAY),
        "history": scores[1:],
        "target": target,
        "may_prescribe": targets.prescribable_patients(reader).filter(pk=patient.pk).exists(),
        "is_child": patient.age < YOUNGEST,
        "acknowledgement": ACKNOWLEDGEMENT,
    }
    return fragment_or_page(request, "care/assessments/_news2.html", context, title="NEWS2")


@require_POST
@for_roles(*CLINICAL)
def oxygen_target(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Prescribe the target of 88-92 % for the reason given, or end it (`end`)."""
    reader = reader_of(request)
    if not targets.prescribable_patients(reader).filter(pk=patient_id).exists():
        raise Http404
    reason = " ".join(request.POST.get("reason", "").replace("\0", " ").split())[:300]
    if "end" in request.POST:
        targets.end(patient_id, by=reader)
    elif reason:
        targets.prescribe(patient_id, reason=reason, by=reader)
    else:
        messages.error(request, "A target needs a reason.")
    return redirect("care:panel_early_warning", patient_id)


def _parts(score: EarlyWarningScore) -> list[Part]:
    parts = []
    for parameter, (name, unit) in NAMES.items():
        kept = score.inputs.get(parameter.value)
        value = kept["value"] if kept else ""
        parts.append(
            Part(
                name=name,
                value=value.capitalize() if kept and not unit else value,
                unit=unit,
                points=score.parts.get(parameter.value),
                at=datetime.fromisoformat(kept["at"]) if kept else None,
            )
        )
    return parts
