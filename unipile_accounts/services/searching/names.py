"""The ids that LinkedIn has for names of places, companies and so on."""

from __future__ import annotations

import hashlib
import json
import unicodedata

from django.core.cache import cache
from django.core.exceptions import ValidationError

from puffle.stores import tolerating_a_dead_cache
from unipile_accounts.payloads.people import (
    Filters,
    Search,
    by_id,
    is_id,
    parameters_of,
    read_parameters,
)
from unipile_accounts.services.refreshing.patience import Patience
from unipile_accounts.unipile import search_parameters

# Seconds in which LinkedIn is not asked for the same name again.
_REMEMBERED = 24 * 60 * 60
_CANDIDATES = 5


class NameNotFound(ValidationError):
    """A name is not exactly one title at LinkedIn. `candidates` are those it may stand for."""

    def __init__(self, field: str, error: ValidationError, titles: dict[str, str]) -> None:
        super().__init__({field: error})
        found = [{"id": each, "name": title} for each, title in titles.items()]
        self.candidates = found[:_CANDIDATES]


def with_ids(search: Search, patience: Patience) -> Filters:
    """Return the filters that count, with LinkedIn's ids in place of names.

    Raises `NameNotFound` with up to five candidates, or the `UnipileError` of the question.
    """

    account_id = search.unipile_account_id

    def id_of(word: str, field: str) -> str:
        word = _readable(word)
        if is_id(word):
            return word
        listed = parameters_of(field, api=search.api)
        asked = json.dumps([account_id, *listed.values(), word.casefold()])
        key = f"search_parameter_{hashlib.sha256(asked.encode()).hexdigest()}"
        known: str | None = None
        with tolerating_a_dead_cache():
            known = cache.get(key)
        if known is None:
            timeout = patience.timeout()
            items = search_parameters(account_id, keywords=word, timeout=timeout, **listed)
            known = _only_one(word, read_parameters(items), field=field)
            with tolerating_a_dead_cache():
                cache.set(key, known, _REMEMBERED)
        return known

    return {
        field: [id_of(word, field) for word in words] if by_id(field) else words
        for field, words in search.used_filters.items()
    }


def _only_one(word: str, titles: dict[str, str], *, field: str) -> str:
    """Return the id of the title that reads like the word, ignoring case."""
    wanted = word.casefold()
    equal = {each: title for each, title in titles.items() if _readable(title).casefold() == wanted}
    if len(equal) == 1:
        return next(iter(equal))
    code, message = "unknown_name", f"LinkedIn has no match for “{word}”. Try another spelling."
    if titles:
        message = f"LinkedIn has other names than “{word}”. Send a candidate's id or whole name."
    if equal:
        code = "ambiguous_name"
        message = f"LinkedIn has several matches for “{word}”. Send a candidate's id."
    raise NameNotFound(field, ValidationError(message, code=code), equal or titles)


def _readable(text: str) -> str:
    """Return the text as a reader sees it, however its accents and blanks are encoded."""
    return " ".join(unicodedata.normalize("NFKC", text).split())
