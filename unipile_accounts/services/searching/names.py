"""The ids that LinkedIn has for names of places, companies and so on."""

from __future__ import annotations

import hashlib
import json
import unicodedata

from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from puffle.stores import tolerating_a_dead_cache
from unipile_accounts.models import UnipileAccount
from unipile_accounts.payloads.people import (
    Api,
    Filters,
    Parameter,
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

    def __init__(self, field: str, error: ValidationError, candidates: list[Parameter]) -> None:
        super().__init__({field: error})
        self.candidates = [{"id": each.id, "name": each.title} for each in candidates]


def with_ids(filters: Filters, account: UnipileAccount, *, api: Api, patience: Patience) -> Filters:
    """Return the filters with LinkedIn's ids in place of names.

    Raises `NameNotFound` with up to five candidates, or the `UnipileError` of the question.
    """

    def ids_of(field: str, words: str | list[str]) -> list[str]:
        ids = (
            _id_of(word, field=field, account=account, api=api, patience=patience) for word in words
        )
        # A name that comes twice is one id.
        return list(dict.fromkeys(ids))

    return {
        field: ids_of(field, words) if by_id(field) else words for field, words in filters.items()
    }


def _id_of(word: str, *, field: str, account: UnipileAccount, api: Api, patience: Patience) -> str:
    word = _readable(word)
    if is_id(word):
        return word
    listed = parameters_of(field, api=api)
    key = _cache_key(account.unipile_account_id, *listed.values(), word.casefold())
    known: str | None = None
    with tolerating_a_dead_cache():
        known = cache.get(key)
    if known is None:
        items = search_parameters(
            account.unipile_account_id,
            keywords=word,
            timeout=patience.timeout(),
            **listed,
        )
        known = _only_one(word, read_parameters(items), field=field)
        with tolerating_a_dead_cache():
            cache.set(key, known, _REMEMBERED)
    return known


def _only_one(word: str, found: list[Parameter], *, field: str) -> str:
    """Return the id of the title that reads like the word, ignoring case."""
    equal = [each for each in found if _readable(each.title).casefold() == word.casefold()]
    if len(equal) == 1:
        return equal[0].id
    if not found:
        message = _("LinkedIn has no match for “%(name)s”.")
    elif equal:
        message = _("LinkedIn has several matches for “%(name)s”. Send the id of one: %(found)s.")
    else:
        message = _(
            "LinkedIn has no exact match for “%(name)s”. Send the id of one of these, or its whole"
            " title: %(found)s."
        )
    candidates = (equal or found)[:_CANDIDATES]
    listed = "; ".join(f"{each.title} = {each.id}" for each in candidates)
    code = "ambiguous_name" if equal else "unknown_name"
    error = ValidationError(message, code=code, params={"name": word, "found": listed})
    raise NameNotFound(field, error, candidates)


def _readable(text: str) -> str:
    """Return the text as a reader sees it, however its accents and blanks are encoded."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _cache_key(*parts: str) -> str:
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return f"search_parameter_{digest}"
