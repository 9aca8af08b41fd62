"""The data directory: room, sizes, and who may read what is secret in it."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from deploy.doctor.finding import Finding, fail, ok, warn
from energy.journal import JournalReader, workers
from energy.settings import Settings

_FEW_INODES = 10_000
_LARGE_WAL = 256 * 1024 * 1024
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def look(settings: Settings) -> Iterator[Finding]:
    """Every check of the data directory."""
    if not settings.data.is_dir():
        yield fail(
            "data", f"there is no data directory {settings.data}", "`carbonwatch up` makes it, or name it by --data"
        )
        return
    yield _disk(settings.data, settings.disk_free_bytes)
    yield _inodes(settings.data)
    yield _journal(settings)
    yield _wal(settings)
    yield _modes(settings)
    yield warn(
        "witness", "nothing outside this disk knows what the journal was: a change of its rows and hashes together "
        "cannot be seen", "copy the journal to another machine, each day's file once its day is over",
    )  # fmt: skip


def _disk(data: Path, least: int) -> Finding:
    usage = shutil.disk_usage(data)
    figures = {"free_bytes": usage.free, "total_bytes": usage.total}
    said = f"{usage.free:,} of {usage.total:,} bytes are left"
    if usage.free < least:
        return fail("disk", f"{said}, the limit is {least:,}", "make room, or move the data directory", **figures)
    if usage.free < usage.total // 10:
        return warn("disk", f"{said}, less than a tenth", "make room soon", **figures)
    return ok("disk", said, **figures)


def _inodes(data: Path) -> Finding:
    said = os.statvfs(data)
    if said.f_files and said.f_favail < _FEW_INODES:
        return fail("inodes", f"{said.f_favail:,} files can still be made", "remove files", free=said.f_favail)
    return ok("inodes", f"{said.f_favail:,} files can still be made", free=said.f_favail)


def _journal(settings: Settings) -> Finding:
    readers = {worker: JournalReader(settings.journal, worker) for worker in workers(settings.journal)}
    days = sorted({day for reader in readers.values() for day in reader.days()})
    size = sum(reader.size() for reader in readers.values())
    if not days:
        return warn("journal", f"there is none in {settings.journal} yet", "start ingest")
    said = f"{size:,} bytes of {len(days)} days since {days[0]}, by {', '.join(readers)}"
    return ok("journal", said, bytes=size, days=len(days), first=days[0])


def _wal(settings: Settings) -> Finding:
    sizes = {path.name: path.stat().st_size for folder in (settings.data, settings.journal)
             for path in folder.glob("*.db-wal")}  # fmt: skip
    largest = max(sizes, key=lambda name: sizes[name], default="")
    if largest and sizes[largest] > _LARGE_WAL:
        return warn("wal", f"{largest} has {sizes[largest]:,} bytes: something has read it for long",
                    "end long readers of the database, such as an open shell", **sizes)  # fmt: skip
    return ok("wal", f"{sum(sizes.values()):,} bytes in {len(sizes)} files", **sizes)


def _modes(settings: Settings) -> Finding:
    """The directory, and every secret that the settings name."""
    secret = [settings.data, settings.key_file, settings.mqtt_key]
    wrong = [str(path) for path in secret if path is not None and path.exists() and path.stat().st_mode & _OTHERS]
    if wrong:
        return fail("file modes", f"others may read or write {', '.join(wrong)}",
                    "chmod 700 for the directory, 600 for files")  # fmt: skip
    return ok("file modes", "data and keys are open to their owner only")
