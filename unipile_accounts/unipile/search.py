from __future__ import annotations

from typing import Any

from unipile_accounts.exceptions import UnipileUnexpectedAnswer
from unipile_accounts.unipile import http

# The most that `limit` may be for parameters.
MAX_PARAMETERS = 100


def search_people(
    unipile_account_id: str,
    *,
    body: dict[str, Any],
    limit: int,
    timeout: float | None = None,
) -> Any:
    """Return one page of LinkedIn's search through this account, as {"items": [...], "cursor"}.

    On further pages the body holds only the cursor of the last one. Raises
    `UnipileAccountUnavailable` with the type errors/feature_not_subscribed where LinkedIn refuses
    Sales Navigator.
    https://developer.unipile.com/reference/linkedincontroller_search
    """
    about = f"a search through account {unipile_account_id}"
    answer = http.begin(
        "POST",
        "/linkedin/search",
        about=about,
        query={"account_id": unipile_account_id, "limit": str(limit)},
        json=body,
        account=True,
        timeout=timeout,
    ).wait()
    match answer:
        case {"items": list(), **rest} if isinstance(rest.get("cursor"), str | None):
            return answer
    raise UnipileUnexpectedAnswer(f"Unipile's answer for {about} is not a list of people.")


def search_parameters(
    unipile_account_id: str,
    *,
    kind: str,
    keywords: str,
    service: str,
    timeout: float | None = None,
) -> list[Any]:
    """Return what LinkedIn knows under these words, as a list of {"id", "title"}.

    `kind` is LOCATION or the like. `service` is CLASSIC or SALES_NAVIGATOR, and ids differ by it.
    https://developer.unipile.com/reference/linkedincontroller_getsearchparameterslist
    """
    about = f"search parameters through account {unipile_account_id}"
    query = {
        "account_id": unipile_account_id,
        "type": kind,
        "keywords": keywords,
        "service": service,
        "limit": str(MAX_PARAMETERS),
    }
    match http.begin(
        "GET",
        "/linkedin/search/parameters",
        about=about,
        query=query,
        account=True,
        timeout=timeout,
    ).wait():
        case {"items": list(items)}:
            return items
    raise UnipileUnexpectedAnswer(f"Unipile's answer for {about} is not a list.")
