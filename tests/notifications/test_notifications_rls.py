"""Row-level security of this app's tables, with no help from the application's own wall."""

from datetime import time

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from notifications.models import Channel, Choice, Delivery, Device, Kind, Phone, Wishes
from portal.identifiers import uuid7

OWN_ONLY = [Choice, Device, Phone, Wishes]


@pytest.fixture
def adas(cast, acting):
    """A row of Ada's in each table of her own."""
    mine = {"organization": cast.clinic, "user": cast.ada.user}
    with acting(cast.ada):
        Choice.objects.create(**mine, kind=Kind.MESSAGE, channel=Channel.SMS, is_wanted=True)
        Device.objects.create(**mine, endpoint="https://fcm.googleapis.com/1", public_key="k")
        Phone.objects.create(**mine, number="+16175550123", confirmed_at=timezone.now())
        Wishes.objects.create(**mine, quiet_from=time(22), quiet_until=time(7))


@pytest.mark.parametrize("model", OWN_ONLY)
@pytest.mark.parametrize("who", ["ana", "noor", "admin", "olga", "other_admin"])
def test_how_somebody_wishes_to_be_told_is_theirs_alone(adas, cast, acting, model, who):
    with acting(getattr(cast, who)):
        assert not model.objects.exists()
        assert model.objects.update(user=cast.ada.user) == 0
        assert model.objects.all().delete()[0] == 0
    with acting(cast.ada):
        assert model.objects.count() == 1


@pytest.mark.parametrize("model", OWN_ONLY)
def test_nobody_puts_a_row_into_anothers_name(cast, acting, model):
    with acting(cast.noor), pytest.raises(DatabaseError), transaction.atomic():
        model.objects.create(organization=cast.clinic, user=cast.ada.user, **_least(model))


def _least(model):
    return {
        Choice: {"kind": Kind.MESSAGE, "channel": Channel.SMS, "is_wanted": True},
        Device: {"endpoint": "https://fcm.googleapis.com/2"},
        Phone: {"number": "+16175550199"},
        Wishes: {},
    }[model]


@pytest.mark.parametrize(
    ("who", "number"), [("ada", 4), ("admin", 4), ("noor", 0), ("ana", 0), ("other_admin", 0)]
)
def test_the_log_is_read_by_its_person_and_the_administrators(cast, acting, told, who, number):
    told(cast.ada, cast.ana.patient)
    with acting(getattr(cast, who)):
        assert Delivery.objects.count() == number


def test_only_administrators_change_the_log_and_nobody_adds_to_it(cast, acting, told):
    told(cast.ada, cast.ana.patient)
    with acting(cast.ada):
        assert Delivery.objects.update(status="sent") == 0
        (one, *_) = Delivery.objects.all()
    with acting(cast.admin):
        assert Delivery.objects.update(next_at=timezone.now()) == 4
        one.pk, one._state.adding = uuid7(), True
        with pytest.raises(DatabaseError), transaction.atomic():
            one.save(force_insert=True)
        with pytest.raises(DatabaseError), transaction.atomic():
            Delivery.objects.all()._raw_delete("default")
