"""Search people on LinkedIn through an account, with the API that its plan allows."""

from __future__ import annotations

import logging
import time
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from puffle.stores import give_connection_back
from unipile_accounts.exceptions import (
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
    digest,
    invalid_cursor,
    read_cursor,
    write_cursor,
)
from unipile_accounts.services.searching.names import with_ids
from unipile_accounts.unipile import search as unipile

logger = logging.getLogger("unipile_accounts.services")


class SalesNavigatorUnavailable(UnipileError):
    """LinkedIn refuses a Sales Navigator search to an account whose stored flag allows it."""

    code = "sales_navigator_unavailable"
    meaning = gettext_lazy("LinkedIn refuses Sales Navigator to this account.")
    next_step = gettext_lazy(
        'Refresh it with "live": true. If the flag stays, reconnect the account. Then search again.'
    )


class FoundPeople(NamedTuple):
    """A page of people. `ignored_filters` names what the API could not filter by."""

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
    about = account.unipile_account_id
    here = cursor and read_cursor(cursor, unipile_account_id=about, api=api, filters=filters)
    ignored = here.ignored_filters if here else ignored_filters(filters, api=api)
    used = {} if here else {name: filters[name] for name in filters if name not in ignored}
    give_connection_back()
    try:
        answer = _ask(
            about,
            filters=used,
            body=search_body(with_ids(used, account, api=api, patience=patience), api=api),
            cursor=here.unipiles if here else None,
            limit=min(limit, LARGEST_PAGES[api]),
            timeout=patience.timeout(),
        )
    except UnipileError as exc:
        raise _meaning_of(exc, account, api, patience=patience) from exc
    query = here.query if here else digest(filters)
    next_page = answer.get("cursor")
    return FoundPeople(
        people=read_people(answer["items"], about=f"a search through account {about}"),
        cursor=write_cursor(Cursor(about, api, query, ignored, next_page)) if next_page else None,
        api=api,
        ignored_filters=ignored,
    )


def _ask(unipile_account_id: str, *, filters: Filters, **question: Any) -> Any:
    """Return a page. Raises `ValidationError` where LinkedIn refuses the cursor or an id."""
    try:
        return unipile.search_people(unipile_account_id, **question)
    except UnipileAPIError as exc:
        if exc.status_code != HTTPStatus.BAD_REQUEST:
            raise
        if question["cursor"]:
            message = _("LinkedIn does not take this cursor any more. Start over without it.")
            raise invalid_cursor(message) from exc
        with_an_id = [name for name in filters if by_id(name) and any(map(is_id, filters[name]))]
        # A 400 without a type is not LinkedIn's.
        if not exc.error_type or not with_an_id:
            raise
        raise _unknown_id(with_an_id) from exc


def _unknown_id(fields: list[str]) -> ValidationError:
    message = _(
        "LinkedIn refuses this search. It may not know an id here, because ids differ by API."
        " Send the name instead."
    )
    return ValidationError({name: ValidationError(message, code="unknown_id") for name in fields})


def _meaning_of(
    exc: UnipileError, account: UnipileAccount, api: Api, *, patience: Patience
) -> Exception:
    """Return what an error of Unipile means for this search, which is often the error itself."""
    match exc:
        case UnipileAccountUnavailable(error_type="errors/feature_not_subscribed"):
            if api == "sales_navigator":
                return SalesNavigatorUnavailable(str(exc))
        case UnipileAccountNotFound():
            if not Workspace().is_ours(account.unipile_account_id, patience):
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
