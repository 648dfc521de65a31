"""Addresses of the app `care`; names are fixed (`care:…`)."""

from django.urls import path

from care.views.assessments import advice, answers, check_in, check_ins, home_check_in, question
from care.views.assessments_chart import panel_questionnaires
from care.views.dashboard import dashboard_patients
from care.views.early_warning import oxygen_target, panel_early_warning
from care.views.entry import new_reading, new_reading_of
from care.views.home import home_greeting, home_plan, home_readings
from care.views.my_health import my_health
from care.views.panels import PANELS, view_of
from care.views.reading import correct_reading, reading, withdraw_reading
from care.views.round import new_round
from care.views.trend import result_trend, trend

app_name = "care"
urlpatterns = [
    path("health/", my_health, name="my_health"),
    path("health/readings/", new_reading, name="new_reading"),
    path("health/readings/<slug:word>/", new_reading_of, name="new_reading_of"),
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
    path("patients/<uuid:patient_id>/round/", new_round, name="new_round"),
    path("patients/<uuid:patient_id>/readings/<uuid:reading_id>/", reading, name="reading"),
    path(
        "patients/<uuid:patient_id>/readings/<uuid:reading_id>/correction/",
        correct_reading,
        name="correct_reading",
    ),
    path(
        "patients/<uuid:patient_id>/readings/<uuid:reading_id>/withdrawal/",
        withdraw_reading,
        name="withdraw_reading",
    ),
    path("patients/<uuid:patient_id>/vitals/<slug:code>/", trend, name="trend"),
    # By the row and not by the code: which test somebody had is nobody's business but theirs.
    path("patients/<uuid:patient_id>/results/<uuid:result_id>/", result_trend, name="result_trend"),
    *(
        path(
            f"patients/<uuid:patient_id>/panels/{panel.name}/",
            view_of(panel),
            name=f"panel_{panel.name}",
        )
        for panel in PANELS
    ),
]
