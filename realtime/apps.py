from django.apps import AppConfig
from django.conf import settings


class RealtimeConfig(AppConfig):
    name = "realtime"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Arm the failpoints that a trial of a running process asked for.

        Raises ImproperlyConfigured for a limit that there is not: the first page would be too late.
        """
        from realtime.failpoints import arm_as_told
        from realtime.limits import Limits

        Limits.configured()
        arm_as_told(getattr(settings, "REALTIME_FAILPOINTS", ""))
