"""Rotating keys: everything opens as before, and nothing is left under an old key."""

import pytest
from django.core.management import CommandError, call_command
from django.db.models import BinaryField
from django.utils import timezone

from messaging.models import Conversation, Message
from portal.management import rotation
from portal.models import AuditSeal, KeptText
from portal.sealing import key_id_of
from tests.messaging.writing import QUESTION, answered_by, started_by

OLD, NEW = ("test", bytes(32)), ("spring", bytes(range(32)))


@pytest.fixture
def new_key(settings, conversation, cast, acting):
    """Texts of two clinics under the old key; then the new key stands before it."""
    answered_by(cast.ada, conversation)
    started_by(cast.carla, cast.carla.patient, body="Mein Knie ist dick.")
    kept = KeptText(organization=cast.clinic, user=cast.ana.user, path="/messages/", field="body")
    kept.write("half a", at=timezone.now())
    with acting(cast.ana):
        kept.save()
    settings.ENCRYPTION_KEYS = dict([NEW, OLD])


def key_ids(system, organization):
    with system(organization):
        return {
            key_id_of(text)
            for model, column in (
                (Message, "body_sealed"),
                (Conversation, "subject_sealed"),
                (KeptText, "sealed"),
            )
            for text in model.objects.values_list(column, flat=True)
        }


def test_everything_in_every_clinic_is_sealed_with_the_new_key(
    new_key, settings, cast, system, acting, conversation
):
    call_command("rotate_keys")

    for organization in (cast.clinic, cast.other_clinic):
        assert key_ids(system, organization) == {"spring"}
    settings.ENCRYPTION_KEYS = dict([NEW])
    with acting(cast.noor):
        assert Message.objects.filter(conversation=conversation).first().body == QUESTION
        assert Conversation.objects.get().subject == "Swelling"
    with acting(cast.ana):
        assert KeptText.objects.get().read() == "half a"


def test_stopped_in_the_middle_it_goes_on_from_there(new_key, monkeypatch, cast, system):
    monkeypatch.setattr(rotation, "BATCH", 1)
    real, resealed = Message.reseal, []

    def stumble(message):
        if resealed:
            raise KeyboardInterrupt
        resealed.append(message.pk)
        real(message)

    monkeypatch.setattr(Message, "reseal", stumble)
    with pytest.raises(KeyboardInterrupt):
        list(rotation.rotate())
    monkeypatch.setattr(Message, "reseal", real)

    tallies = {tally.table: tally for tally in rotation.rotate()}
    assert tallies["client_portal_messages"].resealed == 2
    assert all(tally.left == 0 for tally in tallies.values())
    assert key_ids(system, cast.clinic) == {"spring"}


def test_a_second_run_has_nothing_to_do(new_key):
    list(rotation.rotate())
    assert sum(tally.resealed for tally in rotation.rotate()) == 0


def test_a_text_that_no_key_opens_is_named_and_the_rest_goes_on(
    new_key, conversation, cast, system
):
    with system():
        broken = Message.objects.filter(conversation=conversation).first()
        *whole, last = bytes(broken.body_sealed)
        Message.objects.filter(pk=broken.pk).update(body_sealed=bytes([*whole, last ^ 1]))

    with pytest.raises(CommandError, match=f"1 texts do not open .* {broken.pk}"):
        call_command("rotate_keys")
    with system():
        others = Message.objects.exclude(pk=broken.pk)
        assert {key_id_of(message.body_sealed) for message in others} == {"spring"}


def test_a_process_with_the_old_settings_is_noticed(new_key, monkeypatch, settings, cast):
    real = rotation._rotate_within

    def meanwhile(organization_id, model, tally):
        real(organization_id, model, tally)
        if model is Message and organization_id == cast.clinic.pk:
            settings.ENCRYPTION_KEYS = dict([OLD, NEW])
            started_by(cast.ana, cast.ana.patient)
            settings.ENCRYPTION_KEYS = dict([NEW, OLD])

    monkeypatch.setattr(rotation, "_rotate_within", meanwhile)
    with pytest.raises(CommandError, match="older key meanwhile"):
        call_command("rotate_keys")


def test_no_sealed_table_is_forgotten(db):
    from django.apps import apps

    ours = {"portal", "care", "messaging", "notifications", "appointments"}
    digests = {AuditSeal}
    with_bytes = {
        model
        for model in apps.get_models()
        if model._meta.app_label in ours
        and any(isinstance(field, BinaryField) for field in model._meta.fields)
    }
    assert with_bytes - digests == set(rotation.sealed_models())
