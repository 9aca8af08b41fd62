"""The file of a recording: lines of JSON, one for each message, in the order in which they came."""

import base64
import binascii
import gzip
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from energy.errors import InputError, OutsideError, SetupError
from energy.window import to_text
from simulators.message import Message

FORMAT, VERSION = "carbonwatch recording", 1
_GZIP = b"\x1f\x8b"
_encode = msgspec.json.encode


class Header(msgspec.Struct, frozen=True):
    """A recording's first line; `started` is RFC 3339, `topics` are the filters that it was made with."""

    format: str
    version: int
    started: str
    topics: list[str]


class _Line(msgspec.Struct):
    """A message with its payload as text or in base64, or a time from `lost` to `at` that nothing was heard in."""

    at: int
    topic: str = ""
    qos: int = 1
    retain: bool = False
    text: str | None = None
    base64: str | None = None
    lost: int | None = None


_header = msgspec.json.Decoder(Header)
_line = msgspec.json.Decoder(_Line)


class RecordFile:
    """The writing side; what was flushed is readable whatever happens to the process."""

    def __init__(self, path: Path, topics: Sequence[str], started: int, *, force: bool = False) -> None:
        """A name that ends in .gz is compressed; started in ms UTC.

        SetupError where the file exists, unless `force`, or cannot be made.
        """
        try:
            self._raw: BinaryIO = path.open("wb" if force else "xb")
        except FileExistsError as error:
            raise SetupError(f"{path} exists already: --force overwrites it") from error
        except OSError as error:
            raise SetupError(f"{path} cannot be written: {error.strerror}") from error
        self._size = 0  # once it is closed
        packed = path.suffix == ".gz"
        self._file: Any = gzip.GzipFile(fileobj=self._raw, mode="wb", compresslevel=6) if packed else self._raw
        self._put({"format": FORMAT, "version": VERSION, "started": to_text(started), "topics": list(topics)})
        self.flush()

    @property
    def size(self) -> int:
        """Bytes written into the file so far."""
        return self._size if self._raw.closed else self._raw.tell()

    def write(self, messages: Sequence[Message]) -> None:
        """Append messages; OutsideError when the disk does not take them."""
        with _disk():
            for message in messages:
                self._put(_shown(message))

    def lost(self, since: int, until: int) -> None:
        """Append that nothing was heard between two times (ms UTC)."""
        with _disk():
            self._put({"at": until, "lost": since})

    def flush(self) -> None:
        """Hand all to the operating system; OutsideError when the disk does not take it."""
        with _disk():
            self._file.flush()
            self._raw.flush()

    def close(self) -> None:
        """End the file, and wait until the disk has it."""
        with _disk():
            if self._file is not self._raw:
                self._file.close()
            self._raw.flush()
            os.fsync(self._raw.fileno())
            self._size = self._raw.tell()
            self._raw.close()

    def _put(self, line: dict[str, object]) -> None:
        self._file.write(_encode(line) + b"\n")


def read_header(path: Path) -> Header:
    """A recording's header; InputError where the file is none, or of a version that is not known."""
    for line in _lines(path, lambda _: None):
        try:
            header = _header.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            break
        if header.format != FORMAT:
            break
        if header.version != VERSION:
            raise InputError("bad_file", f"recording of version {header.version}; known is {VERSION}")
        return header
    raise InputError("bad_file", f'{path.name} is no recording: it does not begin with {{"format":"{FORMAT}", …}}')


def read_messages(path: Path, note: Callable[[str], None]) -> Iterator[Message]:
    """A recording's messages in order; InputError with the number of a bad line.

    note: told of a last line that is torn, which a killed recorder leaves and which is left out.
    """
    read_header(path)
    for number, line in enumerate(_lines(path, note), 1):
        if number == 1:
            continue
        if not line.endswith(b"\n"):
            note(f"line {number}, the last, is torn: left out")
            return
        try:
            found = _line.decode(line)
            if found.lost is not None:
                continue
            payload = base64.b64decode(found.base64 or "", validate=True) if found.text is None else found.text.encode()
        except (msgspec.DecodeError, binascii.Error, UnicodeError) as error:
            raise InputError("bad_row", f"line {number}: {error}") from error
        if not found.topic:
            raise InputError("bad_row", f"line {number}: no topic")
        yield Message(found.at, found.topic, payload, found.qos, found.retain)


def _shown(message: Message) -> dict[str, object]:
    line: dict[str, object] = {
        "at": message.at, "topic": message.topic, "qos": message.qos, "retain": message.retain,
    }  # fmt: skip
    try:
        line["text"] = message.payload.decode()
    except UnicodeDecodeError:
        line["base64"] = base64.b64encode(message.payload).decode()
    return line


def _lines(path: Path, note: Callable[[str], None]) -> Iterator[bytes]:
    """The lines with their ends; a compressed file may stop anywhere."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            with gzip.GzipFile(fileobj=raw) if packed else raw as file:
                yield from file
    except EOFError:
        note("the compressed file has no end: read as far as it goes")
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError("bad_file", f"{path.name} is damaged: {error}") from error
    except OSError as error:
        raise InputError("bad_file", f"{path.name} cannot be read: {error.strerror}") from error


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutsideError(f"the recording cannot be written: {error.strerror}") from error
