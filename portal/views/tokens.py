"""The part of an address that is a secret: what it looks like, and how it is kept out of sight."""

import re

from django.http import HttpResponse

# Everything after these beginnings of a path opens something to whoever knows it.
_SECRET_PATHS = re.compile(r"(/invitations/|/password/reset/)(?!sent/|done/)[^\s\"'?#]+")


class TokenConverter:
    """Letters, digits, hyphen and underscore; anything else is not an address of ours."""

    regex = "[A-Za-z0-9_-]{1,200}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


def masked(text: str) -> str:
    """The text with the secret part of every address in it replaced."""
    return _SECRET_PATHS.sub(r"\1…/", text)


def unreferred(response: HttpResponse) -> HttpResponse:
    """Keep the address of this page from every page it leads to."""
    response["Referrer-Policy"] = "no-referrer"
    return response
