"""The plans, and what we let an account of each send in a week.

These are our limits, not LinkedIn's. LinkedIn publishes none.
"""

from __future__ import annotations

from typing import NamedTuple


class Plan(NamedTuple):
    """A LinkedIn plan, with its flags and weekly limits as an account's row holds them."""

    name: str
    is_premium: bool
    has_sales_navigator: bool
    weekly_connection_limit: int
    weekly_message_limit: int

    @property
    def columns(self) -> dict[str, bool | int]:
        """Return the columns of a row that has this plan."""
        return {column: getattr(self, column) for column in PLAN_COLUMNS}


PLAN_COLUMNS = Plan._fields[1:]

FREE = Plan("free", False, False, 80, 100)
PREMIUM = Plan("premium", True, False, 100, 150)
SALES_NAVIGATOR = Plan("Sales Navigator", True, True, 100, 150)


def plan_of(*, is_premium: bool, has_sales_navigator: bool) -> Plan:
    """Return the plan of these flags. Sales Navigator is a premium plan."""
    if has_sales_navigator:
        return SALES_NAVIGATOR
    return PREMIUM if is_premium else FREE
