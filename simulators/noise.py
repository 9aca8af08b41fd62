"""Random numbers that depend only on a key and a place in time, so that any process finds the same ones again."""

import hashlib

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
DAY = 86_400_000  # ms


def key_of(seed: int, *names: str) -> int:
    """A 64-bit key for one purpose; the same names give the same key everywhere."""
    text = "/".join((str(seed), *names)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def uniform(key: int, index: Ints) -> Floats:
    """Uniform in [0, 1) for each place `index` [n] → [n]; splitmix64 of the place.

    >>> bool((uniform(1, np.array([5, 6])) == uniform(1, np.array([4, 5, 6]))[1:]).all())
    True
    """
    z = np.asarray(index, dtype=np.int64).astype(np.uint64) * np.uint64(_GOLDEN) + np.uint64(key & _MASK)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def bell(key: int, index: Ints) -> Floats:
    """Bell-shaped with mean 0 and standard deviation 1, never beyond ±3.47 [n] → [n]."""
    total = sum(uniform(key + _GOLDEN * k, index) for k in range(1, 5))
    return np.asarray((total - 2.0) * np.sqrt(3.0), dtype=np.float64)


def drift(key: int, times: Ints) -> Floats:
    """A slow wander around 0, standard deviation about 0.8, linear between one value a day; `times` in ms UTC."""
    day = times // DAY
    part = (times - day * DAY) / DAY
    return bell(key, day) * (1 - part) + bell(key, day + 1) * part
