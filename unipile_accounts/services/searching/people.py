"""Search people on LinkedIn through an account, with the API that its plan allows."""

from __future__ import annotations

import logging
import time
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from puffle.database import give_connection_back
from unipile_accounts.exceptions import (
    SalesNavigatorUnavailable,
    UnipileAccountNotFound,
    UnipileAccountNotListed,
    UnipileAccountUnavailable,
    UnipileError,
    UnipileNotConfigured,
    UnipileReconnectRequired,
)
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.payloads.people import (
    LARGEST_PAGES,
    Api,
    Filters,
    Person,
    by_id,
    ignored_filters,
    is_id,
    read_people,
    search_body,
)
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.ask import Workspace
from unipile_accounts.services.refreshing.patience import Patience
from unipile_accounts.services.searching.cursors import (
    Cursor,
    invalid_cursor,
    read_cursor,
    write_cursor,
)
from unipile_accounts.services.searching.names import with_ids
from unipile_accounts.unipile import search as unipile

logger = logging.getLogger("unipile_accounts.services")


class FoundPeople(NamedTuple):
    """A page of people, and the request's filters that the API could not filter by."""

    items: list[Person]
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
    `ValidationError` for a name, an id or a cursor that cannot be used, `UnipileReconnectRequired`
    for a row that is not connected, `SalesNavigatorUnavailable` for an old flag,
    `UnipileNotConfigured` or another `UnipileError`. The row stays as it is.
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
    about = account.unipile_account_id
    here = Cursor(filters)
    if cursor:
        here = read_cursor(cursor, unipile_account_id=about, api=api, filters=filters)
    ignored = ignored_filters(here.filters, api=api)
    used = {name: words for name, words in here.filters.items() if name not in ignored}
    patience = Patience.of_one_refresh()
    give_connection_back()
    try:
        if here.unipiles:
            body: dict[str, Any] = {"cursor": here.unipiles}
        else:
            body = search_body(with_ids(used, about, api=api, patience=patience), api=api)
        limit = min(limit, LARGEST_PAGES[api])
        answer = unipile.search_people(about, body=body, limit=limit, timeout=patience.timeout())
    except UnipileError as exc:
        # A 400 without a type is not LinkedIn's.
        if exc.status_code == HTTPStatus.BAD_REQUEST and exc.error_type:
            raise _refusal(exc, here, used) from exc
        raise _meaning_of(exc, about, api=api, patience=patience) from exc
    next_page = None
    if unipiles := answer.get("cursor"):
        next_page = write_cursor(Cursor(here.filters, unipiles), unipile_account_id=about, api=api)
    items = read_people(answer["items"], about=f"a search through account {about}")
    return FoundPeople(items, next_page, api, ignored)


def _refusal(exc: UnipileError, here: Cursor, used: Filters) -> Exception:
    """Return what is wrong with a search that LinkedIn refuses, as far as it can be told."""
    if here.unipiles:
        return invalid_cursor()
    with_an_id = [name for name in used if by_id(name) and any(map(is_id, used[name]))]
    if not with_an_id:
        return exc
    message = _(
        "LinkedIn refuses this search. It may not know an id here, because ids differ by API."
        " Send the name instead."
    )
    error = ValidationError(message, code="unknown_id")
    return ValidationError(dict.fromkeys(with_an_id, error))


def _meaning_of(exc: UnipileError, about: str, *, api: Api, patience: Patience) -> Exception:
    """Return what an error of Unipile means for this search, which is often the error itself."""
    match exc:
        case UnipileAccountUnavailable(error_type="errors/feature_not_subscribed"):
            if api == "sales_navigator":
                return SalesNavigatorUnavailable(str(exc))
        case UnipileAccountNotFound():
            if not Workspace().is_ours(about, patience):
                return UnipileAccountNotListed(str(exc))
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
