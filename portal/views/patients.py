"""The list of patients that somebody of the staff knows."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from portal import access, audit
from portal.doors import STAFF, for_roles, reader_of
from portal.models import Provider
from portal.views.register import LONGEST_QUERY, found, page_of


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*STAFF)
def patients(request: HttpRequest) -> HttpResponse:
    """List them all, or those that a POST searches for.

    A search is sent as a POST although it changes nothing: a name in an address would stay in the
    browser's history and in every log on the way (ASVS 14.2.1).
    """
    reader = reader_of(request)
    asked = request.POST if request.method == "POST" else request.GET
    query = request.POST.get("q", "").replace("\x00", "").strip()[:LONGEST_QUERY]
    known = access.known_patients(reader)
    page = page_of(found(known, query), asked.get("page", "1"))
    if request.page.must_record("patients"):  # type: ignore[attr-defined]
        audit.record(
            "patients.listed",
            organization_id=reader.organization_id,
            actor_id=reader.user_id,
            patients=len(page.object_list),
        )
    context = {
        "patients": page,
        "query": query,
        "is_empty": not query and not page.paginator.count,
        "provider": access.of_reader(Provider.objects.all(), reader).first(),
    }
    return render(request, "portal/patients.html", context)
