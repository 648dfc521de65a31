"""The cookie of a session: given where a session begins, taken where a person signs out."""

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse


class SessionCookie(SessionMiddleware):
    """Django's, but an answer to an old cookie leaves the browser's newer one alone.

    A page may have asked for something just before another tab signed in or went to another
    organization. Its answer comes after the new cookie: Django would take the cookie away there,
    because the session asked for is gone, or give the old one again, because something in it
    changed. Either would sign the person out of every tab.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Save the session; change the cookie only for a new key, or as the view has said."""
        name = settings.SESSION_COOKIE_NAME
        said_by_view = name in response.cookies
        response = super().process_response(request, response)
        if not said_by_view and request.session.session_key in (None, request.COOKIES.get(name)):
            response.cookies.pop(name, None)
        return response


def take_cookie(response: HttpResponse) -> HttpResponse:
    """Have the browser forget the key of a session that has just been ended."""
    response.delete_cookie(settings.SESSION_COOKIE_NAME, samesite="Lax")
    return response
