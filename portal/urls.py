"""Every address of the portal. The composition root: the only module that knows all apps."""

from django.contrib import admin
from django.urls import include, path

from portal.operations.api import api

handler400 = "portal.views.errors.bad_request"
handler403 = "portal.views.errors.not_found"
handler404 = "portal.views.errors.not_found"
handler500 = "portal.views.errors.server_error"

urlpatterns = [
    path("", include("portal.operations.urls")),
    path("operations/", include("portal.operations.page_urls")),
    path("", include("portal.views.urls")),
    path("", include("care.urls")),
    path("", include("messaging.urls")),
    path("", include("notifications.urls")),
    path("", include("appointments.urls")),
    path("", include("alerts.urls")),
    path("", include("realtime.urls")),
    path("api/", api.urls),
    path("admin/", admin.site.urls),
]
