from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from unipile_accounts.models import UnipileAccount

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[UnipileAccount]
else:
    ModelForm = forms.ModelForm

# Ids of Unipile's second API begin with acc_, and our API refuses them.
_UNIPILE_ID = re.compile(r"(?!acc_)[A-Za-z0-9_-]{22}")


class AccountForm(ModelForm):
    """Adds an account, and gives it another owner later; all else is Unipile's to decide."""

    class Meta:
        model = UnipileAccount
        fields = ["user", "unipile_account_id"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "user" in self.fields:
            # Compare with the owner the form showed, so that a change meanwhile is no edit.
            self.fields["user"].show_hidden_initial = True

    def clean_unipile_account_id(self) -> str:
        """Refuse what cannot be an id of Unipile's, such as a name or an id of ours."""
        value: str = self.cleaned_data["unipile_account_id"]
        if not _UNIPILE_ID.fullmatch(value):
            raise ValidationError(
                _(
                    "This is no Unipile id. Copy the account's id from Unipile's dashboard: exactly"
                    " 22 letters, digits, hyphens and underscores, such as k3Vd9QmTRxS1aLw0ZbYc7A."
                )
            )
        return value
