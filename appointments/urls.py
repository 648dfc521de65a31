"""Addresses of visits."""

from django.urls import path

from appointments import views

app_name = "appointments"

urlpatterns = [
    path("visits/", views.index, name="index"),
    path("patients/<uuid:patient_id>/panels/visits/", views.chart_panel, name="panel"),
    path("dashboard/today/", views.today, name="today"),
    path("home/visit/", views.home, name="home"),
]
