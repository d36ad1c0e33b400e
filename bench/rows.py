"""The rows that are measured: refreshed before, and vacuumed as autovacuum would."""

from __future__ import annotations

from script.postgres import Server

USERS = 100

_INSERT = """
INSERT INTO unipile_accounts (id, user_id, unipile_account_id, linkedin_id, name, profile_url,
    status, is_premium, has_sales_navigator, weekly_connection_limit, weekly_message_limit,
    refreshed_at, created_at, updated_at)
SELECT gen_random_uuid(), users.id, 'bench' || lpad(n::text, 17, '0'),
    'ACoAAB00000000000bench' || lpad(n::text, 17, '0'), 'Robin Sample ' || n,
    'https://www.linkedin.com/in/robin-sample-' || n, 'connected', n %% 3 = 0, n %% 3 = 0,
    CASE n %% 3 WHEN 0 THEN 100 ELSE 80 END, CASE n %% 3 WHEN 0 THEN 150 ELSE 100 END,
    now(), now(), now()
FROM generate_series(0, %s - 1) AS n
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM auth_user) AS users
    ON users.place = n %% %s
ORDER BY n
"""
_USERS = """
INSERT INTO auth_user (username, password, is_active, is_staff, is_superuser, first_name, last_name,
    email, date_joined)
SELECT 'bench' || n, 'unusable', true, false, false, '', '', '', now()
FROM generate_series(1, %s) AS n ON CONFLICT DO NOTHING
"""
# What Unipile says, but for every account of which the number is divisible by `one in`.
_AGE = """
UPDATE unipile_accounts SET
    refreshed_at = now() - interval '1 day',
    is_premium = v.premium, has_sales_navigator = v.premium,
    weekly_connection_limit = CASE WHEN v.premium THEN 100 ELSE 80 END,
    weekly_message_limit = CASE WHEN v.premium THEN 150 ELSE 100 END
FROM (
    SELECT id AS key,
        (n %% 3 = 0) <> (%(one_in)s > 0 AND n %% greatest(%(one_in)s, 1) = 0) AS premium
    FROM (SELECT id, substr(unipile_account_id, 6)::int AS n FROM unipile_accounts) AS numbered
) AS v
WHERE id = v.key
"""


def fill(database: Server, accounts: int) -> None:
    with database.connect("puffle") as connection:
        connection.execute("TRUNCATE unipile_accounts CASCADE")
        connection.execute(_USERS, [USERS])
        connection.execute(_INSERT, [accounts, USERS])


def age(database: Server, *, changed_one_in: int) -> None:
    """Let a day go by in which one account in so many (0: none) has changed at Unipile."""
    with database.connect("puffle") as connection:
        connection.execute(_AGE, {"one_in": changed_one_in})
        connection.execute("VACUUM (ANALYZE) unipile_accounts")
        connection.execute("CHECKPOINT")
