from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from unipile_accounts.models import UnipileAccount

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[UnipileAccount]
else:
    ModelForm = forms.ModelForm


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

    def clean_user(self) -> Any:
        """Refuse an owner who has the account's LinkedIn member already."""
        owner = self.cleaned_data["user"]
        row = self.instance
        same = UnipileAccount.objects.filter(user=owner, linkedin_id=row.linkedin_id)
        other = same.exclude(pk=row.pk).first() if row.linkedin_id else None
        if other is None:
            return owner
        if other.given_up_at:
            raise ValidationError(
                _(
                    "This owner has disconnected an account of the same LinkedIn member (%(id)s)."
                    " Delete that one first."
                ),
                params={"id": other.pk},
            )
        raise ValidationError(
            _(
                "This owner has an account of the same LinkedIn member already (%(id)s)."
                " Disconnect and delete one of the two first."
            ),
            params={"id": other.pk},
        )
