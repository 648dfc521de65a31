"""A care team that nobody can reach: nothing is promised, and nothing that was typed is lost."""

from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from messaging.errors import NobodyReads
from messaging.models import Conversation, Message
from portal.models import Provider, User
from tests.messaging.writing import QUESTION, answered_by, started_by
from tests.words import words_of

HTMX = {"HX-Request": "true"}
CANNOT_BE_REACHED = "care team can be reached here now"


@pytest.fixture
def loses(system, change):
    """`loses(ada, "no account")`: one way in which a clinician can no longer be reached."""

    def no_account(person):
        # As a provider who came with an imported record.
        with system():
            Provider.objects.filter(pk=person.provider.pk).update(user=None)

    def may_not_sign_in(person):
        with system():
            User.objects.filter(pk=person.user.pk).update(is_active=False)

    ways = {
        "no account": no_account,
        "may not sign in": may_not_sign_in,
        "place ended": lambda person: change.place(person, ends_at=timezone.now()),
        "membership ended": lambda person: change.membership(person, ended_at=timezone.now()),
        "another role": lambda person: change.membership(person, role="caregiver"),
    }

    def loses(person, way="no account"):
        ways[way](person)

    return loses


@pytest.fixture(
    params=["no account", "may not sign in", "place ended", "membership ended", "another role"]
)
def nobody(request, loses, cast):
    """Ada and Noor, Ana's whole team, can no longer be reached."""
    loses(cast.ada, request.param)
    loses(cast.noor, request.param)


def new_message(**more):
    return {"category": "pain", "subject": "At night", "body": "It hurts.", "key": uuid4()} | more


def test_who_writes_is_told_who_will_see_it(cast, client_for, loses):
    said = words_of(client_for(cast.ana).get("/messages/new/"))
    assert "Ada Lee and Noor Haddad will see it." in said
    loses(cast.noor)
    said = words_of(client_for(cast.ana).get("/messages/new/"))
    assert "Ada Lee will see it." in said
    assert "Noor" not in said


@pytest.mark.parametrize("who", ["ana", "sam"])
def test_nothing_is_written_to_a_team_that_nobody_can_reach(nobody, cast, client_for, who):
    answer = client_for(getattr(cast, who)).get("/messages/new/")
    said = words_of(answer)
    assert "can be reached here" in said
    assert "555 0100" in said
    assert "will see it" not in said
    assert "business day" not in said
    assert "<textarea" not in answer.content.decode()
    assert "Patient:" not in said, "a name of the page's own stands in the navigation"


def test_what_was_typed_meanwhile_is_not_sent_and_not_lost(nobody, cast, client_for, acting):
    answer = client_for(cast.ana).post("/messages/new/", new_message())
    assert answer.status_code == 422
    said = words_of(answer)
    assert CANNOT_BE_REACHED in said
    assert "It hurts." in said
    assert "will see it" not in said
    assert "business day" not in said
    with acting(cast.ana):
        assert not Conversation.objects.exists()


def test_the_action_refuses_as_well(nobody, cast, acting):
    with pytest.raises(NobodyReads):
        started_by(cast.sam, cast.ana.patient)
    with acting(cast.ana):
        assert not Message.objects.exists()


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_reply_that_nobody_would_read_says_so_and_keeps_the_words(
    conversation, loses, cast, client_for, acting, headers
):
    client = client_for(cast.ana)
    loses(cast.ada)
    loses(cast.noor, "place ended")
    address = reverse("messaging:messages", args=[conversation.pk])
    answer = client.post(address, {"body": "It is worse.", "key": uuid4()}, headers=headers)
    assert answer.status_code == 422
    said = words_of(answer)
    assert CANNOT_BE_REACHED in said
    assert "It is worse." in said
    assert "555 0100" in said
    assert "business day" not in said
    with acting(cast.ana):
        assert Message.objects.count() == 1


def test_a_conversation_that_lost_its_last_reader_says_so_instead_of_a_composer(
    conversation, nobody, cast, client_for
):
    answer = client_for(cast.ana).get(reverse("messaging:thread", args=[conversation.pk]))
    said = words_of(answer)
    assert CANNOT_BE_REACHED in said
    assert "555 0100" in said
    assert "business day" not in said
    assert "and the care team can read this" not in said
    assert "<textarea" not in answer.content.decode()


def test_whoever_can_read_is_named_and_no_other(conversation, loses, cast, client_for):
    loses(cast.noor)
    said = words_of(client_for(cast.ana).get(reverse("messaging:thread", args=[conversation.pk])))
    readers = said.split("and the care team can read this")[1].split(QUESTION)[0]
    assert "Ada Lee" in readers
    assert "Noor Haddad" not in readers


def test_what_was_sent_before_is_still_what_its_key_sent(cast, loses):
    key = uuid4()
    sent = started_by(cast.ana, cast.ana.patient, key=key)
    loses(cast.ada)
    loses(cast.noor)
    assert started_by(cast.ana, cast.ana.patient, key=key) == sent


def test_who_was_called_for_an_alert_alone_is_no_care_team(cast, loses, system):
    from portal.models import AccessGrant

    loses(cast.ada)
    loses(cast.noor)
    with system():
        AccessGrant.objects.create(
            organization=cast.clinic, patient=cast.ana.patient, user=cast.boris.user,
            subject_id=uuid4(),
        )  # fmt: skip
    with pytest.raises(NobodyReads):
        started_by(cast.ana, cast.ana.patient)


def test_the_team_writes_to_the_family_as_before(conversation, loses, cast):
    loses(cast.noor)
    assert answered_by(cast.ada, conversation).pk


def test_a_caregiver_of_two_writes_for_the_one_whose_team_is_there(cast, client_for, loses, system):
    from portal.models import Caregiver

    with system():
        Caregiver.objects.create(
            organization=cast.clinic, patient=cast.ben.patient, user=cast.sam.user, scope="write"
        )
    loses(cast.ada)
    loses(cast.noor)
    client = client_for(cast.sam)
    page = client.get("/messages/new/")
    said = words_of(page)
    assert "Nobody on the care team of Ana Ruiz can be reached here" in said
    # Said, and asked all the same: what is about Ana must not go to Ben's team.
    assert "Boris" not in said
    assert client.post("/messages/new/", new_message()).status_code == 422
    assert (
        client.post("/messages/new/", new_message(patient=cast.ben.patient.pk)).status_code == 302
    )
    refused = client.post("/messages/new/", new_message(patient=cast.ana.patient.pk))
    assert refused.status_code == 422
    assert "It hurts." in words_of(refused)


def test_administrators_are_shown_whom_nobody_can_be_reached_for(nobody, cast, client_for):
    said = words_of(client_for(cast.admin).get("/dashboard/"))
    assert "Without a care team 1" in said
    assert "Ana Ruiz" in said
    assert "Ben Cho" not in said


def test_a_team_with_one_who_can_be_reached_is_a_team(loses, cast, client_for):
    loses(cast.noor)
    said = words_of(client_for(cast.admin).get("/dashboard/"))
    assert "Without a care team 0" in said
