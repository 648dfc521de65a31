"""Changing a rota: what is typed and pressed on its pages becomes one action each."""

from collections.abc import Callable
from datetime import date
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from alerts import rota_actions, swap_actions, turns
from alerts.models import ShiftOverride, ShiftSwap
from alerts.turns import Turn
from alerts.views.rota import calendar_of, date_in, rota_or_404, turn_of
from portal import access
from portal.actions.errors import Refused
from portal.doors import CLINICAL, STAFF, for_roles, reader_of

LONGEST_NOTE = 500


@require_POST
@for_roles(*CLINICAL)
def taking(request: HttpRequest, rota_id: UUID, series: UUID, begins_on: date) -> HttpResponse:
    """Take a turn from whoever had it when the page was shown."""
    holder = _identifier(request.POST.get("instead_of", ""))

    def take(which: Turn) -> str:
        rota_actions.take_turn(rota_id, which, instead_of=holder, by=reader_of(request))
        return "This shift is yours."

    return _changed(request, rota_id, Turn(series, begins_on), take)


@require_POST
@for_roles(*CLINICAL)
def leaving(request: HttpRequest, rota_id: UUID, series: UUID, begins_on: date) -> HttpResponse:
    """Say that one cannot do one's turn."""

    def leave(which: Turn) -> str:
        rota_actions.step_down(rota_id, which, by=reader_of(request))
        return "You are off this shift. It is empty until somebody takes it."

    return _changed(request, rota_id, Turn(series, begins_on), leave)


@require_POST
@for_roles(*CLINICAL)
def swap(request: HttpRequest, rota_id: UUID, series: UUID, begins_on: date) -> HttpResponse:
    """Ask whoever has this turn to have one of one's own instead."""

    def ask(which: Turn) -> str:
        gives, _, on = request.POST.get("gives", "").partition("/")
        given, day = _identifier(gives), date_in(on)
        if given is None or day is None:
            raise turns.NoSuchTurn
        swap_actions.ask_swap(rota_id, gives=Turn(given, day), takes=which, by=reader_of(request))
        return "Your question is on their rota. Until they agree, nothing changes."

    return _changed(request, rota_id, Turn(series, begins_on), ask)


@require_POST
@for_roles(*CLINICAL)
def agreement(request: HttpRequest, swap_id: UUID) -> HttpResponse:
    """Agree to a swap."""
    asked = access.of_organization(ShiftSwap.objects.all(), reader_of(request))
    return _answered(
        request,
        asked.filter(pk=swap_id, asked_of_id=reader_of(request).user_id).first(),
        lambda: swap_actions.agree_swap(swap_id, by=reader_of(request)),
        "You have swapped. Both shifts are changed.",
    )


@require_POST
@for_roles(*STAFF)
def swap_end(request: HttpRequest, swap_id: UUID) -> HttpResponse:
    """Decline a swap, or take the question back."""
    reader = reader_of(request)
    found = access.of_organization(ShiftSwap.objects.all(), reader).filter(pk=swap_id).first()
    if (
        found
        and not reader.is_admin
        and reader.user_id
        not in (
            found.asked_by_id,
            found.asked_of_id,
        )
    ):
        raise Http404
    return _answered(
        request,
        found,
        lambda: swap_actions.end_swap(swap_id, by=reader),
        "Nothing is swapped.",
    )


@require_POST
@for_roles(*STAFF)
def withdrawal(request: HttpRequest, override_id: UUID) -> HttpResponse:
    """Undo what one took or left, before it begins."""
    overrides = access.of_organization(ShiftOverride.objects.all(), reader_of(request))
    return _answered(
        request,
        overrides.filter(pk=override_id).first(),
        lambda: rota_actions.withdraw(override_id, by=reader_of(request)),
        "Undone: the shift is as it was.",
    )


@require_POST
@for_roles(*STAFF)
def handovers(request: HttpRequest, rota_id: UUID) -> HttpResponse:
    """Leave a note for the next shift."""
    rota = rota_or_404(request, rota_id)
    note = request.POST.get("note", "").replace("\0", "").strip()
    if not 0 < len(note) <= LONGEST_NOTE:
        context = calendar_of(request, rota) | {
            "note": note,
            "note_error": f"Write something, in at most {LONGEST_NOTE} letters.",
        }
        return render(request, "alerts/rota.html", context, status=422)
    rota_actions.leave_note(rota.pk, note, by=reader_of(request))
    messages.success(request, "Your note is on the rota.")
    return redirect("alerts:rota_calendar", rota.pk)


def _changed(
    request: HttpRequest, rota_id: UUID, which: Turn, change: Callable[[Turn], str]
) -> HttpResponse:
    """Do something about a turn; a refusal is said beside it."""
    rota = rota_or_404(request, rota_id)
    try:
        words = change(which)
    except Refused as refused:
        context = turn_of(request, rota, which) | {"refusal": refused.words}
        return render(request, "alerts/rota_turn.html", context, status=422)
    messages.success(request, words)
    week = reverse("alerts:rota_calendar", args=[rota.pk])
    return redirect(f"{week}?from={which.begins_on.isoformat()}")


def _answered(
    request: HttpRequest,
    found: ShiftSwap | ShiftOverride | None,
    answer: Callable[[], object],
    words: str,
) -> HttpResponse:
    """Do something about a swap or an override, and go back to its rota."""
    if found is None:
        raise Http404
    try:
        answer()
    except Refused as refused:
        messages.error(request, refused.words)
    else:
        messages.success(request, words)
    return redirect("alerts:rota_calendar", found.rota_id)


def _identifier(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
