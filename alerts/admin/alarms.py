"""What the auditor found wrong with the alerting itself."""

from django.contrib import admin

from alerts.models import AuditorAlarm
from portal.admin.base import ReadOnlyAdmin


@admin.register(AuditorAlarm)
class AuditorAlarmAdmin(ReadOnlyAdmin):
    """From when something was wrong until it was not. The auditor writes it, and nobody else."""

    list_display = ["kind", "number", "found_at", "told_at", "ended_at"]
    list_filter = ["kind", ("ended_at", admin.EmptyFieldListFilter)]
    fields = ["kind", "number", "found_at", "told_at", "ended_at"]
    ordering = ["-found_at"]
