"""The chain of an edge node's messages from a birth on: which number one has, which are missing, when it ends."""

from collections.abc import Mapping

from msgspec.structs import replace

from ingest.decode.memory import Birth, Edge

_SEQS = 256
_RANGES = 100


def begin(edge: Edge, bd_seq: int | None, seq: int, time: int, birth: Birth) -> Edge:
    """A birth of the node: a new chain, whose number 0 it is; the same birth once more changes nothing."""
    boot = f"{'birth' if bd_seq is None else f'bd{bd_seq}'}-{time}"
    if edge.alive and edge.boot == boot and edge.births.get("") == birth:
        return edge
    births = {"": birth}
    return Edge(
        edge.site, edge.gateway, boot=boot, bd_seq=bd_seq, alive=True, first=seq, born=time, time=time, births=births
    )


def end(edge: Edge, bd_seq: int | None) -> Edge:
    """A death of the node; one of another session, which comes late, changes nothing."""
    if bd_seq is not None and edge.bd_seq is not None and bd_seq != edge.bd_seq:
        return edge
    return replace(edge, alive=False, lacking=False)


def follow(edge: Edge, seq: int, time: int) -> tuple[Edge, int | None]:
    """Any other message → the edge node after it, and its number since the birth; None where it belongs to no chain.

    time: the payload's timestamp, 0 where it has none. Of 256 numbers the timestamps say whether one is late or ahead.
    """
    if not edge.alive:
        return replace(edge, lacking=True), None
    ahead = (seq - edge.first - edge.last) % _SEQS
    back = edge.last - (_SEQS - ahead) % _SEQS
    if ahead == 1:
        return replace(edge, last=edge.last + 1, time=max(time, edge.time)), edge.last + 1
    older, near = 0 < time < edge.time, time <= edge.time and ahead > _SEQS // 2
    if older or near or (ahead == 0 and time <= edge.time):
        if any(first <= back <= last for first, last in edge.missing):
            return replace(edge, missing=_without(edge.missing, back)), back
        if 0 < time < edge.born:
            return replace(edge, lacking=True), None
        if back >= 0 and (near or ahead == 0):
            return edge, back
    number = edge.last + (ahead or _SEQS)
    missing = (*edge.missing, (edge.last + 1, number - 1))
    if len(missing) > _RANGES:
        missing = ((missing[0][0], missing[1][1]), *missing[2:])
    return replace(edge, last=number, time=max(time, edge.time), missing=missing), number


def lack(edge: Edge) -> Edge:
    """It spoke of what no birth has named."""
    return replace(edge, lacking=True)


def with_birth(edge: Edge, device: str, birth: Birth | None) -> Edge:
    """A device is born, or has died (None)."""
    births: Mapping[str, Birth] = {name: known for name, known in edge.births.items() if name != device}
    return replace(edge, births=births if birth is None else {**births, device: birth})


def _without(missing: tuple[tuple[int, int], ...], number: int) -> tuple[tuple[int, int], ...]:
    out: list[tuple[int, int]] = []
    for first, last in missing:
        if first <= number <= last:
            out += [pair for pair in ((first, number - 1), (number + 1, last)) if pair[0] <= pair[1]]
        else:
            out.append((first, last))
    return tuple(out)
