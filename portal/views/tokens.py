"""The part of an address that is a secret: what it looks like, and who else sees it."""

from django.http import HttpResponse


class TokenConverter:
    """Letters, digits, hyphen and underscore; anything else is not an address of ours."""

    regex = "[A-Za-z0-9_-]{1,200}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


def unreferred(response: HttpResponse) -> HttpResponse:
    """Keep the address of this page from every page it leads to."""
    response["Referrer-Policy"] = "no-referrer"
    return response
