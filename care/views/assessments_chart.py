"""What patients answered, on their chart: score, items, how it goes."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from care.models import QuestionnaireResponse
from care.plots.sparkline import Sparkline, sparkline_of
from care.questionnaires.form import Form, Option, Question
from care.questionnaires.readers import visible_responses
from care.questionnaires.scoring import codes_of, form_of_response
from care.views.panels import fragment_or_page
from portal.doors import CLINICAL, for_roles, patient_or_404, reader_of

# Two weeks of a daily check-in: what a row of a table still shows.
SHOWN = 14
KEPT = 200


@dataclass(frozen=True)
class Line:
    """One question and what was answered."""

    question: Question
    option: Option | None

    @property
    def short(self) -> str:
        """The answer in a table: its number, else its words."""
        if self.option is None:
            return ""
        return self.option.words if self.option.value is None else f"{self.option.value:f}"

    @property
    def is_grave(self) -> bool:
        """Whether this answer is one at which the patient was told to call."""
        return bool(self.option and self.option.advice)


@dataclass(frozen=True)
class Given:
    """One response as the chart shows it."""

    response: QuestionnaireResponse
    form: Form
    lines: list[Line]

    @property
    def cells(self) -> list[Line]:
        """An answer, or none, for every question: a row of a table."""
        codes = codes_of(self.response.items)
        return [Line(each, each.option(codes.get(each.link_id))) for each in self.form.questions]

    @property
    def band(self) -> str:
        """What the score is called."""
        return "" if self.response.score is None else self.form.band(self.response.score)

    @property
    def is_by_patient(self) -> bool:
        """Whether the patient answered, and nobody for them."""
        return self.response.authored_by_id == self.response.patient.user_id


@dataclass(frozen=True)
class Course:
    """One questionnaire over time, newest response first."""

    form: Form
    given: list[Given]
    sparkline: Sparkline | None

    @property
    def latest(self) -> Given:
        return self.given[0]

    @property
    def earlier(self) -> list[Given]:
        return self.given[1:]


@require_safe
@for_roles(*CLINICAL)
def panel_questionnaires(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Show the latest response to each questionnaire, and those before it."""
    patient = patient_or_404(request, patient_id, what="questionnaires")
    rows = (
        visible_responses(reader_of(request))
        .given()
        .filter(patient=patient)
        .select_related("questionnaire", "authored_by", "patient")
        .order_by("-completed_at")[:KEPT]
    )
    courses: dict[str, list[Given]] = {}
    for row in rows:
        courses.setdefault(row.questionnaire.key, []).append(_given(row))
    context = {
        "patient": patient,
        "is_team": True,
        "courses": [_course(given[:SHOWN]) for given in courses.values()],
    }
    return fragment_or_page(
        request, "care/assessments/_panel.html", context, title="Questionnaires"
    )


def _given(response: QuestionnaireResponse) -> Given:
    form = form_of_response(response)
    codes = codes_of(response.items)
    lines = [Line(each, each.option(codes.get(each.link_id))) for each in form.asked(codes)]
    return Given(response, form, lines)


def _course(given: list[Given]) -> Course:
    form = given[0].form
    points = [
        (each.response.completed_at, value)
        for each in reversed(given)
        if each.response.completed_at and (value := _drawn(each)) is not None
    ]
    return Course(form, given, sparkline_of(points, None))


def _drawn(given: Given) -> Decimal | None:
    """What a course is drawn by: the score, else the first answer (how much it hurts)."""
    if given.form.is_summed:
        return None if given.response.score is None else Decimal(given.response.score)
    option = given.lines[0].option if given.lines else None
    return option.value if option else None
