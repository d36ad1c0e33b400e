"""Find people by `POST /api/unipile/search`, with the API that the account's plan allows."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from puffle.api.throttling import UserRateThrottle
from unipile_accounts.api.base import CallersAccounts
from unipile_accounts.api.errors import ASKING, by_status
from unipile_accounts.api.search_serializers import SearchResponseSerializer, SearchSerializer
from unipile_accounts.search_choices import HEADCOUNTS, SENIORITIES, YEARS
from unipile_accounts.services import search_people


class SearchThrottle(UserRateThrottle):
    scope = "search"


_DESCRIPTION = f"""\
Searches LinkedIn through one of the caller's accounts. The stored `has_sales_navigator` chooses the
API. All filters hold at once. Several words of one filter are alternatives. Choose an account
with `has_sales_navigator` for seniority, headcount, function or years. Directors are a `title` in
any search.

**Names and ids.** `currentCompany`, `pastCompany`, `location`, `industry`, `school` and `function`
take names or LinkedIn's ids. A name must equal exactly one title at LinkedIn, in any case. Else the
answer is 400 on that field, with up to five `candidates`. Send the `id` of the right one. Ids
differ by API. On `unknown_id` send the name instead.

**Words.** `seniorityLevel`: {", ".join(SENIORITIES)}. `companyHeadcount`: {", ".join(HEADCOUNTS)}.
`yearsInCurrentCompany` and `yearsInCurrentPosition`: {", ".join(YEARS)}.

**Classic** has no seniority, headcount, function and tenure. What it could not filter by is in
`ignored_filters`. Tell the user that the result is wider than asked. LinkedIn shows 1,000 people of
a classic search, and 2,500 of one with Sales Navigator.

**Paging.** Send the `cursor` of an answer with the same filters or with none, until it is null.
A cursor holds for its account and its search only.

**On `sales_navigator_unavailable`** refresh the account with `"live": true`, then search again. If
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
    400: ["unknown_name", "ambiguous_name", "unknown_id", "invalid_cursor", "unknown_field"],
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
            limit=body.pop("limit", 10),
            cursor=body.pop("cursor", None),
            filters=body,
        )
        return Response(SearchResponseSerializer(found).data)
