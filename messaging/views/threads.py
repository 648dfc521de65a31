"""One conversation: reading it, answering, saying that it was read."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from messaging import actions
from messaging.errors import AlreadySent, MessagingError
from messaging.forms import ReplyForm
from messaging.models import Conversation, Message
from messaging.thread import first_unread, window
from messaging.views.asked import identifier
from messaging.views.lists import inbox
from portal import access
from portal.access import Reader
from portal.doors import CLINICAL, PATIENTS, for_roles, patient_or_404, reader_of
from portal.models import Caregiver


@require_safe
@for_roles(*PATIENTS, *CLINICAL)
def thread(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Show a conversation with its composer, from `?from=` (a message) on."""
    return _page(request, _conversation_or_404(request, conversation_id))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*PATIENTS, *CLINICAL)
def messages(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """The messages alone (a refresh); on POST, add one.

    A page with scripts gets the messages as they now stand and an empty composer beside them; one
    without is sent back to the conversation's end.
    """
    conversation = _conversation_or_404(request, conversation_id)
    if request.method != "POST":
        return render(request, "messaging/_messages.html", _messages(request, conversation))
    form = ReplyForm(request.POST)
    if form.is_valid():
        try:
            actions.reply(
                conversation.pk,
                body=form.cleaned_data["body"],
                key=form.cleaned_data["key"],
                seen=form.cleaned_data["seen"],
                by=reader_of(request),
            )
        except Conversation.DoesNotExist:
            raise Http404 from None
        except MessagingError as error:
            form.refuse(error.sentence, new_key=isinstance(error, AlreadySent))
        else:
            return _sent(request, conversation)
    return _not_sent(request, conversation, form)


@require_POST
@for_roles(*PATIENTS, *CLINICAL)
def reading(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """The reader has read a conversation, up to the message `seen`; an open page says it itself."""
    try:
        actions.mark_read(
            conversation_id, seen=identifier(request.POST, "seen"), by=reader_of(request)
        )
    except Conversation.DoesNotExist:
        raise Http404 from None
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204)
    return redirect("messaging:thread", conversation_id)


def _sent(request: HttpRequest, conversation: Conversation) -> HttpResponse:
    if not request.headers.get("HX-Request"):
        return redirect(reverse("messaging:thread", args=[conversation.pk]) + "#end")
    shown = _messages(request, conversation)
    context = _composer(request, conversation, seen=shown["window"].last) | shown
    return render(request, "messaging/_sent.html", context)


def _not_sent(request: HttpRequest, conversation: Conversation, form: ReplyForm) -> HttpResponse:
    if not request.headers.get("HX-Request"):
        return _page(request, conversation, form=form, status=422)
    context = _composer(request, conversation, form=form)
    response = render(request, "messaging/_composer.html", context, status=422)
    response["HX-Retarget"] = "#composer"
    response["HX-Reswap"] = "outerHTML"
    return response


def _page(
    request: HttpRequest,
    conversation: Conversation,
    form: ReplyForm | None = None,
    status: int = 200,
) -> HttpResponse:
    reader = reader_of(request)
    shown = _messages(request, conversation)
    context = _composer(request, conversation, form=form, seen=shown["window"].last) | shown
    context |= _readers(conversation, reader)
    if reader.is_clinical:
        context |= inbox(request, current=conversation.pk)
        return render(request, "messaging/thread_staff.html", context, status=status)
    return render(request, "messaging/thread.html", context, status=status)


def _conversation_or_404(request: HttpRequest, conversation_id: UUID) -> Conversation:
    conversation = (
        access.of_visible_patients(Conversation.objects.all(), reader_of(request))
        .select_related("patient")
        .filter(pk=conversation_id)
        .first()
    )
    if conversation is None:
        raise Http404
    patient_or_404(request, conversation.patient_id, what="messages")
    return conversation


def _messages(request: HttpRequest, conversation: Conversation) -> dict[str, Any]:
    """What the messages need; `new_from` keeps its place while the page is open."""
    reader = reader_of(request)
    try:
        shown = window(conversation, reader, since=identifier(request.GET, "from"))
    except Message.DoesNotExist:
        raise Http404 from None
    is_page = not request.headers.get("HX-Request")
    new_from = first_unread(conversation, reader) if is_page else identifier(request.GET, "new")
    return {
        "conversation": conversation,
        "patient": conversation.patient,
        "window": shown,
        "new_from": new_from,
        "place": _place(shown.first, new_from),
        "time_style": "H:i" if reader.is_clinical else "P",
    }


def _composer(
    request: HttpRequest,
    conversation: Conversation,
    *,
    form: ReplyForm | None = None,
    seen: UUID | None = None,
) -> dict[str, Any]:
    reader = reader_of(request)
    patient = conversation.patient
    may_write = access.writable_patients(reader).filter(pk=patient.pk).exists()
    return {
        "conversation": conversation,
        "form": form or ReplyForm(initial={"seen": seen}),
        "may_write": may_write and not patient.is_deceased,
        "is_read": reader.is_clinical or actions.is_read(patient, by=reader),
        "place": _place(identifier(request.GET, "from"), identifier(request.GET, "new")),
    }


def _place(first: UUID | None, new_from: UUID | None) -> str:
    """What a page asks for again and again: from which message on, and where "New" stands."""
    asked = QueryDict(mutable=True)
    if first:
        asked["from"] = str(first)
    if new_from:
        asked["new"] = str(new_from)
    return asked.urlencode()


def _readers(conversation: Conversation, reader: Reader) -> dict[str, Any]:
    """The names of everybody who can read a conversation."""
    places = access.of_visible_patients(access.reachable_places(reader), reader)
    mandates = access.of_visible_patients(Caregiver.objects.active(), reader)
    return {
        "team": places.filter(patient=conversation.patient)
        .select_related("provider")
        .order_by("provider__name"),
        "caregivers": mandates.filter(patient=conversation.patient)
        .select_related("user")
        .order_by("user__name"),
    }
