"""Explain how to break Unipile and play the life of an account, for --help."""

from __future__ import annotations

GUIDE = """\
How to break Unipile, with a curl a step ($S is the address that is printed at the start,
$A an account of `curl $S/sandbox`):

  1. An error, for as long as you like. Any status and type; account_id, operation, times narrow it:
       curl $S/sandbox/faults -d '{"status": 503}'
       curl $S/sandbox/faults -d '{"status": 401, "error_type": "errors/multiple_sessions", \
"account_id": "'$A'"}'
  2. Slowness, and connections that break or fall silent:
       curl $S/sandbox/faults -d '{"delay": 20, "operation": "profile", "times": 1}'
       curl $S/sandbox/faults -d '{"silent": true, "reused": true}'
  3. A lost login, with its event to the registered webhooks:
       curl -X POST $S/sandbox/accounts/$A/log-out
  4. A plan that LinkedIn shows and Unipile's copy does not:
       curl -X PATCH $S/sandbox/accounts/$A/plan -d '{"premium": true, "sales_navigator": true}'
  5. Unipile's daily restart, with a storm of events:
       curl -X POST $S/sandbox/restart

  All well again: curl -X DELETE $S/sandbox/faults, or curl -X POST $S/sandbox/reset.

A fault may have: status, error_type, body, headers, delay, drip_headers, drip_body (seconds),
close, reset, silent, cut (bytes), framing (length, chunked, close), padding (bytes), gzip,
arrays (bytes of [[],[],...]), early_hints (how many 103 come first). What narrows it: account_id,
page, times, reused (not the first request of its connection), and operation (account, list,
delete, profile, link, webhooks, search, parameters). An error status keeps the request from having
its effect; the others spoil the answer only.

The life of an account: open the url of POST /api/v1/hosted/accounts/link in a browser, or
  curl $URL/log-in -d person=new -d name='Ada Sample'        (or $URL/fail, $URL/close)
Events and notices with each attempt: curl $S/sandbox/deliveries
"""
