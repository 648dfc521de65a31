"""Check-ins on the phone: one question on a page, an answer is one press, nothing is lost.

Every answer is a form of its own that is sent and kept at once: so this works without JavaScript,
with the browser's back button, and after a week in a drawer the page says where one was. Addresses
name no questionnaire, for they stand in logs.
"""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from care.models import Questionnaire, QuestionnaireResponse
from care.questionnaires import answering
from care.questionnaires.errors import AnswerError, NotFinished
from care.questionnaires.form import Form, form_of
from care.questionnaires.offers import Offer, offers_of
from care.questionnaires.readers import own_responses, visible_responses
from care.questionnaires.scoring import advice_of, codes_of, form_of_response
from care.subject import Subject, subject_or_none
from care.views.panels import fragment_or_page
from portal.doors import PATIENTS, for_roles, note_reading, reader_of
from portal.models import Patient

# Of those that were sent; the care team has all of them.
PAST = 10


@require_safe
@for_roles(*PATIENTS)
def check_ins(request: HttpRequest) -> HttpResponse:
    """Show what there is to answer, and what was answered."""
    subject = subject_or_none(request, what="check-ins")
    context: dict[str, Any] = {"subject": subject, "patient": subject and subject.patient}
    if subject:
        reader = reader_of(request)
        past = (
            visible_responses(reader)
            .given()
            .filter(patient=subject.patient)
            .select_related("questionnaire", "authored_by")
            .order_by("-completed_at")[:PAST]
        )
        context["offers"] = offers_of(subject.patient, reader)
        context["past"] = [(row, form_of_response(row)) for row in past]
    return render(request, "care/assessments/check_ins.html", context)


@require_safe
@for_roles(*PATIENTS)
def home_check_in(request: HttpRequest) -> HttpResponse:
    """Show today's check-in on the home page: to do, half done, or done."""
    subject = subject_or_none(request, what="check-in")
    offers = offers_of(subject.patient, reader_of(request)) if subject else []
    context = {
        "subject": subject,
        "patient": subject.patient if subject else None,
        "is_team": False,
        "offer": next((offer for offer in offers if offer.form.is_daily), None),
    }
    return fragment_or_page(
        request, "care/assessments/_home_check_in.html", context, title="Check-in"
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*PATIENTS)
def check_in(request: HttpRequest, questionnaire_id: UUID) -> HttpResponse:
    """Say what is asked and how long it takes; a POST begins, or goes on."""
    subject = subject_or_none(request, what="check-in")
    if subject is None:
        raise Http404
    offer = _offer(subject, questionnaire_id, request)
    if request.method == "POST":
        try:
            response = answering.start(subject.patient.pk, questionnaire_id, by=reader_of(request))
        except (Patient.DoesNotExist, Questionnaire.DoesNotExist, AnswerError):
            raise Http404 from None
        return redirect(_next(response))
    context = {"subject": subject, "patient": subject.patient, "offer": offer}
    return render(request, "care/assessments/check_in.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*PATIENTS)
def question(request: HttpRequest, response_id: UUID, number: int) -> HttpResponse:
    """Ask one question; a POST keeps its answer and asks the next."""
    response = _own(request, response_id)
    form = form_of_response(response)
    codes = codes_of(response.items)
    asked = form.asked(codes)
    if not 1 <= number <= len(asked):
        raise Http404
    if not answering.may_change(response):
        return redirect("care:answers", response_id)
    this, problem = asked[number - 1], ""
    if request.method == "POST":
        try:
            response = answering.answer(
                response_id,
                link_id=this.link_id,
                code=request.POST.get("answer", ""),
                by=reader_of(request),
            )
        except AnswerError as error:
            problem = str(error)
        else:
            return redirect(_after(response, number, form))
    context = {
        **_about(request, response, form),
        "question": this,
        "number": number,
        "count": len(asked),
        "chosen": codes.get(this.link_id),
        "problem": problem,
    }
    return render(
        request, "care/assessments/question.html", context, status=422 if problem else 200
    )


@require_safe
@for_roles(*PATIENTS)
def advice(request: HttpRequest, response_id: UUID, number: int) -> HttpResponse:
    """Say at once what somebody needs to hear who gave this answer; then it goes on."""
    response = _own(request, response_id)
    form = form_of_response(response)
    codes = codes_of(response.items)
    asked = form.asked(codes)
    if not 1 <= number <= len(asked):
        raise Http404
    option = asked[number - 1].option(codes.get(asked[number - 1].link_id))
    context = {
        **_about(request, response, form),
        "advice": [option.advice] if option and option.advice else [],
        "next": _next(response),
    }
    return render(request, "care/assessments/advice.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*PATIENTS)
def answers(request: HttpRequest, response_id: UUID) -> HttpResponse:
    """Show all answers: to be sent (POST), or as they were sent."""
    problem = ""
    if request.method == "POST":
        _own(request, response_id)
        try:
            answering.complete(response_id, by=reader_of(request))
        except NotFinished as error:
            problem = str(error)
        except AnswerError:
            return redirect("care:check_ins")
        else:
            return redirect("care:answers", response_id)
    response = (
        visible_responses(reader_of(request))
        .select_related("questionnaire", "patient", "authored_by")
        .filter(pk=response_id)
        .first()
    )
    if response is None:
        raise Http404
    note_reading(request, response.patient, what="answers")
    form = form_of_response(response)
    codes = codes_of(response.items)
    context = {
        **_about(request, response, form),
        "lines": [
            (number, each, each.option(codes.get(each.link_id)))
            for number, each in enumerate(form.asked(codes), start=1)
        ],
        "may_change": response.authored_by_id == reader_of(request).user_id
        and answering.may_change(response),
        "is_whole": form.next_question(codes) is None,
        "advice": advice_of(form, codes),
        "problem": problem,
    }
    return render(request, "care/assessments/answers.html", context, status=422 if problem else 200)


def _offer(subject: Subject, questionnaire_id: UUID, request: HttpRequest) -> Offer:
    for offer in offers_of(subject.patient, reader_of(request)):
        if offer.questionnaire.pk == questionnaire_id:
            return offer
    raise Http404


def _own(request: HttpRequest, response_id: UUID) -> QuestionnaireResponse:
    """A response that the reader gives; 404 for anybody else's."""
    response = (
        own_responses(reader_of(request))
        .select_related("questionnaire", "patient")
        .filter(pk=response_id)
        .first()
    )
    if response is None:
        raise Http404
    note_reading(request, response.patient, what="answers")
    return response


def _next(response: QuestionnaireResponse) -> str:
    """The address of the first question without an answer, or of all answers."""
    form = form_of(response.questionnaire.definition)
    number = form.next_question(codes_of(response.items))
    if number is None or response.is_given:
        return reverse("care:answers", args=[response.pk])
    return reverse("care:question", args=[response.pk, number])


def _after(response: QuestionnaireResponse, number: int, form: Form) -> str:
    """Where an answer leads: to what must be said now, else to the next that has no answer."""
    codes = codes_of(response.items)
    answered = form.asked(codes)[number - 1]
    option = answered.option(codes.get(answered.link_id))
    if option and option.advice:
        return reverse("care:advice", args=[response.pk, number])
    return _next(response)


def _about(request: HttpRequest, response: QuestionnaireResponse, form: Form) -> dict[str, Any]:
    patient = response.patient
    return {
        "response": response,
        "form": form,
        "patient": patient,
        "is_own": patient.user_id == reader_of(request).user_id,
        "today": timezone.localdate(),
    }
