"""The address without a path: everybody's way in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from portal.doors import members_only, reader_of


@require_safe
@members_only
def start(request: HttpRequest) -> HttpResponse:
    """Lead staff to the dashboard and patients home."""
    return redirect("portal:dashboard" if reader_of(request).is_staff else "portal:home")
