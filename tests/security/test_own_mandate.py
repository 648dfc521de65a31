"""An administrator runs the clinic and reads no record: nor by a mandate they give themselves."""

import pytest
from django.db import DatabaseError, transaction

from portal.models import Caregiver

ADDRESS = "/admin/portal/caregiver/add/"


def asked(user, patient) -> dict[str, str]:
    return {
        "patient": str(patient.pk),
        "user": str(user.pk),
        "relationship": "Son",
        "scope": "read",
        "ends_at_0": "",
        "ends_at_1": "",
    }


def test_an_administrator_does_not_open_a_record_to_themselves(client_for, admin, ben, system):
    answer = client_for(admin).post(ADDRESS, asked(admin.user, ben.patient))

    assert "Ask another administrator" in answer.content.decode()
    with system():
        assert not Caregiver.objects.filter(user=admin.user).exists()


def test_an_administrator_opens_it_to_somebody_else(client_for, admin, sam, ben, system):
    client_for(admin).post(ADDRESS, asked(sam.user, ben.patient))

    with system():
        assert Caregiver.objects.filter(user=sam.user, patient=ben.patient).exists()


def test_the_database_refuses_it_too(acting, admin, ben):
    mandate = Caregiver(organization=admin.organization, user=admin.user, patient=ben.patient)
    with acting(admin), pytest.raises(DatabaseError), transaction.atomic():
        mandate.save(force_insert=True)
