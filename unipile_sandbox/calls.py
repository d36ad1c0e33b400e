"""A request as the endpoints see it."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qs

from unipile_sandbox.answers import Operation, RefusedError
from unipile_sandbox.payloads import Payload
from unipile_sandbox.workspace import Workspace

OF_AN_ACCOUNT = ("account", "delete")
WITH_ACCOUNT_PARAMETER = ("profile", "search", "parameters")


class Call(NamedTuple):
    workspace: Workspace
    base_url: str
    query: str
    body: bytes
    # The id at the end of the path.
    item: str

    def parameters(self) -> dict[str, str]:
        pairs = parse_qs(self.query, keep_blank_values=True)
        return {name: values[-1] for name, values in pairs.items()}

    def account_id(self, operation: Operation) -> str | None:
        """Return the account that the request is about, whether or not there is one."""
        if operation in OF_AN_ACCOUNT:
            return self.item
        if operation in WITH_ACCOUNT_PARAMETER:
            return self.parameters().get("account_id")
        return None


def linkedin_session(call: Call) -> Payload:
    """Return the account that is asked through. Raises RefusedError unless it is logged in."""
    account_id = call.parameters().get("account_id")
    if not account_id:
        raise RefusedError(400, "missing_parameters", "account_id is required.")
    if account_id not in call.workspace.accounts:
        raise RefusedError(404, "resource_not_found", "Account not found.")
    payload = call.workspace.accounts.get(account_id)
    if payload.get("type") != "LINKEDIN":
        raise RefusedError(501, "feature_not_implemented")
    if _is_logged_out(payload):
        raise RefusedError(401, "disconnected_account")
    return payload


def _is_logged_out(payload: Payload) -> bool:
    sources = payload.get("sources")
    return isinstance(sources, list) and any(
        isinstance(source, dict) and source.get("status") == "CREDENTIALS" for source in sources
    )
