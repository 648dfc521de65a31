"""Addresses of visits."""

from django.urls import path

from appointments import urls_of_patients, urls_of_staff
from appointments.views import ics, lists

app_name = "appointments"

urlpatterns = [
    *urls_of_patients.urlpatterns,
    *urls_of_staff.urlpatterns,
    path("visits/", lists.index, name="index"),
    path("visits/<uuid:appointment_id>/visit.ics", ics.visit_file, name="ics"),
    # Whoever knows it may read it: masked in logs (portal.logs).
    path("calendar/<str:token>/visits.ics", ics.feed, name="feed"),
    path("patients/<uuid:patient_id>/panels/visits/", lists.chart_panel, name="panel"),
    path("dashboard/today/", lists.today, name="today"),
    path("home/visit/", lists.home, name="home"),
]
