"""Check-ins as people meet them: on the phone, without scripts, and on the chart."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from care.models import OxygenTarget, Questionnaire, QuestionnaireResponse
from care.questionnaires.shelf import CHECK_IN, PHQ_9, SELF_HARM, install
from portal.models import Caregiver
from tests.words import words_of

OFTEN = ["LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9"]
WELL = ["pain-2", "fever-0", "wound-0", "mood-0", "breathing-0"]


@pytest.fixture
def questionnaire(clinic, system):
    """`questionnaire("phq-9")`: as Harbour Clinic has it."""
    install(clinic.pk)

    def questionnaire(key):
        with system():
            return Questionnaire.objects.get(organization=clinic, key=key)

    return questionnaire


@pytest.fixture
def opened(client_for, ana, questionnaire):
    """`opened(CHECK_IN)`: Ana's browser at the first question, and the address of that."""

    def opened(key, person=ana):
        client = client_for(person)
        first = client.post(reverse("care:check_in", args=[questionnaire(key).pk]))
        return client, first.url

    return opened


@pytest.fixture
def answered(opened):
    """`answered(CHECK_IN, codes)`: answers given one after another; where the last one led."""

    def answered(key, codes, **by):
        client, address = opened(key, **by)
        for code in codes:
            address = client.post(address, {"answer": code}).url
            if address.endswith("/help/"):
                page = client.get(address).content.decode()
                address = re.search(r'href="([^"]+)">Go on with', page)[1]
        return client, address

    return answered


# On the phone -----------------------------------------------------------------------------------


def test_a_check_in_is_answered_by_plain_buttons_and_sent(answered, ana, system):
    client, address = answered(CHECK_IN, WELL)
    page = client.get(address)
    assert "They are not sent yet." in words_of(page)
    sent = client.post(address)
    assert "Your care team can see this now." in words_of(client.get(sent.url))
    with system():
        response = QuestionnaireResponse.objects.get()
        assert (response.status, response.authored_by_id) == ("completed", ana.user.pk)
        assert [item["code"] for item in response.items] == WELL


def test_every_page_says_how_far_one_is(opened):
    client, address = opened(PHQ_9)
    assert "Question 1 of 9" in words_of(client.get(address))
    second = client.post(address, {"answer": OFTEN[0]}).url
    third = client.post(second, {"answer": OFTEN[0]}).url
    assert "Question 3 of 9" in words_of(client.get(third))


def test_the_way_back_shows_the_answer_and_another_one_replaces_it(opened, system):
    client, first = opened(CHECK_IN)
    client.post(first, {"answer": "pain-7"})
    page = client.get(first).content.decode()
    assert re.search(r'value="pain-7" aria-current="true"', page)
    client.post(first, {"answer": "pain-3"})
    with system():
        (item,) = QuestionnaireResponse.objects.get().items
    assert item["code"] == "pain-3"


def test_whoever_was_interrupted_goes_on_where_they_were(opened, client_for, ana, questionnaire):
    client, first = opened(CHECK_IN)
    client.post(first, {"answer": "pain-7"})
    another_device = client_for(ana)
    card = another_device.get("/home/check-in/", headers={"HX-Request": "true"})
    assert "You are at question 2 of 5. Your answers are kept." in words_of(card)
    address = another_device.post(reverse("care:check_in", args=[questionnaire(CHECK_IN).pk])).url
    assert address.endswith("/2/")


def test_no_answer_is_asked_for_again_in_words(opened):
    client, first = opened(CHECK_IN)
    page = client.post(first, {})
    assert page.status_code == 422
    assert "Please choose one of the answers." in words_of(page)


def test_answers_are_not_sent_before_all_are_given(opened):
    client, first = opened(CHECK_IN)
    address = first.rsplit("/", 2)[0] + "/"
    page = client.post(address)
    assert page.status_code == 422
    assert "Please answer all the questions first." in words_of(page)


@pytest.mark.parametrize("answer", OFTEN[1:])
def test_thoughts_of_self_harm_are_answered_at_once_with_whom_to_call(answered, ana, answer):
    client, address = answered(PHQ_9, [OFTEN[0]] * 8)
    help_page = client.post(address, {"answer": answer}).url
    page = client.get(help_page)
    words = words_of(page)
    assert "You are not alone." in words
    assert f"Call {ana.organization.emergency_phone}" in words
    assert f'href="tel:{ana.organization.phone.replace(" ", "")}"' in page.content.decode()
    # And it is still there when the answers are looked at.
    assert "You are not alone." in words_of(client.get(help_page.rsplit("/", 3)[0] + "/"))


def test_no_thoughts_of_self_harm_and_the_questions_go_on(answered):
    client, address = answered(PHQ_9, [OFTEN[0]] * 9)
    page = words_of(client.get(address))
    assert "Check your answers" in page
    assert "You are not alone." not in page


def test_hard_breathing_is_answered_with_the_emergency_number(answered, ana):
    client, address = answered(CHECK_IN, WELL[:4])
    page = words_of(client.get(client.post(address, {"answer": "breathing-2"}).url))
    assert f"If it is new or getting worse, call {ana.organization.emergency_phone}" in page


def test_a_clinic_without_a_telephone_names_the_emergency_number_alone(answered, ana, system):
    with system():
        type(ana.organization).objects.filter(pk=ana.organization.pk).update(phone="")
    client, address = answered(PHQ_9, [OFTEN[0]] * 8)
    page = words_of(client.get(client.post(address, {"answer": OFTEN[1]}).url))
    assert f"Call {ana.organization.emergency_phone}" in page
    assert "Call the clinic" not in page


def test_before_the_first_question_stands_what_it_is_not_for(client_for, ana, questionnaire):
    page = words_of(
        client_for(ana).get(reverse("care:check_in", args=[questionnaire(CHECK_IN).pk]))
    )
    assert page.index("Do not wait, call us.") < page.index("5 questions, one at a time.")


def test_home_says_when_today_s_is_done(answered):
    client, address = answered(CHECK_IN, WELL)
    client.post(address)
    assert "Done today at" in words_of(client.get("/home/check-in/"))


def test_what_was_begun_long_ago_is_asked_anew(answered, system):
    client, _ = answered(CHECK_IN, WELL)
    assert "You are at question" in words_of(client.get("/home/check-in/"))
    with system():
        QuestionnaireResponse.objects.update(started_at=timezone.now() - timedelta(hours=13))
    assert "5 short questions about you." in words_of(client.get("/home/check-in/"))


def test_an_address_names_no_questionnaire(opened):
    _, address = opened(PHQ_9)
    assert "phq" not in address
    assert "phq" not in reverse("care:check_ins")


def test_a_page_may_not_be_kept(opened):
    client, address = opened(PHQ_9)
    assert "no-store" in client.get(address)["Cache-Control"]


# Whom a page is for -----------------------------------------------------------------------------


def test_a_caregiver_is_not_told_that_phq_9_exists(client_for, sam, questionnaire):
    private = questionnaire(PHQ_9)
    client = client_for(sam)
    assert "How you feel" not in words_of(client.get("/check-ins/"))
    assert client.get(reverse("care:check_in", args=[private.pk])).status_code == 404


def test_a_caregiver_does_not_find_the_patients_private_answers(answered, client_for, sam):
    client, address = answered(PHQ_9, [OFTEN[0]] * 9)
    client.post(address)
    theirs = client_for(sam)
    assert theirs.get(address).status_code == 404
    assert "How you feel" not in words_of(theirs.get("/check-ins/"))
    assert "How you feel" in words_of(client.get("/check-ins/"))


def test_a_caregiver_s_check_in_says_who_gave_it(answered, sam, ana, client_for):
    client, address = answered(CHECK_IN, WELL, person=sam)
    client.post(address)
    assert "by Sam Ruiz" in words_of(client_for(ana).get(address))


def test_who_may_only_read_sees_the_card_and_no_button(client_for, sam, system):
    with system():
        Caregiver.objects.filter(user=sam.user).update(scope="read")
    card = client_for(sam).get("/home/check-in/")
    assert "Not done yet today." in words_of(card)


# On the chart -----------------------------------------------------------------------------------


def panel(client, ana, name):
    return words_of(client.get(f"/patients/{ana.patient.pk}/panels/{name}/"))


def test_the_chart_shows_score_items_and_who_was_told_to_call(answered, client_for, ada, ana):
    client, address = answered(PHQ_9, [OFTEN[1]] * 9 + ["LA6573-5"])
    client.post(address)
    words = panel(client_for(ada), ana, "questionnaires")
    assert "9 of 27, mild" in words
    assert "Self-harm Several days (1) Told to call" in words
    assert "Difficulty Somewhat difficult" in words


def test_what_was_not_sent_is_not_on_the_chart(opened, client_for, ada, ana):
    client, first = opened(CHECK_IN)
    client.post(first, {"answer": "pain-7"})
    assert "No answers yet" in panel(client_for(ada), ana, "questionnaires")


def test_the_chart_shows_a_score_with_its_parts_and_what_is_missing(
    client_for, ada, ana, record_reading, system
):
    from care.early_warning import rescore

    row = record_reading(ana, "8867-4", 135)
    with system():
        rescore(ana.patient, row.measured_at)
    words = panel(client_for(ada), ana, "news2")
    assert "At least 3 Incomplete (1 of 7)" in words
    assert "Urgent ward review." in words
    assert "Pulse 135 /min 3" in words
    assert "Missing: Respiration, SpO₂, Air or oxygen," in words
    assert "Royal College of Physicians" in words


def test_a_clinician_prescribes_scale_2_with_a_reason_and_ends_it(
    client_for, ada, noor, ana, system
):
    client = client_for(ada)
    address = reverse("care:oxygen_target", args=[ana.patient.pk])
    client.post(address, {"reason": " "})
    with system():
        assert not OxygenTarget.objects.exists()
    page = client.post(address, {"reason": "Known hypercapnia"}, follow=True)
    assert "Prescribed by Ada Lee" in words_of(page)
    assert "Prescribe 88–92 %" not in panel(client_for(noor), ana, "news2")
    client.post(address, {"end": "1"})
    with system():
        assert OxygenTarget.objects.get().ended_by_id == ada.user.pk


def test_who_may_no_longer_decide_scale_2_does_not_keep_its_form(client_for, ada, noor, ana):
    """It outlasts news while somebody types; under another id it is another one."""

    def kept(person):
        page = client_for(person).get(f"/patients/{ana.patient.pk}/panels/news2/").content.decode()
        return re.findall(r'id="(oxygen-target-[^"]*)" hx-preserve', page)

    assert len(kept(ada)) == len(kept(noor)) == 1
    assert kept(ada) != kept(noor)


def test_a_chart_costs_the_same_for_one_response_and_for_many(
    answered, client_for, ada, ana, django_assert_max_num_queries
):
    for _ in range(3):
        client, address = answered(CHECK_IN, WELL)
        client.post(address)
    browser = client_for(ada)
    with django_assert_max_num_queries(20):
        browser.get(f"/patients/{ana.patient.pk}/panels/questionnaires/")


def test_self_harm_is_the_ninth_of_phq_9(questionnaire):
    assert questionnaire(PHQ_9).definition["item"][8]["linkId"] == SELF_HARM
