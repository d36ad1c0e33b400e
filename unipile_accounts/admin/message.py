"""What a refresh came to, in one message whose colour is that of the worst outcome."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.contrib import messages
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from unipile_accounts.admin.base import NAMED
from unipile_accounts.admin.columns import link
from unipile_accounts.admin.errors import advice
from unipile_accounts.admin.history import changed_a_moment_ago, in_words
from unipile_accounts.admin.values import isolated
from unipile_accounts.exceptions import (
    UnipileAccountNotListed,
    UnipileAuthenticationError,
    UnipileError,
    UnipileNotConfigured,
)
from unipile_accounts.limits import PLAN_COLUMNS
from unipile_accounts.models import UnipileAccount
from unipile_accounts.results import RefreshResult, Summary

_LIST = "admin:unipile_accounts_unipileaccount_changelist"


class RefreshMessage:
    """Collects results, and keeps the first few of each kind by name.

    `just_added` says that nobody has seen the account at Unipile yet.
    """

    def __init__(self, selected: int, *, just_added: bool = False) -> None:
        self.summary = Summary()
        self.stopped_by: UnipileAuthenticationError | UnipileNotConfigured | None = None
        self._selected = selected
        self._just_added = just_added
        self._unreached = 0
        self._only: RefreshResult | None = None
        self._named: dict[str, list[RefreshResult]] = defaultdict(list)

    def add(self, result: RefreshResult) -> None:
        self.summary.add(result)
        self._only = result if self._selected == 1 else None
        kind: str = result.outcome
        if kind == "refreshed" and result.changes:
            kind = "plan" if result.changes.keys() & set(PLAN_COLUMNS) else "changed"
        if len(self._named[kind]) < NAMED:
            self._named[kind].append(result)

    def cut_short(self) -> None:
        """Count those that are left, instead of waiting for each of them to fail."""
        self._unreached = max(0, self._selected - self.summary.total)

    @property
    def level(self) -> int:
        """Return the worst outcome's level."""
        if self.stopped_by or self._unreached or self.summary.failed:
            return messages.ERROR
        all_refreshed = self.summary.refreshed and not self.summary.skipped
        return messages.SUCCESS if all_refreshed else messages.WARNING

    def html(self) -> SafeString:
        parts = [
            self._headline(),
            self._stop(),
            self._rest(),
            self._by_reason(_("Failed"), "failed", self.summary.failed),
            self._changes(),
            self._by_reason(_("Skipped"), "skipped", self.summary.skipped),
            self._after_adding(),
        ]
        return format_html_join("\n", "{}", ([part] for part in parts if part))

    def _headline(self) -> str:
        if self.summary.total == 0:
            return _("No account was refreshed.")
        if self._only:
            return _headline_of_one(self._only)
        total = self.summary.total
        accounts = ngettext("%(total)d account", "%(total)d accounts", total) % {"total": total}
        return f"{accounts}: {self.summary}."

    def _stop(self) -> str:
        if not self.stopped_by:
            return ""
        rest = _("The remaining accounts were not refreshed.") if self.summary.total else ""
        return f"{rest} {self.stopped_by.advice}".strip()

    def _rest(self) -> str:
        if not self._unreached:
            return ""
        return ngettext(
            "%(count)d account was not refreshed in time and did not change. Select fewer.",
            "%(count)d accounts were not refreshed in time and did not change. Select fewer.",
            self._unreached,
        ) % {"count": self._unreached}

    def _changes(self) -> SafeString:
        """Name whose plan has changed before those who have a new name only."""
        named = [*self._named["plan"], *self._named["changed"]][:NAMED]
        if not named:
            return SafeString()
        lines = format_html_join(
            "",
            "<dd>{}: {}</dd>",
            ((link(result.account), isolated(in_words(result.changes))) for result in named),
        )
        more = _more(self.summary.changed - len(named))
        return format_html("<dl><dt>{}</dt>{}{}</dl>", _("Changed"), lines, more)

    def _by_reason(self, title: str, outcome: str, total: int) -> SafeString:
        """Say each reason, with what to do about it, once for all accounts that it holds for."""
        named = self._named[outcome]
        if not named:
            return SafeString()
        accounts: dict[str, list[RefreshResult]] = defaultdict(list)
        for result in named:
            if result.error:
                accounts[self._advice(result.error, result.account)].append(result)
        lines = format_html_join(
            "", "<dd>{}: {}</dd>", ((_names(same), words) for words, same in accounts.items())
        )
        url = f"{reverse(_LIST)}?failed=any" if outcome == "failed" else ""
        more = _more(total - len(named), url=url)
        return format_html("<dl><dt>{}</dt>{}{}</dl>", title, lines, more)

    def _advice(self, error: UnipileError, account: UnipileAccount) -> str:
        is_gone = account.status == UnipileAccount.Status.DISCONNECTED
        if self._just_added and (is_gone or isinstance(error, UnipileAccountNotListed)):
            return _("Unipile has no account with this id. Check it.")
        return advice(error)

    def _after_adding(self) -> str:
        if not self._just_added or self.level != messages.ERROR:
            return ""
        return _(
            "It is stored all the same. If its Unipile id is right, refresh it later. If not,"
            " disconnect and delete it, then add it once more."
        )


def _headline_of_one(result: RefreshResult) -> str:
    if result.outcome == "failed":
        return _("The account was not refreshed.")
    if result.outcome == "skipped":
        return _("The account was skipped.")
    if result.changes:
        return _("The account was refreshed, and it has changed.")
    if changes := changed_a_moment_ago(result.account):
        return _("The account was refreshed. It changed a moment ago: %(changes)s.") % {
            "changes": in_words(changes)
        }
    return _("The account was refreshed. Nothing has changed.")


def _names(results: Iterable[RefreshResult]) -> SafeString:
    names = []
    for result in results:
        words = isolated(in_words(result.changes)) if result.changes else ""
        names.append((link(result.account), format_html(" ({})", words) if words else ""))
    return format_html_join(", ", "{}{}", names)


def _more(count: int, *, url: str = "") -> SafeString:
    if not count:
        return SafeString()
    text = ngettext("and %(count)d more", "and %(count)d more", count) % {"count": count}
    if not url:
        return format_html("<dd>{}</dd>", text)
    return format_html('<dd><a href="{}">{}</a></dd>', url, text)
