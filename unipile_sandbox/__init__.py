"""A stand-in for Unipile's v1 accounts API, over real HTTP, for development, demos and tests."""

from __future__ import annotations

from unipile_sandbox.accounts import UnknownAccountError
from unipile_sandbox.deliveries import Attempt, Delivery
from unipile_sandbox.faults import Fault
from unipile_sandbox.hosted import LinkError
from unipile_sandbox.payloads import Payload, linkedin_account, sample_plans, samples
from unipile_sandbox.sandbox import Sandbox
from unipile_sandbox.server import Request

__all__ = [
    "Attempt",
    "Delivery",
    "Fault",
    "LinkError",
    "Payload",
    "Request",
    "Sandbox",
    "UnknownAccountError",
    "linkedin_account",
    "sample_plans",
    "samples",
]
