"""Nothing is sent to somebody who has died, or to those who acted for them."""

import pytest

from messaging.errors import PatientIsDeceased
from messaging.models import Message
from notifications.actions import notify
from notifications.models import Kind, Notification
from tests.messaging.writing import answered_by, read_by, started_by


@pytest.mark.parametrize("who", ["ada", "noor", "sam", "ana"])
def test_nobody_begins_a_conversation_with_the_dead(cast, change, system, who):
    change.dies(cast.ana)

    with pytest.raises(PatientIsDeceased) as raised:
        started_by(getattr(cast, who), cast.ana.patient)
    assert "has died" in raised.value.sentence
    with system():
        assert not Message.objects.exists()
        assert not Notification.objects.exists()


def test_nobody_answers_the_dead(cast, change, conversation, system):
    change.dies(cast.ana)

    with pytest.raises(PatientIsDeceased):
        answered_by(cast.ada, conversation)
    with system():
        assert Message.objects.count() == 1


def test_what_was_said_before_can_still_be_read(cast, change, conversation):
    change.dies(cast.ana)
    assert read_by(cast.ada, conversation) == 1


def test_the_patients_side_is_told_nothing_more_and_the_team_is(cast, change, acting, system):
    change.dies(cast.ana)
    with system():
        from portal.models import Patient

        patient = Patient.objects.get(pk=cast.ana.patient.pk)
        notify(
            [cast.ana.user.pk, cast.sam.user.pk, cast.ada.user.pk], Kind.CARE_TEAM, patient=patient
        )
        assert {n.user_id for n in Notification.objects.all()} == {cast.ada.user.pk}
