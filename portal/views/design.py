"""Every part of the design system on one page, for those who make pages. Demo only."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def design(request: HttpRequest) -> HttpResponse:
    """Show the gallery of parts; nothing in it belongs to anybody."""
    return render(request, "parts/gallery.html")
