"""Search people on LinkedIn through an account, with the API that its plan allows."""

from __future__ import annotations

import logging
import time
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext as _

from puffle.database import give_connection_back
from unipile_accounts.exceptions import (
    SalesNavigatorUnavailable,
    UnipileAccountNotFound,
    UnipileAccountNotListed,
    UnipileAccountUnavailable,
    UnipileAPIError,
    UnipileError,
    UnipileNotConfigured,
    UnipileReconnectRequired,
)
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.payloads.people import (
    HEADCOUNTS,
    LARGEST_PAGES,
    SENIORITIES,
    YEARS,
    Api,
    Filters,
    Person,
    ignored_filters,
    read_people,
    search_body,
)
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.ask import Workspace
from unipile_accounts.services.refreshing.patience import Patience
from unipile_accounts.services.searching.cursors import (
    Position,
    digest,
    invalid_cursor,
    read_cursor,
    write_cursor,
)
from unipile_accounts.services.searching.names import with_ids
from unipile_accounts.unipile import search as unipile

__all__ = ["HEADCOUNTS", "SENIORITIES", "YEARS", "FoundPeople", "search_people"]

logger = logging.getLogger("unipile_accounts.services")


class FoundPeople(NamedTuple):
    """A page of people; `ignored_filters` names what the API could not filter by."""

    people: list[Person]
    cursor: str | None
    api: Api
    ignored_filters: list[str]


def search_people(
    accounts: UnipileAccountQuerySet,
    pk: UUID,
    *,
    filters: Filters,
    limit: int,
    cursor: str | None = None,
) -> FoundPeople:
    """Return a page of the people whom these filters find, and store nothing of it.

    With a `cursor` the filters may be left out. Raises `UnipileAccount.DoesNotExist`,
    `ValidationError` for a name or cursor that cannot be used, `UnipileReconnectRequired` for a row
    that is not connected, `SalesNavigatorUnavailable` for an old flag, `UnipileNotConfigured` or
    another `UnipileError`. The row stays as it is.
    """
    account = accounts.get(pk=pk)
    api: Api = "sales_navigator" if account.has_sales_navigator else "classic"
    started = time.monotonic()
    try:
        if account.status != UnipileAccount.Status.CONNECTED:
            raise UnipileReconnectRequired(f"Account {pk} is {account.status}.")
        found = _search(account, api, filters=filters, limit=limit, cursor=cursor)
    except (UnipileError, UnipileNotConfigured) as exc:
        _log(account, api, started=started, error=exc)
        raise
    _log(account, api, started=started)
    return found


def _search(
    account: UnipileAccount, api: Api, *, filters: Filters, limit: int, cursor: str | None
) -> FoundPeople:
    patience = Patience.of_one_refresh()
    start = Position(
        account.unipile_account_id, api, digest(filters), ignored_filters(filters, api=api)
    )
    position = read_cursor(cursor, start) if cursor else start
    give_connection_back()
    try:
        body = {}
        if not cursor:
            named = {name: filters[name] for name in filters if name not in start.ignored_filters}
            body = search_body(with_ids(named, account, api=api, patience=patience), api=api)
        answer = unipile.search_people(
            account.unipile_account_id,
            body=body,
            cursor=position.cursor,
            limit=min(limit, LARGEST_PAGES[api]),
            timeout=patience.timeout(),
        )
    except UnipileError as exc:
        raise _meaning_of(exc, account, position, patience=patience) from exc
    about = f"a search through account {account.unipile_account_id}"
    return FoundPeople(
        people=read_people(answer["items"], about=about),
        cursor=write_cursor(position, answer["cursor"]) if answer.get("cursor") else None,
        api=api,
        ignored_filters=position.ignored_filters,
    )


def _meaning_of(
    exc: UnipileError, account: UnipileAccount, position: Position, *, patience: Patience
) -> Exception:
    """Return what an error of Unipile means for this search; often the error itself."""
    match exc:
        case UnipileAccountUnavailable(error_type="errors/feature_not_subscribed"):
            if position.api == "sales_navigator":
                return SalesNavigatorUnavailable(str(exc))
        case UnipileAccountNotFound():
            if not Workspace().is_ours(account.unipile_account_id, patience):
                return UnipileAccountNotListed(str(exc))
        case UnipileAPIError(status_code=400) if position.cursor:
            return invalid_cursor(
                _("LinkedIn does not take this cursor any more. Start over without it.")
            )
    return exc


def _log(
    account: UnipileAccount, api: Api, *, started: float, error: Exception | None = None
) -> None:
    """Leave an entry of the search, without what was searched and found."""
    extra: dict[str, Any] = {
        "account": str(account.pk),
        "api": api,
        "code": getattr(error, "code", None),
        "milliseconds": round((time.monotonic() - started) * 1000),
    }
    logger.log(
        recording.log_level(error),
        "Search through account %s %s%s",
        account.pk,
        "failed" if error else "done",
        f": {error}" if error else "",
        extra=extra,
    )
