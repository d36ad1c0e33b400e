"""Each fault of Unipile's, and what it leads to."""

from __future__ import annotations

from typing import Any, NamedTuple

from unipile_sandbox import Fault

MIB = 1024 * 1024
GONE = {"status": "disconnected"}
LOGGED_OUT = {"status": "credentials_required"}
HTML = b"<html>Bad gateway</html>"


class Case(NamedTuple):
    """A fault, the code that it leads to (None: refreshed), and what it proves of the account."""

    fault: Fault
    code: str | None
    proves: dict[str, str] = {}
    # Seconds that Unipile has; few where the fault is that it takes longer.
    timeout: float = 15


def _error(status: int, error_type: str | None = None, **fields: Any) -> Fault:
    return Fault(status=status, error_type=error_type, **fields)


CASES = {
    "400": Case(_error(400), "unipile_error"),
    "401 our key": Case(_error(401), "unipile_authentication"),
    "401 unknown": Case(_error(401, "errors/new"), "unipile_error"),
    "401 sessions": Case(_error(401, "errors/multiple_sessions"), "account_unavailable"),
    "401 expired": Case(
        _error(401, "errors/expired_credentials"), "reconnect_required", LOGGED_OUT
    ),
    "404 gone": Case(_error(404, "errors/resource_not_found"), "reconnect_required", GONE),
    "404 other": Case(_error(404, "errors/invalid_resource_identifier"), "unipile_error"),
    "404 html": Case(_error(404, body=HTML), "unipile_error"),
    "429": Case(_error(429), "unipile_rate_limited"),
    "500": Case(_error(500), "unipile_error"),
    "503": Case(_error(503), "unipile_unavailable"),
    "503 wait": Case(_error(503, headers={"Retry-After": "7"}), "unipile_unavailable"),
    "301": Case(_error(301, headers={"Location": "http://127.0.0.1:1/"}), "unipile_error"),
    "nothing": Case(Fault(body=b""), "unipile_error"),
    "html": Case(Fault(body=HTML), "unipile_error"),
    "long number": Case(Fault(body=b"9" * 10_000), "unipile_error"),
    "nested": Case(Fault(body=b"[" * 100_000), "unipile_error"),
    "not UTF-8": Case(Fault(body=b'{"object":"Account\xff"}'), "unipile_error"),
    "half, end of connection": Case(Fault(cut=40, framing="close"), "unipile_error"),
    "half, of length": Case(Fault(cut=40), "unipile_unavailable"),
    "half, of chunks": Case(Fault(cut=40, framing="chunked"), "unipile_unavailable"),
    "hung up": Case(Fault(close=True), "unipile_unavailable"),
    "reset": Case(Fault(reset=True), "unipile_unavailable"),
    "silent": Case(Fault(silent=True), "unipile_timeout", timeout=0.15),
    "arrays": Case(Fault(arrays=17 * MIB), "unipile_error"),
    "no gzip": Case(Fault(headers={"Content-Encoding": "gzip"}), "unipile_error"),
    "gzip bomb": Case(Fault(gzip=True, padding=17 * MIB), "unipile_error"),
    "endless": Case(Fault(padding=17 * MIB), "unipile_error"),
    "late": Case(Fault(delay=1), "unipile_timeout", timeout=0.15),
    "dripping head": Case(Fault(drip_headers=0.05), "unipile_timeout", timeout=0.15),
    "dripping body": Case(Fault(drip_body=0.05), "unipile_timeout", timeout=0.15),
    "dripping chunks": Case(
        Fault(drip_body=0.05, framing="chunked"), "unipile_timeout", timeout=0.15
    ),
    "early hints": Case(Fault(early_hints=2), "unipile_error"),
    # What is odd, but a whole answer.
    "chunks": Case(Fault(framing="chunked"), None),
    "gzip": Case(Fault(gzip=True), None),
    "blanks": Case(Fault(padding=MIB), None),
    "odd headers": Case(Fault(headers={"X": "\xff" * 100, "Set-Cookie": "a=b"}), None),
}
