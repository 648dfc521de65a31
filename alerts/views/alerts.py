"""One alert: its page, and what a person does about it. Each act is a noun that is posted."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from alerts import actions
from alerts.cards import card_of
from alerts.colleagues import colleagues_of
from alerts.errors import (
    AlertError,
    AlreadyAcknowledged,
    AlreadyClosed,
    NotAcknowledged,
    SnoozeRefused,
)
from alerts.forms import (
    QUICK,
    AcknowledgementForm,
    ActForm,
    AlertForm,
    ClosureForm,
    HandoverForm,
    SnoozeForm,
)
from alerts.history import history_of
from alerts.models import Alert, AlertRecord, Outcome
from alerts.views.bar import bar_answer
from alerts.views.said import Said, about
from alerts.views.worklist import alert_or_none, worklist_of
from portal import clock
from portal.doors import CLINICAL, for_roles, patient_or_404, reader_of


@require_safe
@for_roles(*CLINICAL)
def alert(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """Show an alert with its history; as a fragment, the alert alone."""
    return _show(request, _alert_or_404(request, alert_id))


@require_POST
@for_roles(*CLINICAL)
def acknowledgement(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """Take an alert. Whoever is second is told who has it."""
    found = _alert_or_404(request, alert_id)
    form = AcknowledgementForm(request.POST, alert=found)

    def take() -> Said:
        actions.acknowledge(found.pk, by=reader_of(request), note=form.words)
        # In the bar, the alert that was meant may not be the one that was there: say which it was.
        return Said("You have it.", in_full=f"You have it: {about(found)}.")

    return _acted(request, found, form, take)


@require_POST
@for_roles(*CLINICAL)
def acts(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """Say what was done about an alert."""
    found = _alert_or_404(request, alert_id)
    form = ActForm(request.POST, alert=found)

    def act() -> str:
        actions.act(found.pk, by=reader_of(request), note=form.cleaned_data["note"])
        return "It is on the record."

    return _acted(request, found, form, act)


@require_POST
@for_roles(*CLINICAL)
def handover(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """Ask a colleague to take an alert."""
    found = _alert_or_404(request, alert_id)
    people = _people(request)
    form = HandoverForm(request.POST, alert=found, people=people)

    def hand_over() -> str:
        to = UUID(form.cleaned_data["to"])
        actions.hand_over(found.pk, by=reader_of(request), to=to, note=form.cleaned_data["note"])
        name = dict(people)[to].partition(",")[0]
        return f"{name} is being told now. Until they take it, nobody has it."

    return _acted(request, found, form, hand_over)


@require_POST
@for_roles(*CLINICAL)
def snooze(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """Put an alert off, for a while and for a reason."""
    found = _alert_or_404(request, alert_id)
    form = SnoozeForm(request.POST, alert=found)

    def put_off() -> str:
        until = clock.now() + timedelta(minutes=form.cleaned_data["minutes"])
        reason = form.cleaned_data["reason"]
        actions.snooze(found.pk, by=reader_of(request), until=until, reason=reason)
        return f"Snoozed until {timezone.localtime(until):%H:%M}. A worse value wakes it."

    return _acted(request, found, form, put_off)


@require_POST
@for_roles(*CLINICAL)
def escalation(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """Tell the next of the policy now."""
    found = _alert_or_404(request, alert_id)

    def escalate() -> str:
        actions.escalate_now(found.pk, by=reader_of(request))
        return "The next of the policy is being told now."

    return _acted(request, found, AlertForm(request.POST, alert=found), escalate)


@require_POST
@for_roles(*CLINICAL)
def closure(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """End an alert, as done or as not needed."""
    found = _alert_or_404(request, alert_id)
    form = ClosureForm(request.POST, alert=found)

    def end() -> str:
        outcome = Outcome(form.cleaned_data["outcome"])
        note = form.cleaned_data["note"]
        actions.close(found.pk, by=reader_of(request), outcome=outcome, note=note)
        return "Closed."

    return _acted(request, found, form, end)


def _acted(
    request: HttpRequest, found: Alert, form: AlertForm, act: Callable[[], Said | str]
) -> HttpResponse:
    """Do it, or say beside the form why not; then show the alert as it now stands."""
    if not form.is_valid():
        return _answer(request, found, None, refused=form)
    try:
        done = act()
        said = done if isinstance(done, Said) else Said(done)
    except Alert.DoesNotExist:
        raise Http404 from None
    except AlreadyAcknowledged:
        # Somebody was quicker. The reader wanted it taken, and it is.
        who = _who_has(found.pk)
        said = Said(who, was_done=False, in_full=f"{about(found)}: {who}")
    except (AlreadyClosed, NotAcknowledged) as error:
        said = Said(str(error), was_done=False)
    except AlertError as error:
        form.add_error("minutes" if isinstance(error, SnoozeRefused) else None, str(error))
        return _answer(request, found, None, refused=form)
    return _answer(request, found, said)


def _answer(
    request: HttpRequest, found: Alert, said: Said | None, refused: AlertForm | None = None
) -> HttpResponse:
    if request.POST.get("from") == "bar" and said is not None:
        return bar_answer(request, found, said)
    if said is not None and alert_or_none(request, found.pk) is None:
        return _left(request, said)
    if request.headers.get("HX-Request") or refused is not None:
        return _show(request, _alert_or_404(request, found.pk), said=said, refused=refused)
    if said is not None:
        (messages.success if said.was_done else messages.warning)(request, said.words)
    return redirect("alerts:alert", found.pk)


def _left(request: HttpRequest, said: Said) -> HttpResponse:
    """Whoever was called to a patient sees them until the alert closes: back to the worklist."""
    messages.success(request, said.words)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": reverse("alerts:index")})
    return redirect("alerts:index")


def _show(
    request: HttpRequest,
    found: Alert,
    *,
    said: Said | None = None,
    refused: AlertForm | None = None,
) -> HttpResponse:
    context = _item(request, found, refused) | {"said": said}
    status = 422 if refused is not None else 200
    if request.headers.get("HX-Request"):
        return render(request, "alerts/_item.html", context, status=status)
    context |= worklist_of(request, current=found.pk)
    return render(request, "alerts/alert.html", context, status=status)


def _item(request: HttpRequest, found: Alert, refused: AlertForm | None) -> dict[str, Any]:
    reader, now = reader_of(request), timezone.now()
    forms: dict[str, AlertForm] = {
        "acknowledgement": AcknowledgementForm(alert=found),
        "act": ActForm(alert=found),
        "snooze": SnoozeForm(alert=found),
        "closure": ClosureForm(alert=found),
    }
    if found.is_ongoing:
        forms["handover"] = HandoverForm(alert=found, people=_people(request))
    if refused is not None and refused.prefixed in forms:
        forms[refused.prefixed] = refused
    seen = AlertRecord.objects.filter(
        alert=found, user_id=reader.user_id, kind=AlertRecord.Kind.SEEN
    )
    return {
        "alert": found,
        "card": card_of(found, now),
        "history": history_of(found),
        "forms": forms,
        "refused": refused.prefixed if refused is not None else "",
        "quick": QUICK,
        "seeing": [found.pk],
        "is_mine": found.owner_id == reader.user_id,
        "is_seen": not found.is_ongoing or seen.exists(),
        # What somebody is typing stays through a refresh, and goes once it was sent.
        "keeps": request.method != "POST",
        "now": now,
    }


def _people(request: HttpRequest) -> list[tuple[UUID, str]]:
    return [
        (each.user_id, each.label) for each in colleagues_of(reader_of(request), timezone.now())
    ]


def _who_has(alert_id: UUID) -> str:
    """“Ada Lee has it since 14:03: On my way.”"""
    record = (
        AlertRecord.objects.filter(alert_id=alert_id, kind=AlertRecord.Kind.ACKNOWLEDGED)
        .select_related("user")
        .order_by("-at")
        .first()
    )
    if record is None:
        return "Somebody else has it."
    note = f": {record.note}" if record.note else ""
    return f"{record.user} has it since {timezone.localtime(record.at):%H:%M}{note}."


def _alert_or_404(request: HttpRequest, alert_id: UUID) -> Alert:
    found = alert_or_none(request, alert_id)
    if found is None:
        raise Http404
    patient_or_404(request, found.patient_id, what="alert")
    return found
