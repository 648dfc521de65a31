"""The link behind which somebody chooses a password: the first one, or another."""

from urllib.parse import urljoin

from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils.http import urlsafe_base64_encode

from portal.models import User


def password_link(user: User, site: str) -> str:
    """A link at `site`, good for PASSWORD_RESET_TIMEOUT and for one password.

    Whoever has it can sign in as the user.
    """
    uid = urlsafe_base64_encode(str(user.pk).encode())
    token = default_token_generator.make_token(user)
    return urljoin(site, reverse("portal:password_reset_confirm", args=[uid, token]))
