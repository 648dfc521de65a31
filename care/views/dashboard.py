"""A clinician's patients at a glance: the last readings and how old they are."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from care.models import EarlyWarningScore, Measurement, Procedure, VitalSign
from care.readings import Reading, reading_of
from care.recovery import Recovery, recovery_of
from care.views.panels import fragment_or_page
from care.vital_signs import BLOOD_PRESSURE, DAY, Kind, kind_of
from portal.access import Reader, care_team_patients, of_visible_patients
from portal.doors import CLINICAL, for_roles, note_glance, reader_of
from portal.models import Patient

# The columns of the table, in the order of an observation chart.
COLUMNS = (
    (BLOOD_PRESSURE, "BP"),
    ("8867-4", "HR"),
    ("59408-5", "SpO₂"),
    ("8310-5", "Temp"),
    ("72514-3", "Pain"),
)
# A score speaks of the day it was made; the chart has those before.
SCORE_HOLDS = DAY
# Somebody recovering at home measures every day.
STALE_AFTER = DAY
PATIENTS = 60


@dataclass(frozen=True)
class Cell:
    """One latest value in the table, and what it is where no column says so."""

    label: str
    reading: Reading | None
    is_old: bool


@dataclass(frozen=True)
class Row:
    """One patient in the table."""

    patient: Patient
    recovery: Recovery | None
    score: EarlyWarningScore | None  # of the last day, where it asks for an answer for certain
    cells: list[Cell]
    last_at: datetime | None
    silence: timedelta | None

    @property
    def is_stale(self) -> bool:
        """Whether nothing was measured for too long."""
        return self.silence is None or self.silence > STALE_AFTER

    @property
    def silence_words(self) -> str:
        """For how long nothing was measured: “2 days”, “14 hours”."""
        silence = self.silence or timedelta()
        days = silence.days
        counts = ((days // 365, "year"), (days // 30, "month"), (days, "day"))
        # From two on: “13 months” says more than “1 year”.
        number, unit = next(
            ((count, unit) for count, unit in counts if count > 1 or (unit == "day" and count)),
            (silence.seconds // 3600, "hour"),
        )
        return f"{number} {unit}{'' if number == 1 else 's'}"


@require_safe
@for_roles(*CLINICAL)
def dashboard_patients(request: HttpRequest) -> HttpResponse:
    """Show the reader's living patients by name: rows keep their place while values change."""
    reader = reader_of(request)
    patients = list(care_team_patients(reader).living()[: PATIENTS + 1])
    note_glance(request, what="readings", patients=len(patients[:PATIENTS]))
    context = {
        "columns": [(kind_of(code), short) for code, short in COLUMNS],
        "rows": _rows(patients[:PATIENTS], reader),
        "has_more": len(patients) > PATIENTS,
        "checked_at": timezone.now(),
        "is_team": True,
    }
    return fragment_or_page(request, "care/_dashboard_patients.html", context, title="My patients")


def _rows(patients: list[Patient], reader: Reader) -> list[Row]:
    """Three queries for all of them."""
    ids = [patient.pk for patient in patients]
    procedures: dict[object, list[Procedure]] = {each: [] for each in ids}
    recent = of_visible_patients(Procedure.objects.done(), reader).filter(
        patient_id__in=ids, performed_at__gte=timezone.now() - timedelta(days=120)
    )
    for procedure in recent:
        procedures[procedure.patient_id].append(procedure)
    latest: dict[object, list[Measurement]] = {each: [] for each in ids}
    newest = (
        of_visible_patients(VitalSign.objects.used(), reader)
        .filter(patient_id__in=ids)
        .order_by("patient_id", "code", "-measured_at")
        .distinct("patient_id", "code")
    )
    for row in newest:
        latest[row.patient_id].append(row)
    scores = {
        score.patient_id: score
        for score in of_visible_patients(EarlyWarningScore.objects.valid(), reader)
        .filter(patient_id__in=ids, scored_at__gt=timezone.now() - SCORE_HOLDS)
        .order_by("patient_id", "-scored_at")
        .distinct("patient_id")
    }
    return [
        _row(each, procedures[each.pk], latest[each.pk], scores.get(each.pk)) for each in patients
    ]


def _row(
    patient: Patient,
    procedures: list[Procedure],
    latest: list[Measurement],
    score: EarlyWarningScore | None,
) -> Row:
    now = timezone.now()
    newest: dict[Kind, Measurement] = {}
    for measurement in sorted(latest, key=lambda each: each.measured_at):
        if kind := kind_of(measurement.code):
            newest[kind] = measurement
    last_at = max((each.measured_at for each in latest), default=None)
    cells = []
    for code, short in COLUMNS:
        kind = kind_of(code)
        row = newest.get(kind) if kind else None
        reading = reading_of(row, age=patient.age) if row else None
        is_old = bool(reading and kind and reading.is_old(now, kind.fresh_for))
        label = f"{short} {kind.written_unit}".strip() if kind else short
        cells.append(Cell(label, reading, is_old))
    return Row(
        patient=patient,
        recovery=recovery_of(
            procedures, today=timezone.localdate(), zone=timezone.get_current_timezone()
        ),
        # An incomplete score with a low sum would reassure, and must not.
        score=score if score and score.band else None,
        cells=cells,
        last_at=last_at,
        silence=now - last_at if last_at else None,
    )
