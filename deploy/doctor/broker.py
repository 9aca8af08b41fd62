"""What can be seen of a broker from outside: its version, its limits by behaviour, and whom it lets in."""

import secrets
from collections.abc import Iterator
from dataclasses import replace

from deploy.doctor.finding import Finding, fail, ok, warn
from deploy.doctor.probe import Probe, opened
from energy.broker.address import Address

BATCH = 100  # messages that ingest acknowledges together
_IN_FLIGHT = 300  # two batches and the next
_QUEUED = 1500  # above Mosquitto's default of 1,000
_SYS = ("version", "clients/connected", "store/messages/count", "publish/messages/dropped", "uptime")
_WHO = "give user and password by CARBONWATCH_MQTT_USER and CARBONWATCH_MQTT_PASSWORD"
_CLOSE = "allow_anonymous false, and `carbonwatch gateway` for passwords and topics"
_BOUNDED = "Mosquitto: max_queued_messages 0, as in deploy/mosquitto/mosquitto.conf"


def look(address: Address, *, embedded: bool) -> Iterator[Finding]:
    """Every check of the broker; after the first that fails to reach it there is no other."""
    try:
        with opened(address) as probe:
            if probe.refused:
                yield fail("broker", f"{address} refuses us: {probe.refused}", _WHO)
                return
            yield _version(address, probe, embedded=embedded)
        yield _in_flight(address)
        yield _queue(address)
        yield _anonymous(address, embedded=embedded)
    except OSError as error:
        yield fail("broker", f"{address} does not answer: {error}", "start it, or give its address by --mqtt")


def _version(address: Address, probe: Probe, *, embedded: bool) -> Finding:
    probe.subscribe("$SYS/broker/#")
    probe.settle(200)
    prefix = "$SYS/broker/"
    said = {topic.removeprefix(prefix): payload.decode("utf-8", "replace") for topic, payload in probe.got}
    figures = {name: said[name] for name in _SYS if name in said}
    tls = "with TLS" if address.tls else "without TLS"
    if embedded:
        return warn(
            "broker", f"{address} is the embedded demonstration broker: it keeps nothing when it ends",
            "use a broker of your own for gateways, see docs/mosquitto.md", **figures,
        )  # fmt: skip
    if "version" not in said:
        return warn("broker", f"{address} answers {tls}, and says no version in $SYS", "let our user read $SYS/#")
    return ok("broker", f"{address} answers {tls}: {said['version']}", **figures)


def _in_flight(address: Address) -> Finding:
    """Publish more than any limit should be to a client that acknowledges nothing, and count what it gets."""
    topic = _topic()
    with opened(address, acks=False) as deaf, opened(address) as giver:
        deaf.subscribe(topic)
        if not giver.publish(topic, [b"%d" % number for number in range(_IN_FLIGHT)]):
            return warn("in flight", f"no answer to publications on {topic}", "let our user write carbonwatch/doctor/#")
        got = deaf.settle(_IN_FLIGHT)
    if got == 0:
        return warn("in flight", f"nothing comes back on {topic}", "let our user read and write carbonwatch/doctor/#")
    if got < BATCH:
        return fail(
            "in flight", f"the broker sends {got} messages and waits: ingest takes batches of {BATCH}",
            "Mosquitto: max_inflight_messages 2000", in_flight=got,
        )  # fmt: skip
    if got < _IN_FLIGHT:
        return warn("in flight", f"the broker sends {got} messages before it waits", "max_inflight_messages 2000",
                    in_flight=got)  # fmt: skip
    return ok("in flight", f"at least {got} messages before the broker waits for an acknowledgement", in_flight=got)


def _queue(address: Address) -> Finding:
    """Publish a bounded number to a session whose client is away, and count what was kept for it."""
    topic, name = _topic(), f"doctor-{secrets.token_hex(8)}"
    with opened(address, client_id=name, clean=False) as away:
        away.subscribe(topic)
    try:
        with opened(address) as giver:
            if not giver.publish(topic, [b"%d" % number for number in range(_QUEUED)]):
                return warn("queue", f"no answer to publications on {topic}", "let our user write carbonwatch/doctor/#")
        with opened(address, client_id=name, clean=False) as back:
            got = back.settle(_QUEUED)
    finally:
        with opened(address, client_id=name):
            pass  # a clean start ends the session
    if got < _QUEUED:
        said = f"of {_QUEUED:,} messages for a client that is away {got:,} are kept, the rest is dropped in silence"
        return fail("queue", said, _BOUNDED, kept=got, of=_QUEUED)
    return ok("queue", f"all of {got:,} messages for a client that is away are kept", kept=got, of=_QUEUED)


def _anonymous(address: Address, *, embedded: bool) -> Finding:
    """Publish without a name, under a name that nobody has; a receipt, which ingest does not take for data."""
    topic = f"ecm/v1/doctor-{secrets.token_hex(6)}/probe/receipt"
    with opened(address) as ear:
        ear.subscribe(topic)
        try:
            with opened(replace(address, user=None, password=None)) as nobody:
                let_in = not nobody.refused
                if let_in:
                    nobody.publish(topic, [b"{}"])
                    ear.settle(1)
        except OSError:
            let_in = False
    if ear.got and embedded:
        return warn("anonymous", "anybody on this machine may publish under any name", "for demonstration only")
    if ear.got:
        return fail(
            "anonymous",
            "anybody may publish under any gateway's name",
            _CLOSE,
        )
    if let_in:
        return warn("anonymous", "somebody without a name is let in, but not heard", "allow_anonymous false")
    return ok("anonymous", "nobody is let in without a name")


def _topic() -> str:
    return f"carbonwatch/doctor/{secrets.token_hex(8)}"
