"""What a search takes and answers, in the words of the public page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from unipile_accounts.api.fields import AccountIdSerializer
from unipile_accounts.search_choices import HEADCOUNTS, SENIORITIES, YEARS

_MAX_LENGTH = 300
_MAX_WORDS = 20
_IDS = _("Names as LinkedIn writes them, or its ids (digits only).")
_ONLY_SALES_NAVIGATOR = _("Sales Navigator only. Classic names it in `ignored_filters`.")


class Text(serializers.CharField):
    """A JSON string. `CharField` takes numbers too."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class WholeNumber(serializers.IntegerField):
    """A JSON number. `IntegerField` takes strings too."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class OneOf(serializers.ChoiceField):
    """A choice whose error names what there is to choose from."""

    def __init__(self, choices: Iterable[str], **kwargs: Any) -> None:
        words = list(choices)
        message = _("“{input}” is none of these: %s.") % ", ".join(words)
        super().__init__(choices=words, error_messages={"invalid_choice": message}, **kwargs)


class Words(serializers.ListField):
    """Words without the blank ones, which agents send too."""

    def __init__(self, *, child: Any = None, help_text: Any = _IDS) -> None:
        super().__init__(
            child=child or Text(allow_blank=True, max_length=_MAX_LENGTH),
            required=False,
            max_length=_MAX_WORDS,
            help_text=help_text,
        )

    def to_internal_value(self, data: Any) -> list[str]:
        return list(filter(None, super().to_internal_value(data)))


def _text(help_text: Any) -> Text:
    return Text(required=False, allow_blank=True, max_length=_MAX_LENGTH, help_text=help_text)


def _years() -> OneOf:
    return OneOf(YEARS, required=False, allow_blank=True, help_text=_ONLY_SALES_NAVIGATOR)


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
    function = Words(
        help_text=_("Names or ids. Sales Navigator only. Classic names it in `ignored_filters`.")
    )
    yearsInCurrentCompany = _years()  # noqa: N815
    yearsInCurrentPosition = _years()  # noqa: N815
    limit = WholeNumber(
        min_value=1,
        max_value=100,
        # Clients made from a schema with `default` would have to send it.
        required=False,
        help_text=_("The most people of a page, 10 if absent. A classic search gives 50 at most."),
    )
    cursor = Text(
        required=False,
        help_text=_(
            "The last answer's, for the next page of the same search through the same account. The"
            " filters may be left out then."
        ),
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        # Agents fill in every field, and an empty filter asks for nothing.
        return {
            name: value for name, value in super().validate(attrs).items() if value not in ("", [])
        }


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
        allow_null=True, help_text="Send it back for the next page. Null after the last one."
    )
    api = serializers.ChoiceField(
        choices=["sales_navigator", "classic"], help_text="The API that the account's plan allows."
    )
    ignored_filters = serializers.ListField(
        child=serializers.CharField(),
        help_text="Filters of the request that this API does not have. Empty when all count.",
    )
