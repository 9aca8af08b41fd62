"""The client's live stream: server-sent events that go on where they were cut."""

import json
import time
from collections.abc import Iterator

from energy.client.answers import Event
from energy.client.calls import Calls
from energy.errors import OutsideError

_SILENCE_S = 30.0  # the API says at least that it is alive every few seconds
_WAITS_S = (0.5, 1.0, 2.0, 5.0, 10.0)


class Live(Calls):
    """What happens, as it happens."""

    def stream(self, after: str | None = None) -> Iterator[Event]:
        """Events as they come, without end: readings, alert, health; `after` is the `id` of the last one known.

        A connection that is cut is made again from the last event on; OutsideError when that fails some times in a row.
        """
        failed = 0
        while True:
            try:
                for event in self._events(after):
                    failed, after = 0, event.id or after
                    yield event
            except OutsideError:
                if failed == len(_WAITS_S):
                    raise
            if failed < len(_WAITS_S):
                time.sleep(_WAITS_S[failed])
            failed = min(failed + 1, len(_WAITS_S))

    def _events(self, after: str | None) -> Iterator[Event]:
        """The events of one connection, until it ends."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": after} if after else {})
        with self._opened("/stream", {}, headers, _SILENCE_S) as answer:
            yield from parse(answer.iter_lines())


def parse(lines: Iterator[str]) -> Iterator[Event]:
    """Lines of a text/event-stream → events; comments and what is cut off at the end are left out.

    >>> [event] = parse(iter(["id: 7", "event: health", 'data: {"status":', 'data: "ok"}', "", "event: cut off"]))
    >>> event
    Event(name='health', data={'status': 'ok'}, id='7')
    """
    fields: dict[str, list[str]] = {}
    ident: str | None = None
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
            continue
        if "id" in fields:
            ident = fields["id"][-1]
        if "data" in fields:
            try:
                data = json.loads("\n".join(fields["data"]))
            except ValueError as error:
                raise OutsideError("the stream sends what is no JSON") from error
            yield Event(fields.get("event", ["message"])[-1], data, ident)
        fields = {}
