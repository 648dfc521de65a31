"""Addresses of visits."""

from django.urls import path

from appointments import urls_of_patients
from appointments.views import lists

app_name = "appointments"

urlpatterns = [
    *urls_of_patients.urlpatterns,
    path("visits/", lists.index, name="index"),
    path("patients/<uuid:patient_id>/panels/visits/", lists.chart_panel, name="panel"),
    path("dashboard/today/", lists.today, name="today"),
    path("home/visit/", lists.home, name="home"),
]
