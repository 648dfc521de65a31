"""Telling of rights that begin or end by the clock; the engine alone may ask for it."""

from django.conf import settings
from django.db import migrations, models

from portal.functions import install

FUNCTION = "portal_tell_turned_rights(timestamptz)"
GRANTS = (
    f"REVOKE ALL ON FUNCTION {FUNCTION} FROM {settings.APP_ROLE};"
    f"GRANT EXECUTE ON FUNCTION {FUNCTION} TO {settings.ENGINE_ROLE};"
)


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0011_appointment_scopes"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="accessgrant",
            index=models.Index(fields=["ends_at"], name="access_grants_by_end"),
        ),
        migrations.AddIndex(
            model_name="careteammembership",
            index=models.Index(fields=["starts_at"], name="care_team_by_start"),
        ),
        migrations.AddIndex(
            model_name="careteammembership",
            index=models.Index(
                condition=models.Q(("ends_at__isnull", False)),
                fields=["ends_at"],
                name="care_team_by_end",
            ),
        ),
        migrations.AddIndex(
            model_name="caregiver",
            index=models.Index(
                condition=models.Q(("ends_at__isnull", False)),
                fields=["ends_at"],
                name="caregivers_by_end",
            ),
        ),
        install("portal_tell_turned_rights", 1),
        migrations.RunSQL([GRANTS], migrations.RunSQL.noop),
    ]
