"""What the pages of accounts and those of their owners share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from django.contrib import admin
from django.contrib.admin import actions
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

_T = TypeVar("_T")

# A request that is still running 20 seconds after its server was told to stop is cut off
# (gunicorn.conf.py), and proxies give up after 30 or 60. The message must be on its way by then.
SECONDS = 15.0


class PuffleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """Looks like the other pages, and never deletes an account that would live on at Unipile."""

    delete_confirmation_template = "admin/unipile_accounts/delete_confirmation.html"
    delete_selected_confirmation_template = (
        "admin/unipile_accounts/delete_selected_confirmation.html"
    )

    class Media:
        css = {"all": ["unipile_accounts/admin.css"]}
        js = ["unipile_accounts/admin.js"]

    def has_refresh_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("unipile_accounts.refresh_unipileaccount")

    def response_action(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Go back to the page whose button was pressed, where it was not the list's."""
        response = super().response_action(request, queryset)
        page = request.POST.get("back")
        is_done = isinstance(response, HttpResponseRedirect)
        if is_done and url_has_allowed_host_and_scheme(page, allowed_hosts=None):
            return HttpResponseRedirect(str(page))
        return response

    def message_user(self, *args: Any, **kwargs: Any) -> None:
        """Say it when it is stored. A broken foreign key shows at the end of a transaction."""
        transaction.on_commit(partial(super().message_user, *args, **kwargs))

    def changeform_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return _twice(super().changeform_view, *args, **kwargs)

    def delete_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return _twice(super().delete_view, *args, **kwargs)


def _twice(view: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
    """Try again where somebody was quicker. The second try sees what they did, and says so."""
    try:
        return view(*args, **kwargs)
    except (IntegrityError, ObjectDoesNotExist):
        return view(*args, **kwargs)


@admin.action(description="Delete selected %(verbose_name_plural)s", permissions=["delete"])
def delete_selected(model_admin: Any, request: HttpRequest, queryset: Any) -> Any:
    return _twice(transaction.atomic(actions.delete_selected), model_admin, request, queryset)
