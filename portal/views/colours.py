"""The colours somebody chose: kept with the account, worn by each device as a cookie.

The cookie is what pages are rendered by, before anybody is known, so that no page flashes.
"""

from django.http import HttpRequest, HttpResponse

COOKIE = "theme"
ONE_YEAR = 365 * 24 * 60 * 60  # seconds


def wear(request: HttpRequest, response: HttpResponse, theme: str) -> HttpResponse:
    """Let this device show its pages in the colours `theme`, or as the device itself has it."""
    if theme == "system":
        response.delete_cookie(COOKIE, samesite="Lax")
    else:
        response.set_cookie(
            COOKIE, theme, max_age=ONE_YEAR, samesite="Lax", secure=request.is_secure()
        )
    return response
