"""The sandbox's own routes, for people with curl.

They ask for no key and can change everything, which is why the sandbox listens on loopback only
unless it is told otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from unipile_sandbox import life_control
from unipile_sandbox.accounts import UnknownAccountError
from unipile_sandbox.answers import Answer, encode, error
from unipile_sandbox.faults import Fault
from unipile_sandbox.inputs import BadInputError, json_object
from unipile_sandbox.payloads import change, linkedin_account

if TYPE_CHECKING:
    from unipile_sandbox.sandbox import Sandbox

PREFIX = "/sandbox"
NAMED_ACCOUNTS = 100
# What narrows a fault.
WHERE = ("account_id", "page", "times", "operation", "reused")
ROUTES = (
    "GET /sandbox, POST /sandbox/accounts, PATCH or DELETE /sandbox/accounts/{id}, "
    "POST or DELETE /sandbox/faults, POST /sandbox/reset; "
) + life_control.ROUTES


def is_control(target: str) -> bool:
    return target.startswith(PREFIX) and target.partition("?")[0].split("/")[1] == "sandbox"


def answer(sandbox: Sandbox, method: str, target: str, body: bytes) -> Answer:
    path = target.partition("?")[0].removeprefix(PREFIX)
    parts = [unquote(part) for part in path.split("/") if part]
    try:
        return _route(sandbox, method, parts, body)
    except UnknownAccountError as exc:
        return error(404, str(exc))
    except ValueError as exc:
        return error(400, str(exc))
    except RecursionError:
        return error(400, "The body is nested too deeply.")


def _route(sandbox: Sandbox, method: str, parts: list[str], body: bytes) -> Answer:
    match method, parts:
        case "GET", []:
            return _ok(sandbox.state())
        case "POST" | "PUT", ["accounts"]:
            return _ok(sandbox.get(sandbox.add(_account(json_object(body)))), status=201)
        case "PATCH", ["accounts", account_id]:
            return _ok(sandbox.update(account_id, **_changes(json_object(body))))
        case "DELETE", ["accounts", account_id]:
            sandbox.remove(account_id)
        case "POST", ["faults"]:
            _inject(sandbox, json_object(body))
        case "DELETE", ["faults"]:
            sandbox.clear_faults()
        case "POST", ["reset"]:
            sandbox.reset()
        case _:
            shown = life_control.answer(sandbox, method, parts, body)
            if shown is None:
                return error(404, f"There is no such route; there are: {ROUTES}.")
            return _ok(shown)
    return _ok(sandbox.state())


def _ok(value: object, *, status: int = 200) -> Answer:
    return Answer(status, encode(value) + b"\n")


def _account(fields: dict[str, Any]) -> dict[str, Any]:
    """Take a whole payload as it is, and make one of a few keys such as id and name."""
    if "connection_params" in fields:
        return fields
    account_id = fields.pop("id", None)
    if account_id is not None and not isinstance(account_id, str):
        raise BadInputError("id must be a string.")
    payload = linkedin_account(account_id, name=fields.get("name", "Robin Sample"))
    change(payload, _changes(fields))
    return payload


def _changes(fields: dict[str, Any]) -> dict[str, Any]:
    omit = fields.get("omit", [])
    if not isinstance(omit, list) or not all(isinstance(key, str) for key in omit):
        raise BadInputError("omit must be a list of keys.")
    if not isinstance(fields.get("status", ""), str):
        raise BadInputError("status must be a string, such as OK or CREDENTIALS.")
    return fields


def _inject(sandbox: Sandbox, fields: dict[str, Any]) -> None:
    where = {name: fields.pop(name) for name in WHERE if name in fields}
    for name in ("account_id", "operation"):
        if not isinstance(where.get(name), str | None):
            raise BadInputError(f"{name} must be a string.")
    if any(type(where.get(name)) not in (int, type(None)) for name in ("page", "times")):
        raise BadInputError("page and times must be integers.")
    if not isinstance(where.get("reused", False), bool):
        raise BadInputError("reused must be true or false.")
    sandbox.inject(Fault.from_json(fields), **where)
