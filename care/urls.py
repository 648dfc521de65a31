"""Addresses of the app `care`; names are fixed (`care:…`)."""

from django.urls import path

from care.views.dashboard import dashboard_patients
from care.views.home import home_greeting, home_plan, home_readings
from care.views.my_health import my_health
from care.views.panels import PANELS, view_of
from care.views.trend import trend

app_name = "care"
urlpatterns = [
    path("health/", my_health, name="my_health"),
    path("home/greeting/", home_greeting, name="home_greeting"),
    path("home/plan/", home_plan, name="home_plan"),
    path("home/readings/", home_readings, name="home_readings"),
    path("dashboard/patients/", dashboard_patients, name="dashboard_patients"),
    path("patients/<uuid:patient_id>/vitals/<slug:code>/", trend, name="trend"),
    *(
        path(
            f"patients/<uuid:patient_id>/panels/{panel.name}/",
            view_of(panel),
            name=f"panel_{panel.name}",
        )
        for panel in PANELS
    ),
]
