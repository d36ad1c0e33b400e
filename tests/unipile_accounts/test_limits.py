from __future__ import annotations

import pytest

from unipile_accounts.limits import FREE, PLAN_COLUMNS, PREMIUM, SALES_NAVIGATOR, Plan, plan_of
from unipile_accounts.models import UnipileAccount


@pytest.mark.parametrize(
    ("plan", "flags", "limits"),
    [
        (FREE, (False, False), (80, 100)),
        (PREMIUM, (True, False), (100, 150)),
        (SALES_NAVIGATOR, (True, True), (100, 150)),
    ],
)
def test_plan_follows_from_its_flags(
    plan: Plan, flags: tuple[bool, bool], limits: tuple[int, int]
) -> None:
    assert plan_of(is_premium=flags[0], has_sales_navigator=flags[1]) == plan
    assert tuple(plan.columns.values()) == (*flags, *limits)


def test_sales_navigator_is_a_premium_plan() -> None:
    assert plan_of(is_premium=False, has_sales_navigator=True) == SALES_NAVIGATOR


def test_every_plan_column_is_a_rows() -> None:
    assert {*PLAN_COLUMNS} < {field.name for field in UnipileAccount._meta.fields}
