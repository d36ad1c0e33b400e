"""Search people on LinkedIn through an account, with the API that its plan allows."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError

from puffle.stores import give_connection_back
from unipile_accounts import unipile
from unipile_accounts.exceptions import (
    SalesNavigatorUnavailable,
    UnipileAccountNotFound,
    UnipileAccountUnavailable,
    UnipileAPIError,
    UnipileError,
    UnipileReconnectRequired,
)
from unipile_accounts.models import UnipileAccount, UnipileAccountQuerySet
from unipile_accounts.payloads.people import (
    LARGEST_PAGES,
    Api,
    Filters,
    Person,
    Search,
    by_id,
    is_id,
    read_person,
    search_body,
)
from unipile_accounts.services.refreshing import recording
from unipile_accounts.services.refreshing.ask import is_at_unipile
from unipile_accounts.services.refreshing.patience import Patience
from unipile_accounts.services.searching.cursors import invalid_cursor, read_cursor, write_cursor
from unipile_accounts.services.searching.names import with_ids


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
    search = Search(account.unipile_account_id, api, filters)
    with recording.failure_logged(f"Search through account {pk} failed", account=str(pk), api=api):
        if account.status != UnipileAccount.Status.CONNECTED:
            raise UnipileReconnectRequired(f"Account {pk} is {account.status}.")
        return _page(read_cursor(cursor, search) if cursor else search, limit)


def _page(search: Search, limit: int) -> FoundPeople:
    patience = Patience.of_one_refresh()
    give_connection_back()
    try:
        answer = unipile.search_people(
            search.unipile_account_id,
            body=_body(search, patience),
            limit=min(limit, LARGEST_PAGES[search.api]),
            timeout=patience.timeout(),
        )
    except UnipileError as exc:
        raise _meaning_of(exc, search, patience) from exc
    items = [read_person(each) for each in answer["items"]]
    next_page = search._replace(cursor=answer.get("cursor"))
    cursor = write_cursor(next_page) if next_page.cursor else None
    return FoundPeople(items, cursor, search.api, search.ignored_filters)


def _body(search: Search, patience: Patience) -> dict[str, Any]:
    if search.cursor:
        return {"cursor": search.cursor}
    return search_body(with_ids(search, patience), api=search.api)


def _meaning_of(exc: UnipileError, search: Search, patience: Patience) -> Exception:
    """Return what an error of Unipile means for this search, which is often the error itself."""
    match exc:
        case UnipileAccountUnavailable(error_type="errors/feature_not_subscribed"):
            if search.api == "sales_navigator":
                return SalesNavigatorUnavailable(str(exc))
        case UnipileAccountNotFound():
            # What LinkedIn does not find need not be the account.
            if is_at_unipile(search.unipile_account_id, patience):
                return UnipileAPIError(str(exc))
        # A 400 without a type is not LinkedIn's.
        case UnipileError(status_code=400) if exc.error_type:
            return _refusal(search) or exc
    return exc


def _refusal(search: Search) -> ValidationError | None:
    """Return what is wrong with a search that LinkedIn refuses, as far as it can be told."""
    if search.cursor:
        return invalid_cursor()
    with_an_id = [
        name
        for name, words in search.used_filters.items()
        if by_id(name) and any(map(is_id, words))
    ]
    if not with_an_id:
        return None
    message = (
        "LinkedIn refuses this search. It may not know an id here, because ids differ by API."
        " Send the name instead."
    )
    error = ValidationError(message, code="unknown_id")
    return ValidationError(dict.fromkeys(with_an_id, error))
