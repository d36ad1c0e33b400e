from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)


@contextmanager
def tolerating_a_dead_cache() -> Iterator[None]:
    """Leave the block and an entry in the log when the cache does not answer.

    The cache only counts. No limit for a while is better than no service.
    """
    try:
        yield
    except Exception as exc:  # noqa: BLE001  # each cache raises errors of its own
        logger.error("The cache does not answer, so requests are not limited: %r", exc)  # noqa: TRY400
