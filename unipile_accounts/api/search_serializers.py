"""What a search takes and answers, in the words of the public page."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from unipile_accounts.api.fields import AccountIdSerializer, one_of

SENIORITIES = (
    "owner/partner",
    "cxo",
    "vice_president",
    "director",
    "experienced_manager",
    "entry_level_manager",
    "strategic",
    "senior",
    "entry_level",
    "in_training",
)
HEADCOUNTS = ("1-10", "11-50", "51-200", "201-500", "501-1000", "1001-5000", "5001-10000", "10001+")
YEARS = ("0-1", "1-2", "3-5", "6-10", "10+")

_IDS = "Names as LinkedIn writes them, or its ids (digits only)."
_ONLY_SALES_NAVIGATOR = "Sales Navigator only. Classic names it in `ignored_filters`."


def _text(help_text: str) -> serializers.CharField:
    return serializers.CharField(
        required=False, allow_blank=True, max_length=300, help_text=help_text
    )


def _words(child: Any = None, *, help_text: str = _IDS) -> serializers.ListField:
    return serializers.ListField(
        child=child or serializers.CharField(allow_blank=True, max_length=300),
        required=False,
        max_length=20,
        help_text=help_text,
    )


def _years() -> serializers.ChoiceField:
    return one_of(YEARS, required=False, allow_blank=True, help_text=_ONLY_SALES_NAVIGATOR)


class SearchSerializer(AccountIdSerializer):
    keywords = _text("Words to find anywhere in the profile.")
    firstName = _text("First name.")
    lastName = _text("Last name.")
    title = _text("Words of the current job title.")
    currentCompany = _words()
    pastCompany = _words()
    location = _words()
    industry = _words()
    school = _words()
    seniorityLevel = _words(one_of(SENIORITIES, allow_blank=True), help_text=_ONLY_SALES_NAVIGATOR)
    companyHeadcount = _words(one_of(HEADCOUNTS, allow_blank=True), help_text=_ONLY_SALES_NAVIGATOR)
    function = _words(help_text=f"Names or ids. {_ONLY_SALES_NAVIGATOR}")
    yearsInCurrentCompany = _years()
    yearsInCurrentPosition = _years()
    limit = serializers.IntegerField(
        min_value=1,
        max_value=100,
        # Clients made from a schema with `default` would have to send it.
        required=False,
        help_text="The most people of a page, 10 if absent. A classic search gives 50 at most.",
    )
    cursor = serializers.CharField(
        required=False,
        allow_blank=True,
        allow_null=True,
        help_text=(
            "The last answer's, for the next page of the same search through the same account. The"
            " filters may be left out then."
        ),
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Leave out empty filters and words, because agents fill in every field."""
        body = super().validate(attrs)
        for name, value in body.items():
            if isinstance(value, list):
                body[name] = list(filter(None, value))
        return {name: value for name, value in body.items() if value not in ("", [], None)}


def _shown(help_text: str = "") -> serializers.CharField:
    return serializers.CharField(allow_null=True, help_text=help_text)


class PersonSerializer(serializers.Serializer[Any]):
    object = serializers.ChoiceField(choices=["SearchPeopleItem"])
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
    items = PersonSerializer(many=True)
    cursor = serializers.CharField(
        allow_null=True, help_text="Send it back for the next page. Null after the last one."
    )
    api = serializers.ChoiceField(
        choices=["sales_navigator", "classic"], help_text="The API that the account's plan allows."
    )
    ignored_filters = serializers.ListField(
        child=serializers.CharField(),
        help_text="Filters of the request that this API does not have. Empty when all count.",
    )
