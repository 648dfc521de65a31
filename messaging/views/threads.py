"""One conversation: reading it, answering, saying that it was read."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from messaging import actions
from messaging.errors import MessagingError
from messaging.forms import ReplyForm
from messaging.models import Conversation
from messaging.thread import NEWEST, has_unread, lines
from portal import access
from portal.access import Reader
from portal.doors import CLINICAL, PATIENTS, for_roles, patient_or_404, reader_of
from portal.models import Caregiver, CareTeamMembership


@require_safe
@for_roles(*PATIENTS, *CLINICAL)
def thread(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Show a conversation with its composer."""
    conversation = _conversation_or_404(request, conversation_id)
    return _page(request, conversation, ReplyForm())


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*PATIENTS, *CLINICAL)
def messages(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """The messages alone (a refresh); on POST, add one.

    A page with scripts gets the messages as they now stand and an empty composer beside them; one
    without is sent back to the conversation's end.
    """
    conversation = _conversation_or_404(request, conversation_id)
    if request.method != "POST":
        return render(request, "messaging/_lines.html", _lines(request, conversation))
    reader = reader_of(request)
    form = ReplyForm(request.POST)
    if form.is_valid():
        try:
            actions.reply(
                conversation_id,
                body=form.cleaned_data["body"],
                key=form.cleaned_data["key"],
                by=reader,
            )
        except Conversation.DoesNotExist:
            raise Http404 from None
        except MessagingError as error:
            form.add_error("body", error.sentence)
        else:
            return _sent(request, conversation)
    return _not_sent(request, conversation, form)


@require_POST
@for_roles(*PATIENTS, *CLINICAL)
def reading(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """The reader says that they have read a conversation; an open page says it for them."""
    try:
        actions.mark_read(conversation_id, by=reader_of(request))
    except Conversation.DoesNotExist:
        raise Http404 from None
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204)
    return redirect("messaging:thread", conversation_id)


def _sent(request: HttpRequest, conversation: Conversation) -> HttpResponse:
    if not request.headers.get("HX-Request"):
        response = redirect("messaging:thread", conversation.pk)
        response["Location"] += "#end"
        return response
    context = _lines(request, conversation) | _composer(request, conversation, ReplyForm())
    return render(request, "messaging/_sent.html", context)


def _not_sent(request: HttpRequest, conversation: Conversation, form: ReplyForm) -> HttpResponse:
    if not request.headers.get("HX-Request"):
        return _page(request, conversation, form, status=422)
    response = render(
        request, "messaging/_composer.html", _composer(request, conversation, form), status=422
    )
    response["HX-Retarget"] = "#composer"
    response["HX-Reswap"] = "outerHTML"
    return response


def _page(
    request: HttpRequest, conversation: Conversation, form: ReplyForm, status: int = 200
) -> HttpResponse:
    reader = reader_of(request)
    context = {
        **_lines(request, conversation),
        **_composer(request, conversation, form),
        **_readers(conversation, reader),
        "layout": "layouts/staff.html" if reader.is_clinical else "layouts/patient.html",
    }
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


def _lines(request: HttpRequest, conversation: Conversation) -> dict[str, Any]:
    everything = request.GET.get("all") == "1"
    reader = reader_of(request)
    shown = lines(conversation, reader, everything=everything)
    return {
        "unread": has_unread(conversation, reader),
        "conversation": conversation,
        "lines": shown,
        "everything": everything,
        "has_older": not everything and len(shown) == NEWEST,
    }


def _composer(request: HttpRequest, conversation: Conversation, form: ReplyForm) -> dict[str, Any]:
    reader = reader_of(request)
    may_write = access.writable_patients(reader).filter(pk=conversation.patient_id).exists()
    return {
        "conversation": conversation,
        "form": form,
        "may_write": may_write and not conversation.patient.is_deceased,
        "is_staff": reader.is_clinical,
    }


def _readers(conversation: Conversation, reader: Reader) -> dict[str, Any]:
    """The names of everybody who can read a conversation."""
    places = access.of_visible_patients(CareTeamMembership.objects.active(), reader)
    mandates = access.of_visible_patients(Caregiver.objects.active(), reader)
    return {
        "team": places.filter(patient=conversation.patient)
        .select_related("provider")
        .order_by("provider__name"),
        "caregivers": mandates.filter(patient=conversation.patient)
        .select_related("user")
        .order_by("user__name"),
    }
