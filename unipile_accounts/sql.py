"""A page of rows in one parameter.

Django's own ways, `IN`, upserts and bulk_update(), have one for each value. To write them all down
takes longer than anything else in a bulk pass; bench/README.md has the figures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField
from django.db.models.lookups import In
from django.db.models.sql.compiler import SQLCompiler

# Those that differ from row to row.
_COLUMNS = (
    "name",
    "profile_url",
    "status",
    "is_premium",
    "has_sales_navigator",
    "weekly_connection_limit",
    "weekly_message_limit",
)
_EXTRACTED = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in ("id", *_COLUMNS))
_ROWS_FROM_JSON = {
    "postgresql": "json_populate_recordset(NULL::unipile_accounts, %s)",
    "sqlite": f"(SELECT {_EXTRACTED} FROM json_each(%s))",  # noqa: S608  # names of columns
}
_VALUES = ", ".join(f"{name} = coalesce(new.{name}, old.{name})" for name in _COLUMNS)
_UPDATE = f"""\
UPDATE unipile_accounts AS old SET refreshed_at = %s, updated_at = %s, {_VALUES}
FROM {{rows}} AS new WHERE old.id = new.id
"""  # noqa: S608  # names of columns


@CharField.register_lookup
class AnyOf(In):  # type: ignore[type-arg]  # takes none when it runs
    """`IN`; of an array, where the database has them."""

    lookup_name = "any_of"

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", [*parameters, list(self.rhs)]


def update_rows(
    new_values: Mapping[UUID, Mapping[str, Any]], *, refreshed_at: datetime, updated_at: datetime
) -> None:
    """Write the new values of each row, by its key, and the times of all."""
    rows = [{"id": pk.hex, **values} for pk, values in new_values.items()]
    times = map(connection.ops.adapt_datetimefield_value, (refreshed_at, updated_at))
    statement = _UPDATE.format(rows=_ROWS_FROM_JSON[connection.vendor])
    with connection.cursor() as cursor:
        cursor.execute(statement, [*times, json.dumps(rows)])
