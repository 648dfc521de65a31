"""Addresses of the operations page."""

from django.urls import path

from portal.operations import page

app_name = "operations"

urlpatterns = [
    path("", page.page, name="page"),
    path("now/", page.now, name="now"),
    path("glance/", page.glance, name="glance"),
    path("history/", page.past, name="history"),
    path("snapshot/", page.debug_snapshot, name="snapshot"),
]
