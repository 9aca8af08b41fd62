"""The race in tables, in Markdown."""

from collections.abc import Mapping, Sequence
from statistics import median

from tabulate import tabulate

from benchmarks.ingest.drain import Drained
from benchmarks.ingest.freshness import Fresh, fair

Runs = Sequence[Mapping[str, Drained]]
OURS, PEER, SHIPPED = "carbonwatch", "telegraf", "telegraf as shipped"
_HEAD = ["to a message", "", "readings per CPU-second", "with its start", "readings/s", "peak memory MiB",
         "values lost", "values too many"]  # fmt: skip


def text(runs: Mapping[int, Runs], shipped: Mapping[int, Drained], fresh: Sequence[Fresh], rate: float) -> str:
    """runs: readings a message → its runs; shipped: the one of Telegraf's own settings; fresh: ours first."""
    rows, facts = [], []
    for per_message, some in runs.items():
        rows += [[str(per_message), name, *_row([run[name] for run in some])] for name in (OURS, PEER)]
        if per_message in shipped:
            rows.append([str(per_message), SHIPPED, *_row([shipped[per_message]])])
        each = [run[OURS].per_cpu / run[PEER].per_cpu for run in some]
        facts.append([
            f"{per_message} to a message: readings per CPU-second, carbonwatch ÷ telegraf",
            f"{ratio(some):.2f} ({min(each):.2f} to {max(each):.2f})",
        ])  # fmt: skip
    for per_message, some in runs.items():
        starts = [
            f"{name} {median(run[name].start.cpu for run in some):.2f} s, "
            f"{median(run[name].start.peak for run in some):.0f} MiB"
            for name in (OURS, PEER)
        ]
        facts.append([f"{per_message} to a message: a start's CPU, and memory at most", "; ".join(starts)])
    return "\n\n".join([_table(rows, _HEAD), _table(facts, ["", "medians"]), _freshness(fresh, rate)])


def ratio(runs: Runs) -> float:
    """How many times Telegraf's readings per CPU-second ours are, by the medians."""
    return median(run[OURS].per_cpu for run in runs) / median(run[PEER].per_cpu for run in runs)


def _row(some: Sequence[Drained]) -> list[str]:
    """Medians, and the sum of what went wrong."""
    return [
        f"{median(one.per_cpu for one in some):.0f}", f"{median(one.per_cpu_whole for one in some):.0f}",
        f"{median(one.per_second for one in some):.0f}", f"{median(one.peak for one in some):.0f}",
        str(sum(one.lost for one in some)), str(sum(one.more for one in some)),
    ]  # fmt: skip


def _freshness(fresh: Sequence[Fresh], rate: float) -> str:
    counting = fair(list(fresh))
    rows = [
        [one.name, f"{one.p50:.0f}", f"{one.p99:.0f}", f"{100 * one.cpu:.1f}", str(one.messages), str(one.lost),
         "" if one is fresh[0] else "yes" if one in counting else "no"]
        for one in fresh
    ]  # fmt: skip
    head = [f"at {rate:.0f} messages a second", "p50 ms", "p99 ms", "CPU %", "messages", "never seen",
            "no more CPU than ours"]  # fmt: skip
    return _table(rows, head)


def _table(rows: Sequence[Sequence[str]], head: Sequence[str]) -> str:
    return tabulate(rows, head, tablefmt="github", disable_numparse=True)
