"""A stand-in for Unipile's v1 API and its hosted page, over real HTTP.

For development, demos and tests: `python -m unipile_sandbox --help`, or in Python `Sandbox`.

Accounts     add load get update remove; linkedin_account() and samples() make payloads
Their life   log_in(url) log_out delete restart expire_links
LinkedIn     set_plan(account_id, premium=, sales_navigator=, recruiter=) profile member_id
Webhooks     add_webhook(url, secret=) send_event send_sync_success send_notice(url, id, name)
Deliveries   deliveries wait_for_deliveries(); delivery.first .copies .lateness .retry_delays;
             outbox.hold() .release() .retry_now() .send_again(delivery)
Faults       inject(Fault(...), account_id=, operation=, page=, times=, reused=) clear_faults;
             listing.endless .grow_by; latency; MuteListener
Search       search.people .classic_ceiling .sales_navigator_ceiling
What came    requests request_count on_answer; reset() goes back to the start
"""

from __future__ import annotations

from unipile_sandbox.accounts import UnknownAccountError
from unipile_sandbox.deliveries import Attempt, Delivery
from unipile_sandbox.faults import Fault
from unipile_sandbox.hosted import LinkError
from unipile_sandbox.mute import MuteListener
from unipile_sandbox.payloads import Payload, linkedin_account, sample_plans, samples
from unipile_sandbox.sandbox import Sandbox
from unipile_sandbox.server import Request

__all__ = [
    "Attempt",
    "Delivery",
    "Fault",
    "LinkError",
    "MuteListener",
    "Payload",
    "Request",
    "Sandbox",
    "UnknownAccountError",
    "linkedin_account",
    "sample_plans",
    "samples",
]
