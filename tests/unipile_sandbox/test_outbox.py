from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unipile_sandbox.receiver import Receiver
from unipile_sandbox import Attempt, Sandbox

Send = Callable[[str], None]


@pytest.fixture
def send(sandbox: Sandbox, receiver: Receiver) -> Send:
    """Send a notice with this name."""
    sandbox.delivery.retry_delays = (0.01, 0.02, 0.03, 0.04, 0.05)

    def add(name: str) -> None:
        payload = {"status": "CREATION_SUCCESS", "account_id": "mara", "name": name}
        sandbox.outbox.add("notice", "mara", receiver.url, payload, {})

    return add


def test_delivery_ends_with_the_first_200(sandbox: Sandbox, receiver: Receiver, send: Send) -> None:
    receiver.statuses.extend([503, 201, 302])
    send("st_1")
    [delivery] = sandbox.wait_for_deliveries()
    assert [attempt.status for attempt in delivery.attempts] == [503, 201, 302, 200]
    assert delivery.state == "delivered"


def test_delivery_is_given_up_after_five_retries(
    sandbox: Sandbox, receiver: Receiver, send: Send
) -> None:
    receiver.statuses.extend([500] * 99)
    send("st_1")
    [delivery] = sandbox.wait_for_deliveries()
    assert (delivery.state, delivery.attempts) == ("given up", [Attempt(500)] * 6)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://[/"])
def test_address_where_nobody_is_counts_as_attempt(sandbox: Sandbox, url: str) -> None:
    sandbox.delivery.retry_delays = ()
    sandbox.outbox.add("notice", "mara", url, {"status": "CREATION_SUCCESS"}, {})
    [delivery] = sandbox.wait_for_deliveries()
    assert (delivery.state, delivery.attempts[0].status) == ("given up", None)


def test_retries_wait_and_can_be_brought_forward(
    sandbox: Sandbox, receiver: Receiver, send: Send
) -> None:
    sandbox.delivery.retry_delays = (3600,)
    receiver.statuses.append(503)
    send("st_1")
    send("st_2")
    first, second = sandbox.wait_for_deliveries(attempts=1)
    assert (first.state, second.state) == ("waiting", "delivered")
    with pytest.raises(TimeoutError, match="CREATION_SUCCESS"):
        sandbox.wait_for_deliveries(timeout=0.01)
    sandbox.outbox.retry_now()
    sandbox.wait_for_deliveries()
    assert [attempt.status for attempt in first.attempts] == [503, 200]


def test_held_messages_are_released_or_lost(
    sandbox: Sandbox, receiver: Receiver, send: Send
) -> None:
    sandbox.outbox.hold("notice")
    send("st_1")
    sandbox.outbox.add("event", "mara", receiver.url, {"AccountStatus": {"message": "OK"}}, {})
    assert [delivery.state for delivery in sandbox.wait_for_deliveries()] == ["held", "delivered"]
    sandbox.outbox.release("notice")
    sandbox.outbox.hold()
    send("st_2")
    sandbox.outbox.drop()
    send("st_3")
    states = [delivery.state for delivery in sandbox.wait_for_deliveries()]
    assert states == ["delivered", "delivered", "dropped", "delivered"]
    assert receiver.messages == ["OK", "CREATION_SUCCESS of st_1", "CREATION_SUCCESS of st_3"]


def test_reset_drops_what_is_open(sandbox: Sandbox, receiver: Receiver, send: Send) -> None:
    sandbox.delivery.retry_delays = (3600,)
    sandbox.outbox.hold("event")
    receiver.statuses.append(503)
    send("st_1")
    [delivery] = sandbox.wait_for_deliveries(attempts=1)
    sandbox.reset()
    assert (delivery.state, sandbox.deliveries) == ("dropped", [])
    assert len(list(sandbox.delivery.retry_delays)) == 5
    sandbox.delivery.copies = 2
    send("st_2")
    sandbox.wait_for_deliveries()
    assert receiver.messages == ["CREATION_SUCCESS of st_1", *["CREATION_SUCCESS of st_2"] * 2]
