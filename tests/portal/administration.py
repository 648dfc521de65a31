"""The administration: its addresses, and what it puts on record."""

from django.urls import reverse

from portal.models import AuditEntry


def address(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def actions_on_record(system, organization=None):
    with system(*([organization] if organization else [])):
        return list(AuditEntry.objects.values_list("action", flat=True))
