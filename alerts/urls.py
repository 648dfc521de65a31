"""Addresses of alerts, rotas and the report."""

from datetime import date

from django.urls import path, register_converter

from alerts.views import alerts, bar, report, rota, rota_changes, worklist


class DateConverter:
    """A date as 2026-11-21."""

    regex = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date | str) -> str:
        return str(value)


register_converter(DateConverter, "date")

app_name = "alerts"

_TURN = "rota/<uuid:rota_id>/<uuid:series>/<date:begins_on>/"

urlpatterns = [
    path("alerts/", worklist.index, name="index"),
    path("alerts/bar/", bar.bar, name="bar"),
    path("alerts/sightings/", bar.sightings, name="sightings"),
    path("alerts/notices/", worklist.notices, name="notices"),
    path("alerts/report/", report.page, name="report"),
    path("alerts/report/rows/", report.rows, name="report_rows"),
    path("alerts/<uuid:alert_id>/", alerts.alert, name="alert"),
    path("alerts/<uuid:alert_id>/acknowledgement/", alerts.acknowledgement, name="acknowledgement"),
    path("alerts/<uuid:alert_id>/acts/", alerts.acts, name="acts"),
    path("alerts/<uuid:alert_id>/handover/", alerts.handover, name="handover"),
    path("alerts/<uuid:alert_id>/snooze/", alerts.snooze, name="snooze"),
    path("alerts/<uuid:alert_id>/escalation/", alerts.escalation, name="escalation"),
    path("alerts/<uuid:alert_id>/closure/", alerts.closure, name="closure"),
    path("patients/<uuid:patient_id>/panels/alerts/", bar.chart_panel, name="panel"),
    path("patients/<uuid:patient_id>/panels/alert-banner/", bar.chart_banner, name="banner"),
    path("rota/", rota.index, name="rota"),
    path("rota/<uuid:rota_id>/", rota.calendar, name="rota_calendar"),
    path("rota/<uuid:rota_id>/handovers/", rota_changes.handovers, name="rota_handovers"),
    path(_TURN, rota.turn, name="rota_turn"),
    path(f"{_TURN}taking/", rota_changes.taking, name="rota_taking"),
    path(f"{_TURN}leaving/", rota_changes.leaving, name="rota_leaving"),
    path(f"{_TURN}swap/", rota_changes.swap, name="rota_swap"),
    path("rota/swaps/<uuid:swap_id>/agreement/", rota_changes.agreement, name="rota_agreement"),
    path("rota/swaps/<uuid:swap_id>/end/", rota_changes.swap_end, name="rota_swap_end"),
    path(
        "rota/overrides/<uuid:override_id>/withdrawal/",
        rota_changes.withdrawal,
        name="rota_withdrawal",
    ),
]
