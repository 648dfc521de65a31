"""What answers come to. Pure; `alerts` judges by it."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from care.models import QuestionnaireResponse
from care.questionnaires.form import Advice, Codes, Form, form_of


def answers(response: QuestionnaireResponse) -> dict[str, Decimal]:
    """The number that each answer stands for, by link id; an answer without one is left out.

    Of a response in progress too: what somebody said about harming themselves counts although
    they never pressed “send”.
    """
    return response.answers()


def items_of(form: Form, codes: Codes) -> list[dict[str, Any]]:
    """Answers as they are stored, in the order of the questions; of those that are asked alone."""
    items = []
    for question in form.asked(codes):
        option = question.option(codes.get(question.link_id))
        if option is not None:
            value = None if option.value is None else str(option.value)
            items.append({"link_id": question.link_id, "code": option.code, "value": value})
    return items


def codes_of(items: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Stored answers by the link id of their question."""
    return {item["link_id"]: item["code"] for item in items}


def score_of(form: Form, codes: Codes) -> int | None:
    """The sum of a questionnaire that has one, once every question with a number is answered."""
    if not form.is_summed:
        return None
    chosen = [
        question.option(codes.get(question.link_id))
        for question in form.asked(codes)
        if any(option.value is not None for option in question.options)
    ]
    values = [option.value for option in chosen if option and option.value is not None]
    return int(sum(values)) if len(values) == len(chosen) else None


def advice_of(form: Form, codes: Codes) -> list[Advice]:
    """What these answers ask us to say, the gravest first."""
    found = {
        option.advice
        for question in form.asked(codes)
        if (option := question.option(codes.get(question.link_id))) and option.advice
    }
    return [each for each in (Advice.CRISIS, Advice.EMERGENCY, Advice.CALL) if each in found]


def form_of_response(response: QuestionnaireResponse) -> Form:
    """The questionnaire as it was when it was answered."""
    return form_of(response.questionnaire.definition)
