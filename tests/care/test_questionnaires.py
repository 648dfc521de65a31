"""Questionnaires: what they come to, who answers them, and that what was given stands."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import InternalError, ProgrammingError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from care.models import Questionnaire, QuestionnaireResponse, ResponseStatus
from care.questionnaires import answering
from care.questionnaires.errors import NotAnAnswer, NotFinished
from care.questionnaires.form import Advice, form_of
from care.questionnaires.offers import offers_of
from care.questionnaires.readers import visible_responses
from care.questionnaires.scoring import advice_of, answers, items_of, score_of
from care.questionnaires.shelf import (
    CHECK_IN,
    PHQ_9,
    SELF_HARM,
    SHIPPED,
    definition_of,
    install,
    open_questionnaires,
)
from portal.models import AuditEntry, Caregiver, Patient
from realtime.triggers import published

PHQ = form_of(definition_of(PHQ_9))
DAILY = form_of(definition_of(CHECK_IN))
NINE = PHQ.questions[:9]
DIFFICULTY = PHQ.questions[9]


def codes_with(values):
    """Answers to PHQ-9's nine items by the number that each stands for."""
    return {
        question.link_id: question.options[value].code
        for question, value in zip(NINE, values, strict=True)
    }


# Definitions and scores -------------------------------------------------------------------------


@pytest.mark.parametrize("key", SHIPPED)
def test_a_shipped_questionnaire_is_a_fhir_questionnaire(key):
    from fhir.resources.R4B.questionnaire import Questionnaire as FhirQuestionnaire

    assert FhirQuestionnaire.model_validate(definition_of(key)).status == "active"


def test_phq_9_has_nine_items_that_count_and_one_that_does_not():
    assert len(PHQ.questions) == 10
    assert all([option.value for option in each.options] == [0, 1, 2, 3] for each in NINE)
    assert all(option.value is None for option in DIFFICULTY.options)
    assert NINE[8].link_id == SELF_HARM
    assert (PHQ.highest, PHQ.is_private, PHQ.age_from) == (27, True, 18)


@given(st.lists(st.integers(0, 3), min_size=9, max_size=9))
def test_phq_9_is_the_sum_of_its_nine_items(values):
    codes = codes_with(values)
    assert score_of(PHQ, codes) == sum(values)
    # How difficult it makes life is asked of whoever has any of it, and changes no score.
    assert (DIFFICULTY in PHQ.asked(codes)) == any(values)
    with_difficulty = {**codes, DIFFICULTY.link_id: DIFFICULTY.options[3].code}
    assert score_of(PHQ, with_difficulty) == sum(values)


@given(st.lists(st.integers(0, 3), min_size=9, max_size=9), st.integers(0, 8))
def test_an_unfinished_phq_9_has_no_score(values, without):
    codes = codes_with(values)
    del codes[NINE[without].link_id]
    assert score_of(PHQ, codes) is None


@pytest.mark.parametrize(
    ("score", "words"),
    [(0, "None or minimal"), (4, "None or minimal"), (5, "Mild"), (9, "Mild"), (10, "Moderate"),
     (14, "Moderate"), (15, "Moderately severe"), (19, "Moderately severe"), (20, "Severe"),
     (27, "Severe")],
)  # fmt: skip
def test_a_score_of_phq_9_has_its_name(score, words):
    assert PHQ.band(score) == words


@pytest.mark.parametrize(("value", "advice"), [(0, []), (1, [Advice.CRISIS]), (3, [Advice.CRISIS])])
def test_any_answer_but_never_to_the_ninth_item_is_answered_at_once(value, advice):
    assert advice_of(PHQ, codes_with([0] * 8 + [value])) == advice


def test_a_check_in_has_no_score_for_pain_and_mood_do_not_add_up():
    codes = {each.link_id: each.options[-1].code for each in DAILY.questions}
    assert score_of(DAILY, codes) is None
    assert advice_of(DAILY, codes) == [Advice.EMERGENCY, Advice.CALL]
    assert [each.link_id for each in DAILY.questions] == [
        "pain", "fever", "wound", "mood", "breathing",
    ]  # fmt: skip


def test_pain_is_asked_from_0_to_10():
    pain = DAILY.questions[0]
    assert pain.is_scale
    assert [option.value for option in pain.options] == list(range(11))


def test_answers_to_what_is_not_asked_any_more_are_not_kept():
    codes = codes_with([1] + [0] * 8) | {DIFFICULTY.link_id: "LA6575-0"}
    assert items_of(PHQ, codes)[-1]["link_id"] == DIFFICULTY.link_id
    calm = codes_with([0] * 9) | {DIFFICULTY.link_id: "LA6575-0"}
    assert items_of(PHQ, calm)[-1]["link_id"] == SELF_HARM


def test_a_question_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="not a choice"):
        form_of({"title": "x", "item": [{"linkId": "a", "text": "?", "type": "text"}]})


# Answering --------------------------------------------------------------------------------------


@pytest.fixture
def daily(clinic, system):
    return _installed(clinic, system, CHECK_IN)


@pytest.fixture
def phq(clinic, system):
    return _installed(clinic, system, PHQ_9)


def _installed(clinic, system, key):
    install(clinic.pk)
    with system():
        return Questionnaire.objects.get(organization=clinic, key=key)


@pytest.fixture
def begin(ana, acting):
    """`begin(ana, daily)`: a response about Ana that somebody has begun."""

    def begin(person, questionnaire, patient=None):
        with acting(person):
            return answering.start((patient or ana.patient).pk, questionnaire.pk, by=person.reader)

    return begin


@pytest.fixture
def give(ana, acting, begin):
    """`give(ana, daily, codes)`: a response with these answers, sent."""

    def give(person, questionnaire, codes):
        response = begin(person, questionnaire)
        with acting(person):
            for link_id, code in codes.items():
                answering.answer(response.pk, link_id=link_id, code=code, by=person.reader)
            return answering.complete(response.pk, by=person.reader)

    return give


@pytest.fixture
def stored(system):
    def stored(response):
        with system():
            return QuestionnaireResponse.objects.select_related("questionnaire").get(pk=response.pk)

    return stored


FIRST = {each.link_id: each.options[0].code for each in DAILY.questions}


def test_each_answer_is_kept_when_somebody_is_interrupted(ana, daily, begin, acting, stored):
    response = begin(ana, daily)
    with acting(ana):
        answering.answer(response.pk, link_id="pain", code="pain-7", by=ana.reader)
    again = begin(ana, daily)
    assert again.pk == response.pk
    assert stored(again).items == [{"link_id": "pain", "code": "pain-7", "value": "7"}]


def test_the_next_morning_it_begins_anew(ana, daily, begin, system, stored):
    response = begin(ana, daily)
    with system():
        QuestionnaireResponse.objects.update(started_at=timezone.now() - timedelta(hours=13))
    assert begin(ana, daily).pk != response.pk
    assert stored(response).status == ResponseStatus.STOPPED


def test_a_response_is_sent_once_all_is_answered_and_has_its_score(ana, phq, give, acting, system):
    response = give(ana, phq, codes_with([1] * 9) | {DIFFICULTY.link_id: "LA6573-5"})
    assert (response.status, response.score) == ("completed", 9)
    assert answers(response)[SELF_HARM] == Decimal(1)
    assert DIFFICULTY.link_id not in answers(response)
    with acting(ana):
        at = answering.complete(response.pk, by=ana.reader).completed_at
    assert at == response.completed_at
    with system():
        entry = AuditEntry.objects.get(action="questionnaire.completed")
        assert (entry.actor_id, entry.detail) == (ana.user.pk, {})


def test_what_somebody_said_counts_before_it_is_sent(ana, phq, begin, acting):
    response = begin(ana, phq)
    with acting(ana):
        code = NINE[8].options[2].code
        response = answering.answer(response.pk, link_id=SELF_HARM, code=code, by=ana.reader)
    assert answers(response) == {SELF_HARM: Decimal(2)}


def test_an_unfinished_response_is_not_sent(ana, daily, begin, acting):
    response = begin(ana, daily)
    with acting(ana), pytest.raises(NotFinished):
        answering.complete(response.pk, by=ana.reader)


@pytest.mark.parametrize(
    ("link_id", "code"), [("pain", "wound-1"), ("pain", ""), ("nothing", "pain-1")]
)
def test_what_is_no_answer_is_refused(ana, daily, begin, acting, link_id, code):
    response = begin(ana, daily)
    with acting(ana), pytest.raises(NotAnAnswer):
        answering.answer(response.pk, link_id=link_id, code=code, by=ana.reader)


def test_an_amended_response_keeps_what_it_said_before(ana, phq, give, acting, stored):
    response = give(ana, phq, codes_with([0] * 9))
    with acting(ana):
        code = NINE[8].options[1].code
        answering.answer(response.pk, link_id=SELF_HARM, code=code, by=ana.reader)
    amended = stored(response)
    assert (amended.status, amended.score, amended.answers()[SELF_HARM]) == ("amended", 1, 1)
    (before,) = amended.earlier
    assert (before["score"], before["items"]) == (0, response.items)


def test_after_a_day_what_was_said_stands(ana, daily, give):
    response = give(ana, daily, FIRST)
    response.completed_at = timezone.now() - timedelta(hours=25)
    assert not answering.may_change(response)


@pytest.mark.parametrize(
    "change",
    ["items = '[]'", "score = 3", "status = 'in-progress', completed_at = NULL",
     "completed_at = now() + interval '1 hour'", "earlier = '[1]'", "status = 'amended'"],
)  # fmt: skip
def test_the_database_keeps_what_was_given(ana, daily, give, acting, change):
    response = give(ana, daily, FIRST)
    refused = pytest.raises((InternalError, ProgrammingError))
    with acting(ana), refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE questionnaire_responses SET {change} WHERE id = %s", [response.pk])


def test_a_version_is_never_changed(daily, system):
    with system(), pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        Questionnaire.objects.filter(pk=daily.pk).update(definition={})


def test_a_retired_questionnaire_is_not_asked(ana, daily, system, acting, begin):
    with system():
        Questionnaire.objects.filter(pk=daily.pk).update(retired_at=timezone.now())
    with acting(ana):
        assert [row.key for row in open_questionnaires(ana.reader)] == [PHQ_9]
    with pytest.raises(Questionnaire.DoesNotExist):
        begin(ana, daily)


def test_a_clinic_has_the_shipped_ones_without_anybody_doing_anything(carla, acting):
    with acting(carla):
        assert {row.key for row in open_questionnaires(carla.reader)} == set(SHIPPED)
        assert {offer.form.plain_title for offer in offers_of(carla.patient, carla.reader)} == {
            "Daily check-in",
            "How you feel",
        }


# Who --------------------------------------------------------------------------------------------


def test_a_caregiver_answers_the_check_in_and_not_what_is_private(sam, daily, phq, begin):
    assert begin(sam, daily).authored_by_id == sam.user.pk
    with pytest.raises(Patient.DoesNotExist):
        begin(sam, phq)


def test_a_caregiver_who_may_only_read_answers_nothing(sam, daily, begin, system):
    with system():
        Caregiver.objects.filter(user=sam.user).update(scope="read")
    with pytest.raises(Patient.DoesNotExist):
        begin(sam, daily)


@pytest.mark.parametrize("name", ["ada", "noor", "boris", "ben", "carla", "olga", "admin"])
def test_nobody_else_answers_in_a_patients_name(cast, daily, begin, name):
    with pytest.raises((Patient.DoesNotExist, Questionnaire.DoesNotExist)):
        begin(getattr(cast, name), daily)


def test_nobody_goes_on_with_somebody_elses_answers(ana, sam, daily, begin, acting):
    response = begin(ana, daily)
    with acting(sam), pytest.raises(QuestionnaireResponse.DoesNotExist):
        answering.answer(response.pk, link_id="pain", code="pain-1", by=sam.reader)
    assert begin(sam, daily).pk != response.pk


def test_phq_9_is_not_for_children_and_nothing_is_for_the_dead(ana):
    assert answering.is_for(ana.patient, PHQ)
    child = Patient(birth_on=timezone.localdate() - timedelta(days=17 * 365))
    assert not answering.is_for(child, PHQ)
    assert answering.is_for(child, DAILY)
    dead = Patient(birth_on=ana.patient.birth_on, deceased_at=timezone.now())
    assert not answering.is_for(dead, DAILY)


EVERYBODY = ("ana", "sam", "ada", "noor", "ben", "boris", "carla", "olga", "admin", "other_admin")


@pytest.mark.parametrize(
    ("key", "readers"),
    [(CHECK_IN, {"ana", "sam", "ada", "noor"}), (PHQ_9, {"ana", "ada", "noor"})],
)
def test_row_level_security_alone_shows_answers_to_those_who_may_read_them(
    cast, ana, clinic, system, give, acting, key, readers
):
    questionnaire = _installed(clinic, system, key)
    codes = FIRST if key == CHECK_IN else codes_with([0] * 9)
    give(ana, questionnaire, codes)
    for name in EVERYBODY:
        who = getattr(cast, name)
        with acting(who):
            assert QuestionnaireResponse.objects.count() == (name in readers), name
            assert visible_responses(who.reader).count() == (name in readers), name


@pytest.mark.parametrize("name", ["sam", "ada", "boris", "ben", "admin"])
def test_row_level_security_alone_lets_nobody_write_what_is_private(cast, ana, phq, acting, name):
    who = getattr(cast, name)
    refused = pytest.raises(ProgrammingError, match="row-level security")
    with acting(who), refused, transaction.atomic():
        QuestionnaireResponse.objects.create(
            organization=ana.organization, patient=ana.patient, questionnaire=phq,
            authored_by=who.user, is_private=True,
        )  # fmt: skip


def test_nobody_changes_the_answers_of_another(ana, cast, daily, begin, acting):
    begin(ana, daily)
    for name in ("sam", "ada", "noor", "boris"):
        with acting(getattr(cast, name)):
            assert QuestionnaireResponse.objects.update(items=[]) == 0


def test_what_is_published_holds_no_answer():
    assert set(published()["questionnaire_responses"].columns) == {"id", "patient_id"}
    assert set(published()["early_warning_scores"].columns) == {"id", "patient_id"}
    assert set(published()["oxygen_targets"].columns) == {"id", "patient_id"}
