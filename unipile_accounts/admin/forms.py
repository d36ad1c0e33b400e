from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from unipile_accounts.models import UnipileAccount


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """Adds an account, and gives it another owner later. Unipile decides all else."""

    class Meta:
        model = UnipileAccount
        fields = ["user", "unipile_account_id"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "user" in self.fields:
            # Compare with the owner the form showed, so that a change meanwhile is no edit.
            self.fields["user"].show_hidden_initial = True
            self.fields["user"].widget.can_delete_related = False

    def clean_user(self) -> Any:
        """Refuse an owner who has the account's LinkedIn member already."""
        owner = self.cleaned_data["user"]
        others = UnipileAccount.objects.exclude(linkedin_id="").exclude(pk=self.instance.pk)
        other = others.filter(user=owner, linkedin_id=self.instance.linkedin_id).first()
        if other is None:
            return owner
        raise ValidationError(
            f"This owner has an account of the same LinkedIn member already: {other}. Delete that"
            " one first. If it is not given up, disconnect it before."
        )
