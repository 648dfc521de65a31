"""Addresses of the app `care`; names are fixed (`care:…`)."""

from django.urls import path

from care.views.assessments import advice, answers, check_in, check_ins, home_check_in, question
from care.views.assessments_chart import panel_questionnaires
from care.views.dashboard import dashboard_patients
from care.views.early_warning import oxygen_target, panel_early_warning
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
    path("home/check-in/", home_check_in, name="home_check_in"),
    path("check-ins/", check_ins, name="check_ins"),
    path("check-ins/<uuid:questionnaire_id>/", check_in, name="check_in"),
    path("check-ins/answers/<uuid:response_id>/", answers, name="answers"),
    path("check-ins/answers/<uuid:response_id>/<int:number>/", question, name="question"),
    path("check-ins/answers/<uuid:response_id>/<int:number>/help/", advice, name="advice"),
    path(
        "patients/<uuid:patient_id>/panels/questionnaires/",
        panel_questionnaires,
        name="panel_questionnaires",
    ),
    path(
        "patients/<uuid:patient_id>/panels/news2/", panel_early_warning, name="panel_early_warning"
    ),
    path("patients/<uuid:patient_id>/oxygen-target/", oxygen_target, name="oxygen_target"),
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
