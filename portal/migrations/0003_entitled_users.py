"""Who may read a patient's record, asked from the patient's end."""

from django.db import migrations

from portal.functions import install


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0002_kept_text"),
    ]

    operations = [
        install("portal_entitled_users", 1),
    ]
