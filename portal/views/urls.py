"""Addresses of signing in, accounts, invitations and the frames that combine the apps."""

from django.conf import settings
from django.urls import path, register_converter

from portal.views import (
    account,
    chart,
    dashboard,
    design,
    home,
    invitation,
    kept_text,
    organization,
    password_reset,
    patient_invitation,
    patients,
    session,
    sign_in,
    start,
)
from portal.views.tokens import TokenConverter

app_name = "portal"

register_converter(TokenConverter, "token")

urlpatterns = [
    path("", start.start, name="start"),
    path("sign-in/", sign_in.sign_in, name="sign_in"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path("sign-out/everywhere/", account.sign_out_everywhere, name="sign_out_everywhere"),
    path("organization/", organization.organization_switch, name="organization_switch"),
    path("session/", session.session, name="session"),
    # Account
    path("account/", account.account, name="account"),
    path("account/password/", account.password_change, name="password_change"),
    path("account/sessions/", account.session_end, name="session_end"),
    path("account/theme/", account.theme, name="theme"),
    path("account/kept-text/", kept_text.kept_text, name="kept_text"),
    # Password reset
    path("password/reset/", password_reset.password_reset, name="password_reset"),
    path("password/reset/sent/", password_reset.password_reset_sent, name="password_reset_sent"),
    path("password/reset/done/", password_reset.password_reset_done, name="password_reset_done"),
    path(
        "password/reset/<token:uid>/<token:token>/",
        password_reset.password_reset_confirm,
        name="password_reset_confirm",
    ),
    # Invitations
    path("invitations/<token:token>/", invitation.invitation, name="invitation"),
    # Frames
    path("home/", home.home, name="home"),
    path("dashboard/", dashboard.dashboard, name="dashboard"),
    path("patients/", patients.patients, name="patients"),
    path("patients/<uuid:patient_id>/", chart.chart, name="chart"),
    path("patients/<uuid:patient_id>/team/", chart.team, name="team"),
    path(
        "patients/<uuid:patient_id>/invitation/",
        patient_invitation.patient_invitation,
        name="patient_invitation",
    ),
]

if settings.DEMO:
    urlpatterns.append(path("design/", design.design, name="design"))
