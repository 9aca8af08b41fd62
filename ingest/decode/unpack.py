"""Unpacks a compressed payload, never to more than a limit."""

import zlib

from energy.errors import InputError

_EITHER = 47  # gzip or zlib, as its beginning says


def unpack(body: bytes, limit: int) -> bytes:
    """GZIP or DEFLATE → what is in it, at most `limit` bytes; InputError for any other."""
    unzip = zlib.decompressobj(wbits=_EITHER)
    try:
        text = unzip.decompress(body, limit)
    except zlib.error as error:
        raise InputError("bad_gzip", str(error)) from error
    if unzip.unconsumed_tail:
        raise InputError("too_large", f"unpacks to more than {limit} bytes")
    if not unzip.eof:
        raise InputError("bad_gzip", "ends too early")
    if unzip.unused_data:
        raise InputError("bad_gzip", "goes on after its end")
    return text
