"""People who can be reached, and what reaches them.

Models are imported inside: pytest reads this file before the settings name a database.
"""

from types import SimpleNamespace
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.notifications.servers import http_provider, mail_server


@pytest.fixture
def postbox(settings):
    """The clinic's mail server; `postbox.mails` is what arrived."""
    with mail_server() as (box, place):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = place.host, place.port
        settings.EMAIL_USE_TLS, settings.EMAIL_HOST_USER = False, ""
        settings.SITE_URL = "https://portal.example/"
        yield box


@pytest.fixture
def text_provider(settings):
    """A provider of text messages."""
    with http_provider((201, {}, b'{"sid": "SM1"}')) as provider:
        settings.SMS_PROVIDER, settings.SMS_API_URL = "twilio", provider.url
        settings.SMS_ACCOUNT, settings.SMS_TOKEN = "AC1", "secret"
        settings.SMS_SENDER = "+16175550100"
        yield provider


@pytest.fixture
def push_service(settings):
    """A push service, with the clinic's key."""
    with http_provider((201, {}, b"")) as service:
        settings.VAPID_PRIVATE_KEY = bytes(range(1, 33))
        settings.VAPID_SUBJECT = "mailto:it@harbour.example"
        settings.WEB_PUSH_HOSTS = ["127.0.0.1"]
        yield service


@pytest.fixture
def told():
    """Tell one person something."""
    from notifications.actions import notify
    from notifications.models import Kind
    from portal.tenancy import acting_for

    def tell(person, patient, kind=Kind.ALERT, *, is_important=False, subject=None):
        with acting_for(patient.organization_id, system=True):
            return notify(
                [person.user.pk],
                kind,
                patient=patient,
                subject_id=subject or uuid4(),
                is_important=is_important,
            )

    return tell


@pytest.fixture
def log():
    """The deliveries of a person by one channel, the oldest first."""
    from notifications.models import Delivery
    from portal.tenancy import acting_for

    def deliveries(person, channel):
        with acting_for(person.organization.pk, system=True):
            return list(
                Delivery.objects.filter(user=person.user, channel=channel).order_by("created_at")
            )

    return deliveries


@pytest.fixture
def with_phone():
    """Give somebody a confirmed number."""
    from django.utils import timezone

    from notifications.models import Phone
    from portal.tenancy import acting_for

    def give(person, number="+16175550123"):
        with acting_for(person.organization.pk, system=True):
            return Phone.objects.create(
                organization=person.organization,
                user=person.user,
                number=number,
                confirmed_at=timezone.now(),
            )

    return give


@pytest.fixture
def with_browser():
    """Give somebody a browser that subscribed; return its private side."""
    from notifications.channels.push_crypto import encoded, point_of
    from notifications.models import Device
    from portal.tenancy import acting_for

    def give(person, endpoint):
        key, secret = ec.generate_private_key(ec.SECP256R1()), b"s" * 16
        with acting_for(person.organization.pk, system=True):
            device = Device.objects.create(
                organization=person.organization,
                user=person.user,
                endpoint=endpoint,
                public_key=encoded(point_of(key.public_key())),
                secret=encoded(secret),
            )
        return SimpleNamespace(device=device, key=key, secret=secret)

    return give
