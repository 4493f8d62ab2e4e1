"""The rules and rates that payments are made by: what the daemon is configured with, the rate tape, and the offer that
follows from both.
"""

from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from ecb import exact

PIVOT = "EUR"
CURRENCIES = ("HKD", "CNY", "USD", "JPY")
# How many moves of a pair its volatility is the mean of.
MOVES = 8
HOUR_SECONDS, DAY_SECONDS = 60 * 60, 24 * 60 * 60
# Days are counted as in Hong Kong and Shanghai.
DAY_OFFSET_SECONDS = 8 * HOUR_SECONDS

# The rules in force; `configuration` writes them down for the daemon.
MARKUP = "0.01"
PAIR_MARKUPS = {("HKD", "CNY"): "0.008333"}
# (pair or None, merchant or None, least amount or None, markup): the first that fits counts.
TIERS = (
    (("CNY", "HKD"), None, ("CNY", 1_000_000_00), "0.004"),
    (None, "ecb-tours", None, "0.0175"),
)
# (mean move in millionths, added to the markup, weight of the open position): the last reached counts.
BANDS = ((3_000, "0.0015", "1.25"), (6_000, "0.004", "2"))

ORIGINAL, CURRENT, NEXT_DAY = "original", "current", "next_day"


@dataclass(frozen=True)
class Merchant:
    name: str
    settlement: str
    discount: str
    refund_rate: str

    @property
    def key(self):
        return f"ecb_history_{self.name}_{'0' * 32}"


CAFE = Merchant("ecb-cafe", "CNY", "0.006", ORIGINAL)
BOOKS = Merchant("ecb-books", "HKD", "0.0125", CURRENT)
TOURS = Merchant("ecb-tours", "USD", "0.029", NEXT_DAY)
TOKYO = Merchant("ecb-tokyo", "JPY", "0.003333", ORIGINAL)
MERCHANTS = (CAFE, BOOKS, TOURS, TOKYO)


def configuration():
    """The daemon's configuration file."""
    lines = [
        'mode = "sandbox"',
        "[connections]",
        f"connection_age_ms_max = {DAY_SECONDS * 1000}",
        "[policy]",
        f'fx_markup = "{MARKUP}"',
        f'pivot = "{PIVOT}"',
        'rate_move_max = "1"',
        f"rate_age_ms_max = {2 * DAY_SECONDS * 1000}",
        f"quote_ms = {DAY_SECONDS * 1000}",
        f"hold_ms = {7 * DAY_SECONDS * 1000}",
        f"day_offset_minutes = {DAY_OFFSET_SECONDS // 60}",
    ]
    for (source, target), markup in PAIR_MARKUPS.items():
        lines += ["[[policy.pairs]]", f'pair = "{target} per {source}"', f'fx_markup = "{markup}"']
    for pair, merchant, least, markup in TIERS:
        lines += ["[[policy.tiers]]", f'fx_markup = "{markup}"']
        lines += [f'pair = "{pair[1]} per {pair[0]}"'] if pair else []
        lines += [f'merchant = "{merchant}"'] if merchant else []
        lines += [f'amount_min = "{shown(least)}"'] if least else []
    for move, extra, weight in BANDS:
        lines += ["[[policy.volatility]]", f"move_ppm_min = {move}"]
        lines += [f'markup_extra = "{extra}"', f'exposure_weight = "{weight}"']
    for merchant in MERCHANTS:
        lines += ["[[policy.merchants]]", f'name = "{merchant.name}"', f'refund_rate = "{merchant.refund_rate}"']
    return "\n".join(lines) + "\n"


def shown(amount):
    currency, units = amount
    return f"{currency} {Decimal(units).scaleb(-exact.MINOR_DIGITS[currency]):,f}"



class Tape:
    """The rates in force, as the history and our publications make them."""

    def __init__(self):
        self.prices_per_pivot = {}
        self.moves = {currency: deque([0] * MOVES, maxlen=MOVES) for currency in CURRENCIES}
        self.source = self.as_of = self.lsn = None

    def publish(self, ticks, source, as_of, lsn):
        """`ticks`: bid and ask by currency."""
        for currency, (bid, ask) in ticks.items():
            prices = exact.published(bid, ask)
            last = self.prices_per_pivot.get(currency, prices)
            self.moves[currency].append(exact.moved_ppm(prices.mid, last.mid))
            self.prices_per_pivot[currency] = prices
        self.source, self.as_of, self.lsn = source, as_of, lsn

    def prices(self, source, target):
        if source == PIVOT:
            return self.prices_per_pivot[target]
        return exact.crossed(self.prices_per_pivot[target], self.prices_per_pivot[source])

    def move_ppm(self, source, target):
        of_pivot = [self.moves[currency] for currency in (source, target) if currency != PIVOT]
        return max(sum(moves) // MOVES for moves in of_pivot)


@dataclass(frozen=True)
class Offer:
    """What a payment of x is made at."""

    legs: exact.Legs
    x: int
    move_ppm: int
    # Of the rates it rests on.
    source: str
    as_of: tuple
    lsn: int


def offer(tape, merchant, presentment, debit, x):
    """The offer at the rates and rules in force."""
    markup, weight, move_ppm = Fraction(0), Fraction(1), 0
    if presentment != debit:
        move_ppm = tape.move_ppm(presentment, debit)
        markup, weight = terms(merchant, presentment, debit, x, move_ppm)
    legs = exact.Legs(
        presentment=presentment,
        debit_currency=debit,
        settlement_currency=merchant.settlement,
        to_payer=None if presentment == debit else tape.prices(presentment, debit),
        to_merchant=None if presentment == merchant.settlement else tape.prices(presentment, merchant.settlement),
        markup=markup,
        discount_ratio=Fraction(merchant.discount),
        weight=weight,
    )
    return Offer(legs, x, move_ppm, tape.source, tape.as_of, tape.lsn)


def terms(merchant, presentment, debit, x, move_ppm):
    """Markup and weight by the rules."""
    markup = PAIR_MARKUPS.get((presentment, debit), MARKUP)
    for pair, of_merchant, least, tier_markup in TIERS:
        fits_amount = least is None or (least[0] == presentment and x >= least[1])
        if pair in (None, (presentment, debit)) and of_merchant in (None, merchant.name) and fits_amount:
            markup = tier_markup
            break
    extra, weight = "0", "1"
    for least_move, band_extra, band_weight in BANDS:
        if move_ppm >= least_move:
            extra, weight = band_extra, band_weight
    return Fraction(markup) + Fraction(extra), Fraction(weight)


def policy_day(as_of):
    """The day a moment belongs to, as the policy counts days."""
    seconds, _ = as_of
    return (seconds + DAY_OFFSET_SECONDS) // DAY_SECONDS
