from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("unipile_accounts", "0007_one_row_a_member")]

    operations = [
        migrations.RemoveField("accountchange", "field"),
        migrations.RemoveField("accountchange", "old"),
        migrations.RemoveField("accountchange", "new"),
        migrations.RemoveField("accountchange", "idempotency_key"),
        migrations.DeleteModel("WebhookContact"),
    ]
