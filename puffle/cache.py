from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from puffle.database import give_connection_back

logger = logging.getLogger(__name__)


@contextmanager
def tolerating_a_dead_cache() -> Iterator[None]:
    """Leave the block, with an entry in the log, when the cache does not answer.

    The cache only counts, and no limit for a while is better than no service. A cache that hangs
    keeps no database connection from others.
    """
    give_connection_back()
    try:
        yield
    except Exception as exc:  # noqa: BLE001  # each cache raises errors of its own
        logger.error("The cache does not answer, so requests are not limited: %r", exc)  # noqa: TRY400
