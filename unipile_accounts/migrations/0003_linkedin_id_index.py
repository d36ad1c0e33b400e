from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class AddIndexWithoutLock(AddIndexConcurrently):
    """Build the index while rows are written, where the database can."""

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            # A migration that was killed leaves half an index behind.
            model = states[1].apps.get_model(app_label, self.model_name)
            schema_editor.remove_index(model, self.index, concurrently=True)
            super().database_forwards(app_label, schema_editor, *states)
        else:
            migrations.AddIndex.database_forwards(self, app_label, schema_editor, *states)

    def database_backwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, *states)
        else:
            migrations.AddIndex.database_backwards(self, app_label, schema_editor, *states)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("unipile_accounts", "0002_whole_life")]

    operations = [
        AddIndexWithoutLock(
            model_name="unipileaccount",
            index=models.Index(fields=["linkedin_id"], name="unipile_account_linkedin_id"),
        ),
    ]
