from __future__ import annotations

import pytest

from tests.unipile_sandbox.receiver import Receiver
from unipile_sandbox import Attempt, Sandbox


@pytest.fixture(autouse=True)
def _quick(sandbox: Sandbox) -> None:
    sandbox.delivery.retry_delays = (0.01, 0.02, 0.03, 0.04, 0.05)


def notice(sandbox: Sandbox, receiver: Receiver, name: str) -> None:
    sandbox.send_notice(f"{receiver.url}/notice", "mara", name)


def test_delivery_ends_with_the_first_200(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.statuses.extend([503, 201, 204, 302])
    notice(sandbox, receiver, "st_1")
    [delivery] = sandbox.wait_for_deliveries()
    assert [attempt.status for attempt in delivery.attempts] == [503, 201, 204, 302, 200]
    assert (delivery.state, delivery.status) == ("delivered", 200)


def test_delivery_is_given_up_after_five_retries(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.statuses.extend([500] * 99)
    notice(sandbox, receiver, "st_1")
    [delivery] = sandbox.wait_for_deliveries()
    assert delivery.state == "given up"
    assert delivery.attempts == [Attempt(500)] * 6


def test_answer_that_takes_too_long_is_none(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.delivery.timeout = 0.05
    sandbox.delivery.retry_delays = ()
    receiver.let_go.clear()
    notice(sandbox, receiver, "st_1")
    [delivery] = sandbox.wait_for_deliveries()
    assert (delivery.state, delivery.status) == ("given up", None)
    assert delivery.attempts[0].error.startswith("TimeoutError")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://127.0.0.1:x/", "http://[/", "x"])
def test_address_where_nobody_is_counts_as_an_attempt(sandbox: Sandbox, url: str) -> None:
    sandbox.delivery.retry_delays = ()
    sandbox.send_notice(url, "mara", "st_1")
    [delivery] = sandbox.wait_for_deliveries()
    assert (delivery.state, delivery.status) == ("given up", None)


def test_retries_wait_and_can_be_brought_forward(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.delivery.retry_delays = (3600,)
    receiver.statuses.append(503)
    notice(sandbox, receiver, "st_1")
    [delivery] = sandbox.wait_for_deliveries(attempts=1)
    assert (delivery.state, delivery.status) == ("waiting", 503)
    with pytest.raises(TimeoutError, match="CREATION_SUCCESS"):
        sandbox.wait_for_deliveries(timeout=0.01)
    sandbox.outbox.retry_now()
    sandbox.wait_for_deliveries()
    assert [attempt.status for attempt in delivery.attempts] == [503, 200]


def test_first_attempts_about_an_account_keep_their_order(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.statuses.append(503)
    for number in range(20):
        notice(sandbox, receiver, f"st_{number}")
    sandbox.wait_for_deliveries()
    names = list(dict.fromkeys(heard.json["name"] for heard in receiver.heard))
    assert names == [f"st_{number}" for number in range(20)]
    assert len(receiver.heard) == 21


def test_messages_together_do_not_wait_for_each_other(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.delivery.first = "together"
    receiver.let_go.clear()
    for number in range(3):
        notice(sandbox, receiver, f"st_{number}")
    receiver.wait_for(3)
    receiver.let_go.set()
    sandbox.wait_for_deliveries()


def test_held_messages_go_out_when_released(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.outbox.hold("notice")
    notice(sandbox, receiver, "st_1")
    sandbox.outbox.add("event", "mara", receiver.url, {"AccountStatus": {"message": "OK"}}, {})
    assert [delivery.state for delivery in sandbox.wait_for_deliveries()] == ["held", "delivered"]
    assert receiver.messages == ["OK"]
    sandbox.outbox.release()
    notice(sandbox, receiver, "st_2")
    sandbox.wait_for_deliveries()
    assert receiver.messages == ["OK", "CREATION_SUCCESS of st_1", "CREATION_SUCCESS of st_2"]


def test_message_can_be_sent_twice(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.delivery.copies = 2
    notice(sandbox, receiver, "st_1")
    [delivery, _] = sandbox.wait_for_deliveries()
    sandbox.delivery.copies = 1
    sandbox.outbox.send_again(delivery)
    assert len(sandbox.wait_for_deliveries()) == 3
    assert len({heard.body for heard in receiver.heard}) == 1
    assert len(receiver.heard) == 3


def test_message_of_a_kind_can_be_late(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.delivery.lateness = {"notice": 3600, "event": 0}
    notice(sandbox, receiver, "st_1")
    sandbox.outbox.add("event", "mara", receiver.url, {"AccountStatus": {"message": "OK"}}, {})
    receiver.wait_for(1)
    assert receiver.messages == ["OK"]
    sandbox.outbox.retry_now()
    sandbox.wait_for_deliveries()
    assert len(receiver.heard) == 2


def test_reset_drops_what_is_open_and_restores_the_settings(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.delivery.retry_delays = (3600,)
    sandbox.outbox.hold("event")
    receiver.statuses.append(503)
    notice(sandbox, receiver, "st_1")
    [delivery] = sandbox.wait_for_deliveries(attempts=1)
    sandbox.reset()
    assert delivery.state == "dropped"
    assert sandbox.deliveries == []
    assert len(list(sandbox.delivery.retry_delays)) == 5
    sandbox.outbox.retry_now()
    sandbox.send_notice(receiver.url, "mara", "st_2")
    sandbox.wait_for_deliveries()
    assert receiver.messages == ["CREATION_SUCCESS of st_1", "CREATION_SUCCESS of st_2"]


def test_stopped_sandbox_sends_the_rest_after_its_next_start(receiver: Receiver) -> None:
    with Sandbox(retry_delays=(3600,)) as sandbox:
        receiver.statuses.append(503)
        notice(sandbox, receiver, "st_1")
        sandbox.wait_for_deliveries(attempts=1)
        sandbox.stop()
        sandbox.outbox.retry_now()
        sandbox.start()
        sandbox.wait_for_deliveries()
    assert len(receiver.heard) == 2
