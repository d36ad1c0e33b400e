from django.db import migrations, models

from unipile_accounts.migrations import _converting


class Migration(migrations.Migration):
    """For when the last server of the version before is stopped."""

    dependencies = [("unipile_accounts", "0006_convert")]

    operations = [
        migrations.RunPython(_converting.part_members, migrations.RunPython.noop),
        migrations.RunPython(_converting.convert_history, migrations.RunPython.noop),
        migrations.RemoveField("accountchange", "field"),
        migrations.RemoveField("accountchange", "old"),
        migrations.RemoveField("accountchange", "new"),
        migrations.RemoveField("accountchange", "idempotency_key"),
        migrations.DeleteModel("WebhookContact"),
        migrations.AddConstraint(
            model_name="unipileaccount",
            constraint=models.UniqueConstraint(condition=models.Q(("linkedin_id", ""), _negated=True), fields=("user", "linkedin_id"), name="unipile_account_one_row_a_member"),
        ),
    ]
