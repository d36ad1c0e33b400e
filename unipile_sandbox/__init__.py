"""A stand-in for Unipile's v1 API and its hosted page, over real HTTP.

For development, demos and tests. See `.venv/bin/python -m unipile_sandbox --help`, and `Sandbox`.

Accounts     add load get update remove accounts; linkedin_account() and samples() make payloads
Their life   log_in(url, member_id=, name=) log_out delete restart
LinkedIn     set_plan(account_id, premium=, sales_navigator=, recruiter=) profile member_id
Webhooks     add_webhook(url, secret=) webhooks
Deliveries   deliveries wait_for_deliveries(); delivery.first .copies .retry_delays;
             outbox.hold() .release() .retry_now()
Faults       inject(Fault(...), account_id=, operation=, page=, times=, reused=) clear_faults;
             listing.endless; latency
What came    requests request_count asked_to_delete on_answer; reset() goes back to the start
"""

from __future__ import annotations

from unipile_sandbox.accounts import UnknownAccountError
from unipile_sandbox.deliveries import Delivery
from unipile_sandbox.faults import Fault
from unipile_sandbox.hosted import LinkError
from unipile_sandbox.payloads import Payload, linkedin_account, sample_plans, samples
from unipile_sandbox.sandbox import Sandbox
from unipile_sandbox.server import Request

__all__ = [
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
