"""The trend of one thing measured: a plot, and the same figures as a table."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from care import record
from care.analytes import analyte_of
from care.happenings import happenings
from care.models import Result, VitalSign
from care.plots.overlay import Band, Mark, Overlay, Ring, overlay_of
from care.plots.trend import Plot, Point, Series, plot_of, within
from care.readings import (
    Reading,
    Trace,
    judged,
    normal_in_words,
    normal_limits,
    range_in_words,
)
from care.units import figure, written
from care.vital_signs import Kind, Limits, codes_like, kind_of
from care.wording import meaning_of, name_of_test
from portal.access import Reader, of_visible_patients
from portal.doors import members_only, patient_or_404, reader_of
from portal.models import Patient

# The spans that a page offers, the shortest first; None is everything.
SPANS: dict[str, tuple[str, timedelta | None]] = {
    "week": ("7 days", timedelta(days=7)),
    "month": ("30 days", timedelta(days=30)),
    "year": ("1 year", timedelta(days=365)),
    "all": ("All", None),
}
# Below this a plot has no shape, and the next longer span is shown.
ENOUGH = 3


@dataclass(frozen=True)
class Subject:
    """What a trend is of: rows of one table with some codes, and the words for it."""

    model: type[VitalSign] | type[Result]
    codes: frozenset[str]
    kind: Kind | None
    name: str
    address: str


@require_safe
@members_only
def trend(request: HttpRequest, patient_id: UUID, code: str) -> HttpResponse:
    """Show one vital sign over `?span=`: by default the shortest span that has a shape."""
    patient = patient_or_404(request, patient_id, what="trend")
    kind = kind_of(code)
    is_team = reader_of(request).is_staff
    name = (kind.name if is_team else kind.plain_name) if kind else ""
    address = reverse("care:trend", args=[patient.pk, kind.code if kind else code])
    subject = Subject(VitalSign, frozenset(codes_like(code)), kind, name, address)
    return _answer(request, patient, subject)


@require_safe
@members_only
def result_trend(request: HttpRequest, patient_id: UUID, result_id: UUID) -> HttpResponse:
    """Show every result of the test that one result is of."""
    patient = patient_or_404(request, patient_id, what="trend")
    results = of_visible_patients(Result.objects.all(), reader_of(request))
    result = results.filter(patient=patient, pk=result_id).first()
    if result is None:
        raise Http404
    analyte = analyte_of(result.code)
    codes = analyte.codes if analyte else frozenset({result.code})
    name = analyte.name if analyte else name_of_test(result.display)
    address = reverse("care:result_trend", args=[patient.pk, result.pk])
    return _answer(request, patient, Subject(Result, codes, None, name, address))


def _answer(request: HttpRequest, patient: Patient, subject: Subject) -> HttpResponse:
    reader = reader_of(request)
    span, trace = _chosen(request.GET.get("span", ""), patient, reader, subject)
    if trace is None and subject.kind is None:
        raise Http404
    context = {
        "patient": patient,
        "is_team": reader.is_staff,
        "is_vital_sign": subject.model is VitalSign,
        "table": subject.model._meta.db_table,
        "address": subject.address,
        "sign": subject.name or (trace.name if trace else ""),
        "meaning": meaning_of(subject.kind.code) if subject.kind else "",
        "is_pressure": bool(subject.kind and subject.kind.has_components),
        "span": span,
        "spans": [(key, words) for key, (words, _) in SPANS.items()],
        "span_words": SPANS[span][0],
        **_shown(trace, patient, reader, subject, span),
    }
    if request.htmx and not request.htmx.boosted:  # type: ignore[attr-defined]
        return render(request, "care/_trend.html", context)
    return render(request, "care/trend.html", context)


def _shown(
    trace: Trace | None, patient: Patient, reader: Reader, subject: Subject, span: str
) -> dict[str, Any]:
    """The readings with their flags, the plot, and what is marked on it: the same in both."""
    kind = subject.kind
    unit = written(kind.unit) if kind else trace.latest.unit if trace else ""
    normal = normal_in_words(kind, patient.age) if kind else _own_range(trace)
    if trace is None:
        return {"unit": unit, "normal": normal, "readings": [], "plot": None, "rows": []}
    overlay = overlay_of(patient, reader, subject.codes | _part_codes(kind), _since(span))
    bands = [*_normal_bands(trace, kind, patient), *overlay.bands]
    readings = [judged(each, bands) for each in trace.readings]
    happened = happenings(patient, reader, _since(span)) if reader.is_staff else []
    marks = [*happened, *overlay.marks]
    plot = _plot(trace, readings, kind, bands, marks)
    latest = next((each for each in readings if each.is_plausible), readings[0])
    return {
        "unit": unit,
        "normal": normal,
        "critical": _critical_in_words(overlay, kind),
        "readings": readings,
        "latest": latest,
        "is_cut": len(readings) == record.TREND_READINGS,
        "plot": plot,
        "rows": _rows(readings, marks if plot else []),
    }


def _since(span: str) -> datetime | None:
    length = SPANS[span][1]
    return timezone.now() - length if length else None


def _chosen(
    asked: str, patient: Patient, reader: Reader, subject: Subject
) -> tuple[str, Trace | None]:
    """The span that was asked for, else the shortest that has a shape, with its readings."""
    spans = [asked] if asked in SPANS else list(SPANS)
    trace = None
    for span in spans:
        trace = record.trend(subject.model, patient, reader, subject.codes, _since(span))
        if trace is not None and len(trace.readings) >= ENOUGH:
            return span, trace
    return spans[-1], trace


def _part_codes(kind: Kind | None) -> frozenset[str]:
    return frozenset(part.code for part in kind.parts) if kind else frozenset()


def _normal_bands(trace: Trace, kind: Kind | None, patient: Patient) -> list[Band]:
    if kind is not None:
        limits = normal_limits(kind, patient.age)
        codes = [part.code for part in kind.parts]
        return [Band(code, each, Ring.NORMAL) for code, each in zip(codes, limits, strict=False)]
    row = trace.latest.row
    if row.range_low is None and row.range_high is None:
        return []
    return [Band(row.code, Limits(row.range_low, row.range_high), Ring.NORMAL)]


def _own_range(trace: Trace | None) -> str:
    """The range that the laboratory gave with its newest result."""
    row = trace.latest.row if trace else None
    if row is None or (row.range_low is None and row.range_high is None):
        return ""
    return range_in_words(Limits(row.range_low, row.range_high))


def _critical_in_words(overlay: Overlay, kind: Kind | None) -> str:
    """“2.8 or less, 6 or more”."""
    places = kind.places if kind else None
    critical = [band for band in overlay.bands if band.ring is Ring.CRITICAL]
    many = kind.parts if kind and kind.has_components else ()
    names = {part.code: part.name.lower() for part in many}
    return ", ".join(
        f"{names.get(band.code, '')} {range_in_words(band.limits, places)}".strip()
        for band in critical
    )


def _plot(
    trace: Trace,
    readings: Iterable[Reading],
    kind: Kind | None,
    bands: list[Band],
    marks: list[Mark],
) -> Plot | None:
    """What was put aside is in the table alone: drawn, it would squeeze everything else."""
    drawn = [each for each in reversed(list(readings)) if each.numbers and each.is_plausible]
    if not drawn:
        return None
    normal = [band.limits for band in bands if band.ring is Ring.NORMAL]
    names = [part.name for part in kind.parts] if kind else [trace.name]
    codes = [part.code for part in kind.parts] if kind else [trace.code]
    normals = [range_in_words(each, kind.places) for each in normal] if kind else []
    series = [
        Series(
            name,
            [_point(each, index, names) for each in drawn if len(each.numbers) > index],
            normals[index] if index < len(normals) else "",
            codes[index],
        )
        for index, name in enumerate(names)
    ]
    many = "1 reading" if len(drawn) == 1 else f"{len(drawn)} readings"
    return plot_of(
        series,
        bands=bands,
        marks=marks,
        zone=timezone.get_current_timezone(),
        summary=(
            f"{trace.name}, {many} from {_day(drawn[0].at)} to {_day(drawn[-1].at)}."
            f" Last: {drawn[-1].text}."
        ),
    )


def _rows(readings: list[Reading], marks: list[Mark]) -> list[Reading | Mark]:
    """Readings and what happened between them, newest first."""
    drawn = [each.at for each in readings if each.numbers and each.is_plausible]
    between = within(marks, min(drawn), max(drawn)) if drawn else []
    return sorted([*readings, *between], key=lambda each: each.at, reverse=True)


def _point(reading: Reading, index: int, names: list[str]) -> Point:
    """One number of a reading, with a label that says all of it."""
    kind = kind_of(reading.row.code)
    flag = reading.flags[index] if index < len(reading.flags) else ""
    number = figure(reading.numbers[index], kind.places if kind else None)
    which = f"{names[index].lower()} " if len(names) > 1 else ""
    words = f"{_when(reading)}: {which}{number} {reading.unit}".rstrip()
    said = flag.replace("-", " ")
    return Point(reading.at, reading.numbers[index], f"{words}, {said}" if flag else words, flag)


def _when(reading: Reading) -> str:
    local = timezone.localtime(reading.at)
    return f"{_day(local)}, {local:%H:%M}" if reading.row.time_is_known else _day(local)


def _day(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{local.day} {local:%b %Y}"
