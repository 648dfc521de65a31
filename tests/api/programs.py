"""Programs with keys, and how they knock."""

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from portal.actions.service_accounts import create_service_account
from portal.models import Scope
from portal.tenancy import acting_for


def account_and_key(admin, *scopes, name="Gateway", requests_per_minute=600):
    """An account in the clinic of an administrator, made by them, and its key."""
    with acting_for(admin.organization.pk, admin.user.pk):
        return create_service_account(
            name,
            scopes=scopes or list(Scope),
            expires_at=timezone.now() + timedelta(days=30),
            requests_per_minute=requests_per_minute,
            by=admin.reader,
        )


class Program:
    """A program with its key."""

    def __init__(self, account, key):
        self.account, self.key = account, key
        self.client = Client(headers={"Authorization": f"Bearer {key}"})
        self.client.raise_request_exception = False

    def post(self, path, resource):
        return self.client.post(path, resource, content_type="application/fhir+json")

    def get(self, path, **query):
        return self.client.get(path, query)
