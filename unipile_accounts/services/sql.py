"""The statement that compares and writes rows, all in one parameter.

Django's own ways, upserts and bulk_update(), compare nothing, and have a parameter for each value:
to write them all down took longer than anything else in a bulk pass (bench/README.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

# Those that Unipile decides, with their types.
COLUMNS = {
    "name": "text",
    "profile_url": "text",
    "status": "text",
    "is_premium": "boolean",
    "has_sales_navigator": "boolean",
    "weekly_connection_limit": "integer",
    "weekly_message_limit": "integer",
}
_UPDATE_COLUMNS = {
    "key": "uuid",
    "unipile_account_id": "text",
    **COLUMNS,
    **{f"old_{name}": kind for name, kind in COLUMNS.items()},
}
_TYPED = ", ".join(f"{name} {kind}" for name, kind in _UPDATE_COLUMNS.items())
_EXTRACTED = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in _UPDATE_COLUMNS)
_UPDATES = {
    # Locked in one order everywhere, so that two of us never wait for each other in a circle.
    "postgresql": f"""
    SELECT updates.* FROM json_to_recordset(%s) AS updates ({_TYPED})
    JOIN unipile_accounts ON id = key ORDER BY id FOR NO KEY UPDATE OF unipile_accounts
""",  # noqa: S608  # names of columns
    "sqlite": f"SELECT {_EXTRACTED} FROM json_each(%s)",  # noqa: S608
}
_NEW_VALUES = ", ".join(f"{name} = coalesce(new.{name}, stored.{name})" for name in COLUMNS)
_AS_COMPARED = " AND ".join(f"stored.{name} = new.old_{name}" for name in COLUMNS)
_UPDATE = f"""\
UPDATE unipile_accounts AS stored SET refreshed_at = %s, updated_at = %s, {_NEW_VALUES}
FROM ({{updates}}) AS new
WHERE id = new.key AND stored.unipile_account_id = new.unipile_account_id AND {_AS_COMPARED}
AND (stored.refreshed_at IS NULL OR stored.refreshed_at <= %s)
RETURNING id
"""  # noqa: S608  # names of columns


def update_rows(
    updates: Iterable[Mapping[str, Any]], *, refreshed_at: datetime, updated_at: datetime
) -> set[UUID]:
    """Write new values and times to rows that are as they were compared; return their keys.

    An update has the `key` of its row, as hexadecimal digits, the `unipile_account_id`, the value
    that each of the `COLUMNS` was compared with, under `old_` and its name, and the new values.
    Rows that have a later `refreshed_at` are not written.
    """
    asked, now = map(connection.ops.adapt_datetimefield_value, (refreshed_at, updated_at))
    statement = _UPDATE.format(updates=_UPDATES[connection.vendor])
    # Not without a transaction: a statement that was sent is carried out though we are killed
    # meanwhile, and nobody would be told of the change.
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(statement, [asked, now, json.dumps(list(updates)), asked])
        return {UUID(str(key)) for (key,) in cursor.fetchall()}
