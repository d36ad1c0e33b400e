"""The sandbox's own routes, for people with curl.

They ask for no key and can change everything, which is why the sandbox listens on loopback only
unless it is told otherwise.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from unipile_sandbox.accounts import UnknownAccountError
from unipile_sandbox.answers import Answer, RefusedError, encode, error
from unipile_sandbox.faults import Fault
from unipile_sandbox.life import Life
from unipile_sandbox.payloads import change, linkedin_account
from unipile_sandbox.server import Request
from unipile_sandbox.shapes import read_object

PREFIX = "/sandbox"
# What narrows a fault.
WHERE = {"account_id": str, "operation": str, "page": int, "times": int, "reused": bool}
ROUTES = (
    "GET /sandbox, POST /sandbox/accounts, PATCH or DELETE /sandbox/accounts/{id}, "
    "POST /sandbox/accounts/{id}/log-out or /delete, GET or PATCH /sandbox/accounts/{id}/plan, "
    "GET /sandbox/deliveries, POST or DELETE /sandbox/faults, POST /sandbox/restart or /reset"
)


def is_control(target: str) -> bool:
    return target.startswith(PREFIX) and target.partition("?")[0].split("/")[1] == "sandbox"


def answer(life: Life, request: Request) -> Answer:
    path = request.path.partition("?")[0].removeprefix(PREFIX)
    parts = [unquote(part) for part in path.split("/") if part]
    try:
        shown = _route(life, request.method, parts, request.body)
    except RefusedError as exc:
        return Answer(exc.status, exc.body)
    except UnknownAccountError as exc:
        return error(404, str(exc))
    except ValueError as exc:
        return error(400, str(exc))
    except RecursionError:
        return error(400, "The body is nested too deeply.")
    if shown is None:
        return error(404, f"There is no such route; there are: {ROUTES}.")
    return Answer(200, encode(shown) + b"\n")


def _route(life: Life, method: str, parts: list[str], body: bytes) -> object | None:
    """Do what is asked and return what to show, or None where there is no such route."""
    match method, parts:
        case "GET", []:
            pass
        case _, ["accounts", *rest]:
            return _accounts(life, method, rest, body)
        case "GET", ["deliveries"]:
            return [delivery.summary() for delivery in life.deliveries]
        case "POST", ["faults"]:
            _inject(life, read_object(body))
        case "DELETE", ["faults"]:
            life.clear_faults()
        case "POST", ["restart"]:
            life.restart()
        case "POST", ["reset"]:
            life.reset()
        case _:
            return None
    return life.state()


def _accounts(life: Life, method: str, rest: list[str], body: bytes) -> object | None:
    shown: object | None = None
    match method, rest:
        case "POST", []:
            shown = life.get(life.add(_account(read_object(body))))
        case "PATCH", [account_id]:
            shown = life.update(account_id, **_changes(read_object(body)))
        case "DELETE", [account_id]:
            life.remove(account_id)
            shown = life.state()
        case "POST", [account_id, "log-out"]:
            life.log_out(account_id)
            shown = life.get(account_id)
        case "POST", [account_id, "delete"]:
            life.delete(account_id)
            shown = life.state()
        case "GET", [account_id, "plan"]:
            shown = life.profile(account_id)
        case "PATCH", [account_id, "plan"]:
            shown = life.set_plan(account_id, **read_object(body))
    return shown


def _account(fields: dict[str, Any]) -> dict[str, Any]:
    """Take a whole payload as it is, and make one of a few keys such as id and name."""
    if "connection_params" in fields:
        return fields
    account_id = fields.pop("id", None)
    if account_id is not None and not isinstance(account_id, str):
        raise ValueError("id must be a string.")
    payload = linkedin_account(account_id, name=fields.get("name", "Robin Sample"))
    change(payload, _changes(fields))
    return payload


def _changes(fields: dict[str, Any]) -> dict[str, Any]:
    omit = fields.get("omit", [])
    if not isinstance(omit, list) or not all(isinstance(key, str) for key in omit):
        raise ValueError("omit must be a list of keys.")
    if not isinstance(fields.get("status", ""), str):
        raise ValueError("status must be a string, such as OK or CREDENTIALS.")  # noqa: TRY004
    return fields


def _inject(life: Life, fields: dict[str, Any]) -> None:
    where = {name: fields.pop(name) for name in WHERE if name in fields}
    for name, value in where.items():
        if type(value) is not WHERE[name]:
            raise ValueError(f"{name} must be of type {WHERE[name].__name__}.")
    life.inject(Fault.from_json(fields), **where)
