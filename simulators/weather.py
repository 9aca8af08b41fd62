"""Weather by seed and time: temperatures and clouds as in eastern China, and the sun on a horizontal plane.

Invented: the year (mean 16.5 °C, 4 °C in January, 29 °C in July), the day, fronts of some days, humidity and clouds.
The wet bulb, the sun's height and its irradiance follow published formulas, named where they stand.
"""

from dataclasses import dataclass

import numpy as np

from simulators.noise import DAY, Floats, Ints, drift
from simulators.plant_clock import hour
from simulators.source import Gauge

_YEAR = 365.2425
_NEW_YEAR = 1_767_225_600_000  # ms UTC of a 1 January
_COLDEST = 20.0  # day of the year
_LATITUDE, _LONGITUDE = 31.2, 121.5  # degrees
_ZONE_MERIDIAN = 120.0  # of China Standard Time


@dataclass(frozen=True, slots=True)
class Weather:
    """The weather of one place; the same `key` gives the same weather everywhere."""

    key: int

    def cloud(self, times: Ints) -> Floats:
        """Cloud cover, 0 to 1; `times` in ms UTC [n] → [n]."""
        # A day's wander, run eight times as fast, is one of three hours.
        cover = 0.76 + 0.38 * drift(self.key + 1, times) + 0.16 * drift(self.key + 2, times * 8)
        return np.clip(cover, 0.0, 1.0)

    def dry_bulb(self, times: Ints) -> Floats:
        """Temperature of the air, °C; clouds flatten the day [n] → [n]."""
        year = -12.5 * np.cos((_day_of_year(times) - _COLDEST) * (2 * np.pi / _YEAR))
        return 16.5 + year + 3.0 * drift(self.key + 3, times) + self._day(times)

    def humidity(self, times: Ints) -> Floats:
        """Relative humidity, 0.3 to 0.98; higher under clouds, lower in the afternoon [n] → [n]."""
        return np.clip(0.74 + 0.12 * (self.cloud(times) - 0.5) - 0.03 * self._day(times), 0.3, 0.98)

    def wet_bulb(self, times: Ints) -> Floats:
        """Wet-bulb temperature, °C [n] → [n].

        Source: R. Stull, "Wet-Bulb Temperature from Relative Humidity and Air Temperature", J. Appl. Meteor.
        Climatol. 50 (2011), eq. 1.
        """
        air, wet = self.dry_bulb(times), 100 * self.humidity(times)
        return np.asarray(
            air * np.arctan(0.151977 * np.sqrt(wet + 8.313659))
            + np.arctan(air + wet)
            - np.arctan(wet - 1.676331)
            + 0.00391838 * wet**1.5 * np.arctan(0.023101 * wet)
            - 4.686035,
            dtype=np.float64,
        )

    def irradiance(self, times: Ints) -> Floats:
        """Sun and sky on a horizontal plane, W/m2, 0 at night [n] → [n].

        Sources: clear sky by B. Haurwitz, J. Meteorol. 2 (1945); clouds by F. Kasten and G. Czeplak, Solar Energy 24
        (1980): 1 − 0.75 × cover^3.4.
        """
        height = np.maximum(_sun(times), 1e-3)
        clear = np.where(_sun(times) > 0, 1098.0 * height * np.exp(-0.059 / height), 0.0)
        return np.asarray(clear * (1 - 0.75 * self.cloud(times) ** 3.4), dtype=np.float64)

    def gauge(self) -> Gauge:
        """The meter that shows the dry bulb, °C."""
        return Gauge(self.dry_bulb)

    def _day(self, times: Ints) -> Floats:
        return (5.0 - 3.0 * self.cloud(times)) * np.cos((hour(times) - 15.0) * (2 * np.pi / 24))


def _day_of_year(times: Ints) -> Floats:
    return np.asarray((times - _NEW_YEAR) / DAY % _YEAR, dtype=np.float64)


def _sun(times: Ints) -> Floats:
    """The sine of the sun's height; declination: P. I. Cooper, Solar Energy 12 (1969). No equation of time."""
    tilt = np.radians(23.45) * np.sin(2 * np.pi * (284 + 1 + _day_of_year(times)) / 365)
    solar = hour(times) + (_LONGITUDE - _ZONE_MERIDIAN) / 15
    turn, north = np.radians(15.0 * (solar - 12)), np.radians(_LATITUDE)
    return np.asarray(np.sin(north) * np.sin(tilt) + np.cos(north) * np.cos(tilt) * np.cos(turn), dtype=np.float64)
