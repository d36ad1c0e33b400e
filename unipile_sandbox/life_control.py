"""The sandbox's own routes for what happens to accounts, and for the messages about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from unipile_sandbox.inputs import BadInputError, assign, json_object, text

if TYPE_CHECKING:
    from unipile_sandbox.sandbox import Sandbox

ROUTES = (
    "POST /sandbox/accounts/{id}/log-out, /delete, /events; "
    "GET or PATCH /sandbox/accounts/{id}/plan; "
    "POST /sandbox/restart, /sandbox/links/expire, /sandbox/notices; "
    "GET or PATCH /sandbox/deliveries; POST /sandbox/deliveries/hold, /release, /retry, "
    "/{number}/again; PATCH /sandbox/list, /sandbox/search"
)


def answer(sandbox: Sandbox, method: str, parts: list[str], body: bytes) -> object | None:
    """Do what is asked and return what to show, or None where there is no such route."""
    match method, parts:
        case _, ["accounts", account_id, what]:
            return _account(sandbox, method, account_id, what, body)
        case _, ["deliveries", *rest]:
            return _deliveries(sandbox, method, rest, body)
        case "POST", ["restart"]:
            sandbox.restart()
        case "POST", ["links", "expire"]:
            sandbox.expire_links()
        case "POST", ["notices"]:
            _send_notice(sandbox, json_object(body))
        case "PATCH", ["list"]:
            assign(sandbox.listing, json_object(body))
            return vars(sandbox.listing)
        case "PATCH", ["search"]:
            assign(sandbox.search, json_object(body))
            return vars(sandbox.search)
        case _:
            return None
    return sandbox.state()


def _account(
    sandbox: Sandbox, method: str, account_id: str, what: str, body: bytes
) -> object | None:
    match method, what:
        case "GET", "plan":
            return sandbox.profile(account_id)
        case "PATCH", "plan":
            return sandbox.set_plan(account_id, **json_object(body))
        case "POST", "log-out":
            sandbox.log_out(account_id)
            return sandbox.get(account_id)
        case "POST", "delete":
            sandbox.delete(account_id)
        case "POST", "events":
            _send_event(sandbox, account_id, json_object(body))
        case _:
            return None
    return sandbox.state()


def _send_event(sandbox: Sandbox, account_id: str, fields: dict[str, Any]) -> None:
    options = {name: text(fields, name) for name in ("account_type", "product") if name in fields}
    sandbox.send_event(account_id, text(fields, "message"), **options)


def _send_notice(sandbox: Sandbox, fields: dict[str, Any]) -> None:
    sandbox.send_notice(
        text(fields, "url"),
        text(fields, "account_id"),
        text(fields, "name") if "name" in fields else None,
        status=text(fields, "status") if "status" in fields else "CREATION_SUCCESS",
    )


def _deliveries(sandbox: Sandbox, method: str, rest: list[str], body: bytes) -> object | None:
    outbox = sandbox.outbox
    actions: dict[str, Callable[..., None]] = {
        "hold": outbox.hold,
        "release": outbox.release,
        "retry": outbox.retry_now,
    }
    match method, rest:
        case "GET", []:
            pass
        case "PATCH", []:
            assign(sandbox.delivery, json_object(body))
            return vars(sandbox.delivery)
        case "POST", [name] if name in actions:
            actions[name]()
        case "POST", [number, "again"]:
            _send_again(sandbox, number)
        case _:
            return None
    return [delivery.summary() for delivery in sandbox.deliveries]


def _send_again(sandbox: Sandbox, number: str) -> None:
    for delivery in sandbox.deliveries:
        if str(delivery.number) == number:
            sandbox.outbox.send_again(delivery)
            return
    raise BadInputError(f"There is no delivery {number}.")
