"""Half-written text, kept for the page it was typed on (static/js/kept-text.js)."""

import json

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException
from django.views.decorators.http import require_http_methods

from portal.access import of_reader
from portal.actions.kept_text import TooMuchText, keep_text
from portal.doors import reader_of
from portal.models import KeptText
from portal.sealing import CannotOpen


@require_http_methods(["GET", "HEAD", "POST"])
def kept_text(request: HttpRequest) -> HttpResponse:
    """GET ?path=: {"kept": {field: text}}. POST {"path", "field", "text"}: keep it, or forget it.

    Not activity of the session. 401 without one, 400 for what is no such thing, 413 for too much.
    """
    if request.reader is None:  # type: ignore[attr-defined]
        return JsonResponse({}, status=401)
    reader = reader_of(request)
    if request.method != "POST":
        mine = of_reader(KeptText.objects.young(), reader).filter(path=request.GET.get("path", ""))
        return JsonResponse({"kept": {kept.field: _opened(kept) for kept in mine}})
    asked = _read(request)
    if asked is None:
        return JsonResponse({}, status=400)
    try:
        keep_text(**asked, by=reader)
    except TooMuchText:
        return JsonResponse({}, status=413)
    return HttpResponse(status=204)


def _opened(kept: KeptText) -> str:
    try:
        return kept.read()
    except CannotOpen:
        # A key that is gone took the text with it; the page is not worse off than without it.
        return ""


def _read(request: HttpRequest) -> dict[str, str] | None:
    """The three texts of a request, or None when they are not three texts of a sane length."""
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError, RawPostDataException):
        # The last one: a form was sent where JSON belongs, and has been read as one already.
        return None
    if not isinstance(body, dict):
        return None
    asked: dict[str, str] = {}
    for name in ("path", "field", "text"):
        value = body.get(name)
        if not isinstance(value, str) or not _can_be_kept(value):
            return None
        asked[name] = value
    if not (0 < len(asked["path"]) <= 200 and 0 < len(asked["field"]) <= 60):
        return None
    return asked


def _can_be_kept(text: str) -> bool:
    """Whether it is text: JSON can also write half a character, and the database's NUL."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text
