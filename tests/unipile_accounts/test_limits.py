from __future__ import annotations

import pytest

from unipile_accounts.limits import weekly_limits


@pytest.mark.parametrize(
    ("is_premium", "connections", "messages"), [(True, 100, 150), (False, 80, 100)]
)
def test_premium_accounts_may_send_more(is_premium: bool, connections: int, messages: int) -> None:
    limits = weekly_limits(is_premium=is_premium)

    assert (limits.connections, limits.messages) == (connections, messages)
