from django.db import migrations

from realtime.sql_files import installed, removed


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        removed("realtime_drop"),
        installed("realtime_tables"),
        installed("realtime_reading"),
        installed("realtime_position"),
        installed("realtime_control"),
        installed("realtime_order_resync"),
        installed("realtime_bell"),
        installed("realtime_uninstall"),
        installed("realtime_install_publish"),
        installed("realtime_partitions"),
        installed("realtime_move"),
        installed("realtime_lie_down"),
        installed("realtime_lead"),
        installed("realtime_reconcile"),
    ]
