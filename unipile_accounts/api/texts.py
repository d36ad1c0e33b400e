"""What the endpoints' documentation says at length."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

from unipile_accounts.limits import FREE, PREMIUM

_ACCOUNT_ID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"

REFRESH = """\
Cheap, idempotent, no OAuth round-trip. Fetches the account from Unipile and writes back `name`,
`profile_url`, `is_premium`, `has_sales_navigator`, `weekly_connection_limit` and
`weekly_message_limit`. `changed` is a per-field diff against the row as it was before, useful for
deciding whether to notify the user. Of several refreshes after one upgrade, exactly one reports it.

**Use it** when the user has just added Premium or Sales Navigator, or to pick up new weekly limits
before a campaign is launched. **Reconnect the account instead** on `reconnect_required`.

**Send `"live": true`** when a refresh said that nothing changed and the user insists that he has
upgraded. Unipile may still answer from the day of the login. A live refresh asks LinkedIn. Do it
once, before you send him through a new login. What LinkedIn says stays until Unipile's own answer
changes. With `account_unavailable` LinkedIn does not tell the plan now. If a live refresh does not
show the upgrade either, ask which LinkedIn account was upgraded, then reconnect.

**When no answer arrives,** repeat the request. Compare its flags and limits with those that you
knew, because the first request may have reported the change already.

Safe to call repeatedly, but don't poll, because account state changes are infrequent. After an
error the stored flags and limits are as they were.
"""
REFRESH_EXAMPLES = [
    OpenApiExample("Refresh one account", value={"accountId": _ACCOUNT_ID}, request_only=True),
    OpenApiExample(
        "Sales Navigator was added",
        value={
            "success": True,
            "is_premium": True,
            "has_sales_navigator": True,
            "weekly_connection_limit": 100,
            "weekly_message_limit": 150,
            "changed": {"is_premium": False, "has_sales_navigator": True},
        },
        response_only=True,
        status_codes=["200"],
    ),
]
LIVE = "Ask LinkedIn itself for the plan too. Slower, and allowed a few times an hour only."
REFRESHED = "Account refreshed. Response reflects the post-refresh state of the row."
SUCCESS = "Always true: an error has another status."
IS_PREMIUM = "True if the LinkedIn account has any premium feature or a premiumId."
HAS_SALES_NAVIGATOR = "True if the account has the sales_navigator premium feature."
CONNECTION_LIMIT = (
    "Weekly connection-request cap after refresh. Premium accounts get"
    f" {PREMIUM.weekly_connection_limit}, free get {FREE.weekly_connection_limit}."
)
MESSAGE_LIMIT = (
    "Weekly message cap after refresh. Premium accounts get"
    f" {PREMIUM.weekly_message_limit}, free get {FREE.weekly_message_limit}."
)
CHANGED = "Per-field diff versus the previously stored row. Both false means nothing changed."
LIST = """\
The caller's accounts that are `connected` or `credentials_required`, oldest first, with what their
plans allow. A pure read that asks nobody else, so call it as often as you like: before a campaign,
and every 10 to 20 seconds while you wait for a new or a reconnected account.

Use an account's `id` as `accountId` in all other operations. With `credentials_required` go on with
`reconnectUnipileAccount`. For newer limits use `refreshUnipileAccount`.

`?status=all` lists disconnected accounts too, so that the id of one can be found.
"""
DELETE = """\
Disconnects an account. It leaves the list, is not refreshed any more, and is deleted at Unipile.
The row stays, because campaigns and history hang on it. A second time it answers the same.

To undo it, use `reconnectUnipileAccount` with the same `accountId`.
"""
CONNECT = """\
Makes a link to Unipile's page, on which a person logs in to LinkedIn. Show it to the user, to be
opened in a browser; do not open it yourself. Then poll `listUnipileAccounts` every 10 to 20 seconds
until a new account is there, or one that was there is `connected` again or has another
`provider_account_id`. The same LinkedIn member always gets the same account. Stop after an hour,
when the link is dead. Calling it twice is harmless, because each link stands for itself.

**Use it** for an account that is not connected yet. For one that lost its login or was
disconnected, use `reconnectUnipileAccount`, which keeps its id and history. An upgrade of the plan
needs no new login. Use `refreshUnipileAccount` after it.
"""
RECONNECT = """\
Makes a link on which the owner of an account logs in to LinkedIn again. The account keeps its id,
its history and the campaigns that use it. Show the link to the user, then poll
`listUnipileAccounts` until the account is `connected` and its `refreshed_at` is later than your
request. When another account appears instead, the user has logged in as another LinkedIn member.

**Use it** when an account is `credentials_required`, after it was disconnected, on
`reconnect_required`, or when the plan still looks wrong after a refresh with `"live": true`.
"""
SEARCH = """\
Searches LinkedIn through one of the caller's accounts. The stored `has_sales_navigator` chooses the
API. All filters hold at once. Several words of one filter are alternatives. Choose an account
with `has_sales_navigator` for seniority, headcount, function or years. Directors are a `title` in
any search.

**Names and ids.** `currentCompany`, `pastCompany`, `location`, `industry`, `school` and `function`
take names or LinkedIn's ids. A name must equal exactly one title at LinkedIn, in any case. Else the
answer is 400 on that field, with up to five `candidates`. Send the `id` of the right one. Ids
differ by API. On `unknown_id` send the name instead.

**Classic** has no seniority, headcount, function and tenure. What it could not filter by is in
`ignored_filters`. Tell the user that the result is wider than asked. LinkedIn shows 1,000 people of
a classic search, and 2,500 of one with Sales Navigator.

**Paging.** Send the `cursor` of an answer with the same filters or with none, until it is null.
A cursor holds for its account and its search only.

An empty filter counts as absent. Nothing of the result is stored.
"""
SEARCH_EXAMPLE = OpenApiExample(
    "Directors in one town",
    value={
        "accountId": _ACCOUNT_ID,
        "title": "Director of Sales",
        "location": ["Exampletown, Sampleland"],
        "companyHeadcount": ["11-50", "51-200"],
        "limit": 25,
    },
    request_only=True,
)
