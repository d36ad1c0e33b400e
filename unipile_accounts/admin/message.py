"""What a refresh came to, for the person who asked for it: one message, honest in its colour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.contrib import messages
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from unipile_accounts.admin.columns import isolated
from unipile_accounts.admin.history import in_words
from unipile_accounts.exceptions import UnipileAuthenticationError, UnipileNotConfigured
from unipile_accounts.results import RefreshResult, Summary

NAMED = 10


class Report:
    """Collects results; of each kind, only the first few are kept by name."""

    def __init__(self, selected: int) -> None:
        self.summary = Summary()
        self.unreached = 0
        self._selected = selected
        self.stopped_by: UnipileAuthenticationError | UnipileNotConfigured | None = None
        self._changed: list[RefreshResult] = []
        self._skipped: list[RefreshResult] = []
        self._failed: list[RefreshResult] = []

    def add(self, result: RefreshResult) -> None:
        self.summary.add(result)
        named = {"refreshed": self._changed, "skipped": self._skipped, "failed": self._failed}
        results = named[result.outcome]
        if len(results) < NAMED and (result.error or result.changes):
            results.append(result)

    def cut_short(self) -> None:
        """Count those that are left, instead of waiting for each of them to fail."""
        self.unreached = max(0, self._selected - self.summary.total)

    @property
    def is_failure(self) -> bool:
        return bool(self.stopped_by or self.unreached or self.summary.failed)

    @property
    def level(self) -> int:
        """The worst outcome's."""
        if self.is_failure:
            return messages.ERROR
        all_refreshed = self.summary.refreshed and not self.summary.skipped
        return messages.SUCCESS if all_refreshed else messages.WARNING

    def html(self) -> SafeString:
        parts = [self._headline(), self._stop(), self._rest(), self._changes(), self._errors()]
        return format_html_join("\n", "{}", ([part] for part in parts if part))

    def _headline(self) -> str:
        if self.summary.total == 0:
            return _("No account was refreshed.")
        if self._selected == 1:
            return self._headline_of_one()
        return ngettext(
            "%(total)d account: %(refreshed)d refreshed (%(changed)d changed),"
            " %(skipped)d skipped, %(failed)d failed.",
            "%(total)d accounts: %(refreshed)d refreshed (%(changed)d changed),"
            " %(skipped)d skipped, %(failed)d failed.",
            self.summary.total,
        ) % {
            "total": self.summary.total,
            "refreshed": self.summary.refreshed,
            "changed": self.summary.changed,
            "skipped": self.summary.skipped,
            "failed": self.summary.failed,
        }

    def _headline_of_one(self) -> str:
        if self.summary.failed:
            return _("The account was not refreshed.")
        if self.summary.skipped:
            return _("The account was skipped.")
        if self.summary.changed:
            return _("The account was refreshed, and it has changed.")
        return _("The account was refreshed. Nothing has changed.")

    def _stop(self) -> str:
        if not self.stopped_by:
            return ""
        rest = _("The rest was not asked for.") if self.summary.total else ""
        return f"{rest} {self.stopped_by.advice}".strip()

    def _rest(self) -> str:
        if not self.unreached:
            return ""
        return ngettext(
            "%(count)d more was not reached in time, and is as it was. Select fewer.",
            "%(count)d more were not reached in time, and are as they were. Select fewer.",
            self.unreached,
        ) % {"count": self.unreached}

    def _changes(self) -> SafeString:
        if not self._changed:
            return SafeString()
        lines = format_html_join(
            "",
            "<dd>{}: {}</dd>",
            ((_link(result), isolated(in_words(result))) for result in self._changed),
        )
        more = _more(self.summary.changed - len(self._changed))
        return format_html("<dl><dt>{}</dt>{}{}</dl>", _("Changed"), lines, more)

    def _errors(self) -> SafeString:
        """Say each reason, with what to do about it, once for all accounts that it holds for."""
        return format_html(
            "{}{}",
            _by_reason(_("Failed"), self._failed, self.summary.failed),
            _by_reason(_("Skipped"), self._skipped, self.summary.skipped),
        )


def _by_reason(title: str, results: list[RefreshResult], total: int) -> SafeString:
    if not results:
        return SafeString()
    accounts: dict[str | Promise, list[RefreshResult]] = defaultdict(list)
    for result in results:
        if result.error:
            accounts[result.error.advice].append(result)
    lines = format_html_join(
        "", "<dd>{}: {}</dd>", ((_names(same), advice) for advice, same in accounts.items())
    )
    return format_html("<dl><dt>{}</dt>{}{}</dl>", title, lines, _more(total - len(results)))


def _names(results: Iterable[RefreshResult]) -> SafeString:
    names = []
    for result in results:
        changes = format_html(" ({})", isolated(in_words(result))) if result.changes else ""
        names.append((_link(result), changes))
    return format_html_join(", ", "{}{}", names)


def _link(result: RefreshResult) -> SafeString:
    url = reverse("admin:unipile_accounts_unipileaccount_change", args=[result.account.pk])
    return format_html('<a href="{}">{}</a>', url, isolated(str(result.account)))


def _more(count: int) -> SafeString:
    if not count:
        return SafeString()
    text = ngettext("and %(count)d more", "and %(count)d more", count) % {"count": count}
    return format_html("<dd>{}</dd>", text)
