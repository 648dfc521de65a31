"""The use of the clinic's time and the no-shows, as a page and as a file."""

import csv
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from appointments.report import COLUMNS, Use, summed, use_of_time
from appointments.use_plot import use_plot
from portal import audit
from portal.doors import STAFF, for_roles, reader_of

WEEKS = (4, 13, 26)


@require_safe
@for_roles(*STAFF)
def page(request: HttpRequest) -> HttpResponse:
    """How much of the open time was booked, and who did not come, in the last `?weeks=`."""
    weeks = _weeks(request)
    uses = _uses(request, weeks)
    by_week = _by_week(uses)
    context: dict[str, Any] = {
        "weeks": weeks,
        "choices": WEEKS,
        "total": summed(uses),
        "by_provider": _by_provider(uses),
        "by_week": list(reversed(by_week)),
        "plot": use_plot(by_week),
        "now": timezone.now(),
        "zone": timezone.get_current_timezone_name(),
    }
    return render(request, "appointments/staff/report.html", context)


@require_safe
@for_roles(*STAFF)
def rows(request: HttpRequest) -> HttpResponse:
    """The same as CSV: a row for each provider and week, in numbers."""
    reader, weeks = reader_of(request), _weeks(request)
    uses = _uses(request, weeks)
    audit.record(
        "visits.report_exported",
        organization_id=reader.organization_id,
        actor_id=reader.user_id,
        weeks=weeks,
    )
    name = f"visits-{timezone.localdate():%Y-%m-%d}-{weeks}-weeks.csv"
    answer = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
    writer = csv.writer(answer)
    writer.writerow(COLUMNS)
    writer.writerows([_plain(cell) for cell in use.row] for use in uses)
    return answer


def _plain(cell: object) -> object:
    """A cell that a spreadsheet takes for words, whatever a provider is called."""
    is_formula = isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{cell}" if is_formula else cell


def _uses(request: HttpRequest, weeks: int) -> list[Use]:
    """The weeks up to and with this one."""
    today = timezone.localdate()
    return use_of_time(today - timedelta(weeks=weeks - 1), today, by=reader_of(request))


def _by_week(uses: Sequence[Use]) -> list[tuple[date, Use]]:
    found = []
    for week in sorted({use.week for use in uses}):
        total = summed([use for use in uses if use.week == week])
        if total is not None:
            found.append((week, total))
    return found


def _by_provider(uses: Sequence[Use]) -> list[tuple[str, Use]]:
    found = []
    for provider_id in dict.fromkeys(use.provider_id for use in uses):
        own = [use for use in uses if use.provider_id == provider_id]
        total = summed(own)
        if total is not None:
            found.append((own[0].provider, total))
    return found


def _weeks(request: HttpRequest) -> int:
    wanted = request.GET.get("weeks", "")
    return int(wanted) if wanted in map(str, WEEKS) else WEEKS[1]
