"""Browsers that ask for push, and the worker that shows it."""

import json
from pathlib import Path
from uuid import UUID

from django.contrib import messages
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from notifications.actions.wishing import add_device, remove_device
from notifications.channels.push_crypto import decoded
from notifications.errors import UnknownService
from notifications.models import Device
from portal.browsers import browser_in_words
from portal.doors import members_only, reader_of

_LENGTHS = {"public_key": 65, "secret": 16}  # bytes (RFC 8291)
LONGEST_ADDRESS = 1000


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """The script, to whoever asks: it holds nothing of anybody's."""
    found = finders.find("js/push/service-worker.js")
    if not isinstance(found, str):
        raise Http404
    return HttpResponse(Path(found).read_bytes(), content_type="text/javascript; charset=utf-8")


@require_POST
@members_only
def devices(request: HttpRequest) -> HttpResponse:
    """Keep the subscription of this browser: {"endpoint", "public_key", "secret"}."""
    asked = _read(request)
    if asked is None:
        return JsonResponse({}, status=400)
    browser = browser_in_words(request.headers.get("User-Agent", ""))
    try:
        add_device(**asked, browser=browser, by=reader_of(request))
    except UnknownService:
        return JsonResponse({}, status=422)
    return HttpResponse(status=204)


@require_POST
@members_only
def removal(request: HttpRequest) -> HttpResponse:
    """Send no more push to one browser of the reader's."""
    try:
        remove_device(UUID(request.POST.get("device", "")), by=reader_of(request))
    except (ValueError, Device.DoesNotExist):
        messages.info(request, "That browser gets no push.")
    else:
        messages.success(request, "That browser gets no more push.")
    return redirect("notifications:wishes")


def _read(request: HttpRequest) -> dict[str, str] | None:
    """The three texts of a subscription, or None when they are not."""
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError, RawPostDataException):
        return None
    if not isinstance(body, dict):
        return None
    asked = {
        name: body[name]
        for name in ("endpoint", "public_key", "secret")
        if isinstance(body.get(name), str) and body[name].isascii() and body[name].isprintable()
    }
    try:
        fits = all(len(decoded(asked[name])) == length for name, length in _LENGTHS.items())
        return asked if fits and 0 < len(asked["endpoint"]) <= LONGEST_ADDRESS else None
    except (KeyError, ValueError):
        return None
