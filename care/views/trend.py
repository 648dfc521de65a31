"""The trend of one vital sign: a plot, and the same figures as a table."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from care import record
from care.plots.trend import Plot, Point, Series, plot_of
from care.readings import Reading, Trace, normal_in_words, normal_limits, range_in_words
from care.units import figure, written
from care.vital_signs import Kind, codes_like, kind_of
from care.wording import meaning_of
from portal.access import Reader
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


@require_safe
@members_only
def trend(request: HttpRequest, patient_id: UUID, code: str) -> HttpResponse:
    """Show one vital sign over `?span=`: by default the shortest span that has a shape."""
    patient = patient_or_404(request, patient_id, what="trend")
    reader = reader_of(request)
    kind = kind_of(code)
    span, trace = _chosen(request.GET.get("span", ""), patient, reader, codes_like(code))
    if trace is None and kind is None:
        raise Http404
    readings = list(trace.readings) if trace else []
    context = {
        "patient": patient,
        "is_team": reader.is_staff,
        "code": kind.code if kind else code,
        "sign": _sign(kind, trace, for_patient=not reader.is_staff),
        "unit": _unit(kind, trace),
        "normal": normal_in_words(kind, patient.age) if kind else "",
        "meaning": meaning_of(code),
        "readings": readings,
        "is_cut": len(readings) == record.TREND_READINGS,
        "is_pressure": bool(kind and kind.has_components),
        "plot": _plot(trace, kind, patient) if trace else None,
        "span": span,
        "span_words": SPANS[span][0],
        "spans": [(key, words) for key, (words, _) in SPANS.items()],
    }
    if request.htmx and not request.htmx.boosted:  # type: ignore[attr-defined]
        return render(request, "care/_trend.html", context)
    return render(request, "care/trend.html", context)


def _chosen(
    asked: str, patient: Patient, reader: Reader, codes: Sequence[str]
) -> tuple[str, Trace | None]:
    """The span that was asked for, else the shortest that has a shape, with its readings."""
    spans = [asked] if asked in SPANS else list(SPANS)
    trace = None
    for span in spans:
        length = SPANS[span][1]
        since = timezone.now() - length if length else None
        trace = record.trend(patient, reader, codes, since)
        if trace is not None and len(trace.readings) >= ENOUGH:
            return span, trace
    return spans[-1], trace


def _sign(kind: Kind | None, trace: Trace | None, *, for_patient: bool) -> str:
    if kind is not None:
        return kind.plain_name if for_patient else kind.name
    return trace.name if trace else ""


def _unit(kind: Kind | None, trace: Trace | None) -> str:
    if kind is not None:
        return written(kind.unit)
    return trace.latest.unit if trace else ""


def _plot(trace: Trace, kind: Kind | None, patient: Patient) -> Plot | None:
    drawn = [each for each in reversed(trace.readings) if each.numbers]
    if not drawn:
        return None
    limits = normal_limits(kind, patient.age) if kind else []
    names = [part.name for part in kind.parts] if kind else [trace.name]
    normals = [range_in_words(each, kind.places) for each in limits] if kind else []
    series = [
        Series(
            name,
            [_point(each, index, names) for each in drawn if len(each.numbers) > index],
            normals[index] if index < len(normals) else "",
        )
        for index, name in enumerate(names)
    ]
    many = "1 reading" if len(drawn) == 1 else f"{len(drawn)} readings"
    return plot_of(
        series,
        bands=limits,
        zone=timezone.get_current_timezone(),
        summary=(
            f"{trace.name}, {many} from {_day(drawn[0].at)} to {_day(drawn[-1].at)}."
            f" Last: {drawn[-1].text}."
        ),
    )


def _point(reading: Reading, index: int, names: list[str]) -> Point:
    """One number of a reading, with a label that says all of it."""
    kind = kind_of(reading.row.code)
    flag = reading.flags[index] if index < len(reading.flags) else ""
    number = figure(reading.numbers[index], kind.places if kind else None)
    which = f"{names[index].lower()} " if len(names) > 1 else ""
    words = f"{_when(reading)}: {which}{number} {reading.unit}".rstrip()
    return Point(reading.at, reading.numbers[index], f"{words}, {flag}" if flag else words, flag)


def _when(reading: Reading) -> str:
    local = timezone.localtime(reading.at)
    return f"{_day(local)}, {local:%H:%M}" if reading.row.time_is_known else _day(local)


def _day(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{local.day} {local:%b %Y}"
