"""What LinkedIn lets an account send in a week: the only place that says these numbers."""

from __future__ import annotations

from typing import NamedTuple


class WeeklyLimits(NamedTuple):
    """Invitations and messages that may go out in a week."""

    connections: int
    messages: int


FREE = WeeklyLimits(connections=80, messages=100)
PREMIUM = WeeklyLimits(connections=100, messages=150)


def weekly_limits(*, is_premium: bool) -> WeeklyLimits:
    return PREMIUM if is_premium else FREE
