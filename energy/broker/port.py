"""What a message broker's client promises."""

from collections.abc import Callable
from typing import NamedTuple, Protocol


class Delivery(NamedTuple):
    """A message as it came in; `token` belongs to the adapter and is what `ack` needs."""

    topic: str
    payload: bytes
    received_at: int  # ms UTC
    token: object


Handler = Callable[[Delivery], None]


def shared(group: str, topic: str) -> str:
    """The topic of which each member of `group` gets its share; ValueError for a name that no group can have.

    >>> shared("carbonwatch", "ecm/#")
    '$share/carbonwatch/ecm/#'
    """
    if not group or set(group) & set("/#+\0"):
        raise ValueError(f"{group!r} cannot be the name of a group of subscribers")
    return f"$share/{group}/{topic}"


class Broker(Protocol):
    """One client with a session of its own. It reconnects by itself, with back-off, until `stop`."""

    def start(self, topics: tuple[str, ...], handler: Handler | None, leave: tuple[str, ...] = ()) -> None:
        """Connect in the background and subscribe at QoS 1; `handler` runs on the client's thread, in arrival order.

        A message is not acknowledged until `ack`, and comes again after a reconnect when it was not. A topic may be
        `shared` with others: each message then goes to one of them. `leave`: subscriptions that the session may still
        have and that end.
        """

    def ack(self, deliveries: list[Delivery]) -> None:
        """Acknowledge in this order, on the connections that delivered; a dead connection's are left to come again."""

    def publish(self, topic: str, payload: bytes) -> bool:
        """Hand over at QoS 1 without waiting; False when the client's own queue is full (try again later).

        InputError("too_large") for what the broker has said not to take.
        """

    @property
    def connected(self) -> bool:
        """Whether the session is up now."""

    @property
    def trouble(self) -> str:
        """Why there is no connection, or what the broker refuses; "" when all is well."""

    def stop(self) -> None:
        """Disconnect; the broker keeps the session."""

    def cut(self) -> None:
        """End as a device does that loses power: without goodbye, so that the broker publishes the will."""
