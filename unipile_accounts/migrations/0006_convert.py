from django.db import migrations

from unipile_accounts.migrations import _converting


class Migration(migrations.Migration):
    """Goes on where it was when it is killed and started again."""

    atomic = False

    dependencies = [("unipile_accounts", "0005_logins")]

    operations = [
        migrations.RunPython(_converting.convert_accounts, migrations.RunPython.noop),
        migrations.RunPython(_converting.part_members, migrations.RunPython.noop),
        migrations.RunPython(_converting.convert_history, migrations.RunPython.noop),
    ]
