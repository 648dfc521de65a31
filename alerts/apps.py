"""Findings that must be acknowledged in time."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """The app; its auditor runs wherever the relay leads, and it has its say on trends."""

    name = "alerts"
    verbose_name = "Alerts"

    def ready(self) -> None:
        from alerts.auditor import audit
        from alerts.trends import of_alerts
        from care.plots import overlay
        from realtime.companions import register

        register("auditor", audit)
        overlay.register(of_alerts)
