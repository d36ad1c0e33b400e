"""Find people by `POST /api/unipile/search`, with the API that the account's plan allows."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from unipile_accounts.api import texts
from unipile_accounts.api.base import CallersAccounts
from unipile_accounts.api.errors import ASKING, by_status
from unipile_accounts.api.search_serializers import SearchResponseSerializer, SearchSerializer
from unipile_accounts.services import search_people

_CODES = by_status(
    "unknown_name",
    "ambiguous_name",
    "unknown_id",
    "invalid_cursor",
    "unknown_field",
    *(code for code in ASKING if code != "not_linkedin"),
    "sales_navigator_unavailable",
)


class SearchEndpoint(CallersAccounts):
    @extend_schema(
        operation_id="searchUnipile",
        summary="Search people on LinkedIn",
        description=texts.SEARCH,
        examples=[texts.SEARCH_EXAMPLE],
        responses=OpenApiResponse(
            SearchResponseSerializer,
            description="A page of people, and what they were not filtered by.",
        ),
    )
    @action(
        detail=False,
        methods=["post"],
        serializer_class=SearchSerializer,
        throttle_scope="search",
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
