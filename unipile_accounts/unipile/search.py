from __future__ import annotations

from typing import Any

from unipile_accounts.exceptions import UnipileUnexpectedAnswer
from unipile_accounts.unipile import http

# The most that `limit` may be for parameters.
_MAX_PARAMETERS = 100


def search_people(
    unipile_account_id: str, *, body: dict[str, Any], limit: int, timeout: float | None = None
) -> Any:
    """Return one page of LinkedIn's search through this account, as {"items": [...], "cursor"}.

    On further pages the body holds only the cursor of the last one. Raises
    `UnipileAccountUnavailable` with the type errors/feature_not_subscribed where LinkedIn refuses
    Sales Navigator.
    https://developer.unipile.com/reference/linkedincontroller_search
    """
    about = f"a search through account {unipile_account_id}"
    query = {"account_id": unipile_account_id, "limit": str(limit)}
    return _ask("POST", "/linkedin/search", about=about, query=query, json=body, timeout=timeout)


def search_parameters(
    unipile_account_id: str, *, kind: str, keywords: str, service: str, timeout: float | None = None
) -> Any:
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
        "limit": str(_MAX_PARAMETERS),
    }
    path = "/linkedin/search/parameters"
    return _ask("GET", path, about=about, query=query, timeout=timeout)["items"]


def _ask(method: str, path: str, *, about: str, **question: Any) -> Any:
    answer = http.begin(method, path, about=about, account=True, **question).wait()
    match answer:
        case {"items": list(), **rest} if isinstance(rest.get("cursor"), str | None):
            return answer
    raise UnipileUnexpectedAnswer(f"Unipile's answer for {about} is not a list.")
