from typing import Any

from django.db import migrations, models

from unipile_accounts.migrations import _converting


class AddUniqueWithoutLock(migrations.AddConstraint):
    """Build the unique index while rows are written, where the database can."""

    model_name: str
    constraint: models.UniqueConstraint

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, *states)
            return
        model = states[1].apps.get_model(app_label, self.model_name)
        # A migration that was killed leaves half an index behind.
        half = models.Index(fields=self.constraint.fields, name=self.constraint.name)
        schema_editor.remove_index(model, half, concurrently=True)
        create: Any = self.constraint.create_sql(model, schema_editor)
        create.template = create.template.replace("INDEX", "INDEX CONCURRENTLY")
        schema_editor.execute(create)


class Migration(migrations.Migration):
    """For when the last server of the version before is stopped."""

    atomic = False

    dependencies = [("unipile_accounts", "0006_convert")]

    operations = [
        migrations.RunPython(_converting.convert_accounts, migrations.RunPython.noop),
        migrations.RunPython(_converting.part_members, migrations.RunPython.noop),
        migrations.RunPython(_converting.convert_history, migrations.RunPython.noop),
        AddUniqueWithoutLock(
            model_name="unipileaccount",
            constraint=models.UniqueConstraint(
                condition=models.Q(("linkedin_id", ""), _negated=True),
                fields=("user", "linkedin_id"),
                name="unipile_account_one_row_a_member",
            ),
        ),
    ]
