"""A stand-in for Unipile's v1 accounts API, over real HTTP, for development, demos and tests."""

from __future__ import annotations

from unipile_sandbox.accounts import Payload, UnknownAccountError, linkedin_account, samples
from unipile_sandbox.faults import Fault
from unipile_sandbox.sandbox import Sandbox
from unipile_sandbox.server import Request

__all__ = [
    "Fault",
    "Payload",
    "Request",
    "Sandbox",
    "UnknownAccountError",
    "linkedin_account",
    "samples",
]
