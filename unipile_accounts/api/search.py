"""`POST /api/unipile/search`: find people with the API that the account's plan allows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from puffle.api.throttling import UserRateThrottle
from unipile_accounts.api.base import CallersAccounts
from unipile_accounts.api.errors import ASKING, by_status
from unipile_accounts.api.fields import AccountIdSerializer
from unipile_accounts.services import HEADCOUNTS, SENIORITIES, YEARS, search_people

_MAX_LENGTH = 300
_MAX_WORDS = 20
_MAX_CURSOR_LENGTH = 20_000
_IDS = _("Names as LinkedIn writes them, or its ids (digits only).")
_ONLY_SALES_NAVIGATOR = _("Sales Navigator only; else in `ignored_filters`.")


class SearchThrottle(UserRateThrottle):
    scope = "search"


class Words(serializers.ListField):
    def __init__(self, **kwargs: Any) -> None:
        child = serializers.CharField(max_length=_MAX_LENGTH)
        super().__init__(
            **{"child": child, "required": False, "max_length": _MAX_WORDS, "help_text": _IDS}
            | kwargs
        )


class OneOf(serializers.ChoiceField):
    """A choice whose error names what there is to choose from."""

    def __init__(self, choices: Iterable[str], **kwargs: Any) -> None:
        words = list(choices)
        message = _("“{input}” is none of these: %s.") % ", ".join(words)
        super().__init__(choices=words, error_messages={"invalid_choice": message}, **kwargs)


def _text(help_text: Any) -> serializers.CharField:
    return serializers.CharField(required=False, max_length=_MAX_LENGTH, help_text=help_text)


class SearchSerializer(AccountIdSerializer):
    keywords = _text(_("Words to find anywhere in the profile."))
    firstName = _text(_("First name."))  # noqa: N815  # the names on the public page
    lastName = _text(_("Last name."))  # noqa: N815
    title = _text(_("Words of the current job title."))
    currentCompany = Words()  # noqa: N815
    pastCompany = Words()  # noqa: N815
    location = Words()
    industry = Words()
    school = Words()
    seniorityLevel = Words(  # noqa: N815
        child=OneOf(SENIORITIES), help_text=_ONLY_SALES_NAVIGATOR
    )
    companyHeadcount = Words(  # noqa: N815
        child=OneOf(HEADCOUNTS), help_text=_ONLY_SALES_NAVIGATOR
    )
    function = Words(help_text=_("Names or ids. Sales Navigator only; else in `ignored_filters`."))
    yearsInCurrentCompany = OneOf(  # noqa: N815
        YEARS, required=False, help_text=_ONLY_SALES_NAVIGATOR
    )
    yearsInCurrentPosition = OneOf(  # noqa: N815
        YEARS, required=False, help_text=_ONLY_SALES_NAVIGATOR
    )
    limit = serializers.IntegerField(
        min_value=1,
        max_value=100,
        default=10,
        help_text=_("The most people of a page. A classic search gives 50 at most."),
    )
    cursor = serializers.CharField(
        required=False,
        max_length=_MAX_CURSOR_LENGTH,
        help_text=_(
            "The last answer's, for the next page of the same search through the same account. The"
            " filters may be left out then."
        ),
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict):
            self._refuse_unknown(data)
            # Agents fill in every field; an empty filter asks for nothing.
            data = {
                name: value
                for name, value in data.items()
                if name in _NO_FILTERS or not _is_empty(value)
            }
        return super().to_internal_value(data)

    def _refuse_unknown(self, data: dict[str, Any]) -> None:
        """A filter that nobody knows would find more people than were asked for."""
        message = _("There is no such filter. The description names those there are.")
        if unknown := [name for name in data if name not in self.fields]:
            raise serializers.ValidationError(dict.fromkeys(unknown, message), "unknown_field")


_NO_FILTERS = ("accountId", "limit", "cursor")


def _is_empty(value: Any) -> bool:
    return value == [] or (isinstance(value, str) and not value.strip())


@extend_schema_field({"type": "string", "enum": ["SearchPeopleItem"]})
class ObjectField(serializers.CharField):
    def get_attribute(self, instance: Any) -> str:
        return "SearchPeopleItem"


def _shown(help_text: str = "") -> serializers.CharField:
    return serializers.CharField(allow_null=True, help_text=help_text)


class PersonSerializer(serializers.Serializer[Any]):
    object = ObjectField()
    provider_id = serializers.CharField(
        help_text="LinkedIn's id of the member, which is another in each API."
    )
    public_identifier = _shown()
    first_name = _shown("Null for members out of the account's network.")
    last_name = _shown("Null for members out of the account's network.")
    headline = _shown()
    profile_url = _shown()
    profile_picture_url = _shown()
    location = _shown()
    current_company_name = _shown("Sales Navigator only.")
    current_company_linkedin_url = _shown("Sales Navigator only.")
    mutual_connections_count = serializers.IntegerField(allow_null=True)


class SearchResponseSerializer(serializers.Serializer[Any]):
    items = PersonSerializer(source="people", many=True)
    cursor = serializers.CharField(
        allow_null=True, help_text="Send it back for the next page; null after the last one."
    )
    api = serializers.ChoiceField(
        choices=["sales_navigator", "classic"], help_text="The API that the account's plan allows."
    )
    ignored_filters = serializers.ListField(
        child=serializers.CharField(),
        help_text="Filters of the request that this API does not have. Empty when all count.",
    )


_DESCRIPTION = f"""\
Searches LinkedIn through one of the caller's accounts. The stored `has_sales_navigator` chooses the
API. All filters hold at once; several words of one filter are alternatives.

**Names and ids.** `currentCompany`, `pastCompany`, `location`, `industry`, `school` and `function`
take names or LinkedIn's ids. A name must equal exactly one title at LinkedIn, in any case. Else the
answer is 400 on that field, with up to five candidates: send the id of the right one. Ids differ by
API.

**Words.** `seniorityLevel`: {", ".join(SENIORITIES)}. `companyHeadcount`: {", ".join(HEADCOUNTS)}.
`yearsInCurrentCompany` and `yearsInCurrentPosition`: {", ".join(YEARS)}.

**Classic** has no seniority, headcount, function and tenure. What it could not filter by is in
`ignored_filters`: tell the user that the result is wider than asked. LinkedIn shows 1,000 people of
a classic search, and 2,500 of one with Sales Navigator.

**Paging.** Send the `cursor` of an answer with the same filters or with none, until it is null.
A cursor holds for its account and its search only.

**On `sales_navigator_unavailable`** refresh the account with `"live": true`, then search again; if
the flag stays, reconnect it. On `reconnect_required` reconnect it. An empty filter counts as
absent. Nothing of the result is stored.
"""
_REQUEST: dict[str, Any] = {
    "accountId": "3c90c3cc-0d44-4b50-8888-8dd25736052a",
    "title": "Director of Sales",
    "location": ["Exampletown, Sampleland"],
    "companyHeadcount": ["11-50", "51-200"],
    "limit": 25,
}
_ANSWER: dict[str, Any] = {
    "items": [
        {
            "object": "SearchPeopleItem",
            "provider_id": "ACoAAB00000000000000000000000000000101P",
            "public_identifier": "perrin-lowe-example",
            "first_name": "Perrin",
            "last_name": "Lowe",
            "headline": "Director of Sales at Lowe Example Ltd",
            "profile_url": "https://www.linkedin.com/in/perrin-lowe-example",
            "profile_picture_url": None,
            "location": "Exampletown, Sampleland",
            "current_company_name": None,
            "current_company_linkedin_url": None,
            "mutual_connections_count": 3,
        }
    ],
    "cursor": None,
    "api": "classic",
    "ignored_filters": ["companyHeadcount"],
}
_CODES = {
    **by_status(
        *(code for code in ASKING if code != "not_linkedin"), "sales_navigator_unavailable"
    ),
    400: ["unknown_name", "ambiguous_name", "invalid_cursor", "unknown_field"],
}


class SearchEndpoint(CallersAccounts):
    @extend_schema(
        operation_id="searchUnipile",
        summary="Search people on LinkedIn",
        description=_DESCRIPTION,
        tags=["unipile"],
        examples=[OpenApiExample("Directors in one town", value=_REQUEST, request_only=True)],
        responses=OpenApiResponse(
            SearchResponseSerializer,
            description="A page of people, and what they were not filtered by.",
            examples=[OpenApiExample("A classic search", value=_ANSWER)],
        ),
    )
    @action(
        detail=False,
        methods=["post"],
        serializer_class=SearchSerializer,
        throttle_classes=[SearchThrottle],
        error_codes=_CODES,
    )
    def search(self, request: Request) -> Response:
        body = self.validated()
        found = search_people(
            self.get_queryset(),
            body.pop("accountId"),
            limit=body.pop("limit"),
            cursor=body.pop("cursor", None),
            filters=body,
        )
        return Response(SearchResponseSerializer(found).data)
