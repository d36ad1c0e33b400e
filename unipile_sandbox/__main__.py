"""Run the sandbox by `.venv/bin/python -m unipile_sandbox`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading

from unipile_sandbox import Sandbox, sample_plans, samples
from unipile_sandbox.guide import GUIDE

# Seconds before each further attempt to deliver a message.
RETRY_DELAYS = (1, 2, 4, 8, 16)


def main() -> None:
    options = _options()
    if options.verbose:
        logging.basicConfig(level=logging.DEBUG, format="%(message)s")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    sandbox = Sandbox(
        samples(),
        plans=sample_plans(),
        api_key=options.key,
        host=options.host,
        port=options.port,
        retry_delays=RETRY_DELAYS,
    )
    try:
        sandbox.start()
    except OSError as exc:
        sys.exit(f"Cannot listen on {options.host}:{options.port}: {exc.strerror}")
    sys.stdout.write(_greeting(sandbox))
    sys.stdout.flush()
    ended.wait()
    sandbox.stop()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=".venv/bin/python -m unipile_sandbox",
        description="A stand-in for Unipile and LinkedIn, with invented accounts and people.",
        epilog=GUIDE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (%(default)s); /sandbox asks for no key, so keep to loopback",
    )
    parser.add_argument("--port", type=_port, default=8080, help="0 takes a free one (%(default)s)")
    parser.add_argument(
        "--key",
        default=os.environ.get("UNIPILE_SANDBOX_KEY") or "sandbox-key",
        help="what X-API-KEY must be; else UNIPILE_SANDBOX_KEY, else sandbox-key",
    )
    parser.add_argument("--verbose", action="store_true", help="log each request to stderr")
    return parser.parse_args()


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError(text)
    return port


def _greeting(sandbox: Sandbox) -> str:
    account = f"{sandbox.url}/sandbox/accounts/{samples()[0]['id']}"
    upgrade = f"""curl -X PATCH {account} -d '{{"premiumFeatures": ["premium"]}}'"""
    return f"Unipile sandbox on {sandbox.url} with key {sandbox.api_key}; to upgrade: {upgrade}\n"


if __name__ == "__main__":
    main()
