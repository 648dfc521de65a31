"""The administration site: who comes in, and under which content policy.

Beside the package `portal.admin` and not in it: the pages there register themselves with this site,
so it must be there first.
"""

from collections.abc import Callable, Iterable
from typing import Any

from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.sites import UnfoldAdminSite

from portal.doors import for_roles
from portal.models import Role

# The theme's menus are Alpine expressions, which are compiled in the page, and a few widths are
# written as style attributes. Nothing inline runs and nothing comes from another host, here too.
ADMIN_POLICY = {"script-src": [UNSAFE_EVAL], "style-src-attr": [UNSAFE_INLINE]}

# What stands in the menu, by what an administrator comes for: model, and the word for it here.
MENU = (
    (
        "Patients",
        {
            "Patient": "Patients",
            "CareTeamMembership": "Care teams",
            "Caregiver": "Caregivers",
            "Invitation": "Invitations",
        },
    ),
    (
        "People",
        {"Membership": "Members", "User": "Who may sign in", "Provider": "Clinicians"},
    ),
    (
        "Alerts",
        {
            "Rule": "Rules",
            "EscalationPolicy": "Who is told",
            "Rota": "On-call rotas",
            "ShiftOverride": "Who stands in",
            "AuditorAlarm": "Alarms of the auditor",
        },
    ),
    (
        "Visits",
        {
            "VisitType": "Kinds of visits and their hours",
            "AvailabilityException": "Single days",
            "Holiday": "Holidays",
            "Room": "Rooms",
            "Rules": "Holding, offering, reminding",
        },
    ),
    (
        "Clinic",
        {
            "Organization": "Name, time zone, telephones",
            "AuditEntry": "Audit log",
            "Delivery": "Delivery log",
            "AccessAttempt": "Refused sign-ins",
            "FhirIdentity": "Imported resources",
            "ServiceAccount": "Service accounts",
        },
    ),
)

View = Callable[..., HttpResponse]


class PortalAdminSite(UnfoldAdminSite):
    """Django's admin behind the portal's own sign-in, for administrators of an organization.

    The right comes from the current membership (design section 2), never from `is_staff`.
    """

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[Any] | None = None,
        **options: Any,
    ) -> None:
        """Register what knows our rules; other apps' pages (groups, jobs) would ask Django's."""
        from portal.admin.base import PortalAdmin

        if admin_class is not None and issubclass(admin_class, PortalAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The menu, in groups of our own rather than by the app that a model lives in."""
        found = {
            model["object_name"]: model
            for app in super().get_app_list(request, app_label)
            for model in app["models"]
        }
        return [
            {
                "name": group,
                "app_label": group.lower(),
                "app_url": reverse("admin:index"),
                "has_module_perms": True,
                "models": [
                    {**found[name], "name": words}
                    for name, words in words_of.items()
                    if name in found
                ],
            }
            for group, words_of in MENU
        ]

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the reader runs this organization now."""
        reader = getattr(request, "reader", None)
        return reader is not None and reader.is_admin

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Let administrators in; everybody else meets the portal's doors, not the admin's own."""
        inner = super().admin_view(view, cacheable)
        guarded: Any = csp_update(ADMIN_POLICY)(for_roles(Role.ADMIN)(inner))
        return guarded

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """There is one front door."""
        if self.has_permission(request):
            return redirect("admin:index")
        return redirect(f"{reverse('portal:sign_in')}?next={reverse('admin:index')}")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Sign out as everywhere else."""
        from portal.views.sign_in import sign_out

        return sign_out(request)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The password belongs to the account, and is changed there."""
        return redirect("portal:password_change")

    def password_change_done(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return redirect("portal:account")

    def search(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Not offered: its results would be cached across people."""
        raise Http404

    def extra_context(self, context: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
        """Colours come from a file of ours: an inline style is refused by the content policy."""
        return {**context, "colors": None, "site_header": request.page.organization}  # type: ignore[attr-defined]
