"""The link behind which somebody chooses a password: the first one, or another."""

from datetime import datetime
from urllib.parse import urljoin

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse
from django.utils.http import urlsafe_base64_encode
from django.utils.timezone import make_naive

from portal import clock
from portal.models import User


class LinkTokens(PasswordResetTokenGenerator):
    """What is secret in a link; how old one is, the database's clock says."""

    def _now(self) -> datetime:
        return make_naive(clock.now())


link_tokens = LinkTokens()


def password_link(user: User, site: str) -> str:
    """A link at `site`, good for PASSWORD_RESET_TIMEOUT and for one password.

    Whoever has it can sign in as the user.
    """
    uid = urlsafe_base64_encode(str(user.pk).encode())
    token = link_tokens.make_token(user)
    return urljoin(site, reverse("portal:password_reset_confirm", args=[uid, token]))
