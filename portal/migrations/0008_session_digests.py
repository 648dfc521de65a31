"""Sessions are named by the digest of their key. Digests replace the keys in place, so that
everybody who is signed in stays so; a digest cannot be turned back, so going back ends them all."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

HASHED = "UPDATE sessions SET digest = encode(sha256(convert_to(digest, 'UTF8')), 'hex')"
FORGOTTEN = "DELETE FROM sessions"


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0007_access_grants"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="session",
            name="session_end",
        ),
        migrations.RenameField(
            model_name="session",
            old_name="session_key",
            new_name="digest",
        ),
        migrations.AlterField(
            model_name="session",
            name="digest",
            field=models.CharField(max_length=64, primary_key=True, serialize=False),
        ),
        migrations.RunSQL(HASHED, FORGOTTEN),
        pgtrigger.migrations.AddTrigger(
            model_name="session",
            trigger=pgtrigger.compiler.Trigger(
                name="session_end",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF TG_OP = 'INSERT' THEN\n                PERFORM realtime_control(organization, ARRAY[NEW.user_id], 'session_ended', jsonb_build_object('session', NEW.digest)) FROM (SELECT NEW.organization_id AS organization) AS told WHERE organization IS NOT NULL;\n            ELSIF TG_OP = 'DELETE' THEN\n                PERFORM realtime_control(organization, ARRAY[OLD.user_id], 'session_ended', jsonb_build_object('session', OLD.digest)) FROM (SELECT OLD.organization_id AS organization) AS told WHERE organization IS NOT NULL;\n            ELSIF OLD.organization_id IS DISTINCT FROM NEW.organization_id OR OLD.user_id IS DISTINCT FROM NEW.user_id THEN\n                PERFORM realtime_control(organization, ARRAY[OLD.user_id], 'session_ended', jsonb_build_object('session', OLD.digest)) FROM (SELECT OLD.organization_id AS organization) AS told WHERE organization IS NOT NULL;\n                PERFORM realtime_control(organization, ARRAY[NEW.user_id], 'session_ended', jsonb_build_object('session', NEW.digest)) FROM (SELECT NEW.organization_id AS organization) AS told WHERE organization IS NOT NULL;\n            END IF;\n            RETURN NULL;\n        ",
                    hash="071672f42df2fdfa7056419ab9e21ef2ffd986c4",
                    operation='DELETE OR UPDATE OF "organization_id", "user_id"',
                    pgid="pgtrigger_session_end_db060",
                    table="sessions",
                    when="AFTER",
                ),
            ),
        ),
    ]
