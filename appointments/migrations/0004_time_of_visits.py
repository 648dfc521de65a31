"""Visits that were there before the calendar take their time in it."""

from django.db import migrations

# Visits from before there was a calendar may lie on one another: the later booked of two does so
# with a reason.
TAKE_TIME = """
DO $$
DECLARE
    visit record;
BEGIN
    FOR visit IN SELECT id, organization_id FROM appointments ORDER BY created_at, id LOOP
        BEGIN
            INSERT INTO taken_times (id, organization_id, appointment_id, provider_id, patient_id,
                                     during, with_patient, is_exclusive)
            SELECT gen_random_uuid(), organization_id, id, provider_id, patient_id,
                   tstzrange(starts_at, ends_at), tstzrange(starts_at, ends_at), ends_at > now()
            FROM appointments
            WHERE id = visit.id AND status IN ('booked', 'arrived', 'done');
        EXCEPTION WHEN exclusion_violation THEN
            UPDATE appointments SET overbook_reason = 'Booked before the calendar was kept'
            WHERE id = visit.id;
        END;
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0003_calendar"),
    ]

    operations = [
        migrations.RunSQL(TAKE_TIME, migrations.RunSQL.noop),
    ]
