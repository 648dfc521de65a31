"""Entries from before the chain wait for their seals too; their ids are in the order of time.

A migration of its own: the one before holds a lock that writers of the audit log wait for, and this
takes minutes for ten million entries. Whatever is sealed meanwhile may come in again, which the
sealer sees.
"""

from django.db import migrations

PUT_DOWN = """
INSERT INTO audit_unsealed (entry_id, organization_id)
SELECT id, organization_id FROM audit_logs
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0013_audit_seals"),
    ]

    operations = [migrations.RunSQL([PUT_DOWN], migrations.RunSQL.noop)]
