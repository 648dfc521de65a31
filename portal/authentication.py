"""Signing in by e-mail address, under row-level security."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal import tenancy
from portal.models import User


class EmailBackend(ModelBackend):
    """Find the one user who is signing in; the users' policy shows no other."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the user whose address and password these are, or None."""
        if username is None or password is None:
            return None
        email = username.strip().lower()
        tenancy.prove(email)
        user = super().authenticate(request, username=email, password=password, **kwargs)
        return user if isinstance(user, User) else None


def locked_out(
    request: HttpRequest, original_response: HttpResponse | None = None, **kwargs: Any
) -> HttpResponse:
    """The answer after too many wrong passwords for one address from one place."""
    return render(request, "portal/locked_out.html", status=429)
