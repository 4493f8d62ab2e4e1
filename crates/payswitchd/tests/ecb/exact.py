"""What every amount of a payment must be, from the published rules alone and in exact fractions.

The rules stand in crates/money/README.md and proto/CONVERSION.md. Nothing here knows how the switch reckons: amounts
are whole minor units, rates and ratios are `Fraction`, and each leg is rounded once.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, floor

# ISO 4217.
MINOR_DIGITS = {"CNY": 2, "EUR": 2, "HKD": 2, "JPY": 0, "USD": 2}

AMOUNT_MINOR_UNITS_MAX = 10**15 - 1


def half_up(value):
    return floor(value + Fraction(1, 2))


@dataclass(frozen=True)
class Prices:
    """Units of the target for one unit of the source: what a payer is debited by, mid, what a payee is paid by."""

    ask: Fraction
    mid: Fraction
    bid: Fraction


def published(bid, ask):
    """The prices of one tick, from its text."""
    bid, ask = Fraction(bid), Fraction(ask)
    return Prices(ask=ask, mid=(bid + ask) / 2, bid=bid)


def crossed(target_per_pivot, source_per_pivot):
    """From source to target over the currency that both are quoted for."""
    return Prices(
        ask=target_per_pivot.ask / source_per_pivot.bid,
        mid=target_per_pivot.mid / source_per_pivot.mid,
        bid=target_per_pivot.bid / source_per_pivot.ask,
    )


def moved_ppm(new, old):
    return floor(abs(new / old - 1) * 10**6)


@dataclass(frozen=True)
class Levels:
    """Where payer and merchant stand, in minor units: the first two of the debit currency, the others of settlement."""

    debit: int = 0
    mid: int = 0
    gross: int = 0
    discount: int = 0

    @property
    def settled(self):
        return self.gross - self.discount

    def plus(self, other):
        return Levels(*(ours + theirs for ours, theirs in zip(self.each(), other.each())))

    def less(self, other):
        return Levels(*(ours - theirs for ours, theirs in zip(self.each(), other.each())))

    def each(self):
        return self.debit, self.mid, self.gross, self.discount


@dataclass(frozen=True)
class Legs:
    """How an amount in presentment currency becomes what the payer pays and the merchant gets."""

    presentment: str
    debit_currency: str
    settlement_currency: str
    # None within one currency.
    to_payer: Prices | None
    to_merchant: Prices | None
    markup: Fraction
    discount_ratio: Fraction
    # How much the open position counts; not an amount, but a part of the quote.
    weight: Fraction = Fraction(1)

    def debit(self, x):
        return self._to_payer(x, lambda prices: prices.ask * (1 + self.markup), ceil)

    def mid(self, x):
        return self._to_payer(x, lambda prices: prices.mid, half_up)

    def gross(self, x):
        return self._to_merchant(x, lambda prices: prices.bid, floor)

    def merchant_mid(self, x):
        return self._to_merchant(x, lambda prices: prices.mid, half_up)

    def refund_at(self, x, prices):
        """What the payer gets for x at the mid of another rate."""
        return floor(in_minor_units(x, self.presentment, self.debit_currency, prices.mid))

    def discount(self, x):
        return half_up(self.gross(x) * self.discount_ratio)

    def settled(self, x):
        return self.gross(x) - self.discount(x)

    def levels(self, debited, settled):
        return Levels(self.debit(debited), self.mid(debited), self.gross(settled), self.discount(settled))

    def amount(self, x):
        """One position in its three currencies."""
        return Amount(x, self.debit(x), self.settled(x))

    def exchanges(self):
        return self.to_payer is not None or self.to_merchant is not None

    def presentment_max(self, amount_max):
        """The most that can be asked with no amount of the three above `amount_max`."""
        per_unit = [Fraction(1)]
        if self.to_payer is not None:
            rate = self.to_payer.ask * (1 + self.markup)
            per_unit.append(in_minor_units(1, self.presentment, self.debit_currency, rate))
        if self.to_merchant is not None:
            per_unit.append(in_minor_units(1, self.presentment, self.settlement_currency, self.to_merchant.bid))
        return floor(amount_max / max(per_unit))

    def _to_payer(self, x, rate, rounded):
        return self._leg(x, self.to_payer, self.debit_currency, rate, rounded)

    def _to_merchant(self, x, rate, rounded):
        return self._leg(x, self.to_merchant, self.settlement_currency, rate, rounded)

    def _leg(self, x, prices, currency, rate, rounded):
        if prices is None:
            return x
        return rounded(in_minor_units(x, self.presentment, currency, rate(prices)))


def in_minor_units(x, source, target, rate):
    """x minor units of source, at units of target for one unit of source, in minor units of target: not yet rounded."""
    return x * rate * Fraction(10) ** (MINOR_DIGITS[target] - MINOR_DIGITS[source])


@dataclass(frozen=True)
class Amount:
    presentment: int = 0
    debit: int = 0
    settlement: int = 0

    def plus(self, other):
        return Amount(*(ours + theirs for ours, theirs in zip(self.each(), other.each())))

    def less(self, other):
        return Amount(*(ours - theirs for ours, theirs in zip(self.each(), other.each())))

    def each(self):
        return self.presentment, self.debit, self.settlement


@dataclass(frozen=True)
class Tranche:
    """A part of a payment at one quote, in presentment minor units."""

    legs: Legs
    authorized: int
    captured: int = 0
    # Given back at the rate of the tranche.
    refunded: int = 0
    # Given back at another rate: what the payer was debited stays.
    repriced: int = 0

    def refunded_in_all(self):
        return self.refunded + self.repriced

    def levels(self):
        debited = self.captured - self.refunded
        return self.legs.levels(debited, debited - self.repriced)

    def held(self):
        return self.legs.debit(self.authorized - self.refunded) - self.legs.debit(self.captured - self.refunded)


OPEN, CAPTURED, VOIDED, EXPIRED = "open", "captured", "voided", "expired"


@dataclass
class Payment:
    """One payment and where it stands."""

    merchant: str
    payer: str
    tranches: list[Tranche]
    phase: str = OPEN
    payment_id: str = ""
    # Net changes of accounts since the last time they were taken.
    changes: dict = field(default_factory=lambda: defaultdict(int))

    @property
    def legs(self):
        return self.tranches[0].legs

    def authorized(self):
        return sum(tranche.authorized for tranche in self.tranches)

    def captured(self):
        return sum(tranche.captured for tranche in self.tranches)

    def refunded(self):
        return sum(tranche.refunded_in_all() for tranche in self.tranches)

    def held(self):
        return sum(tranche.held() for tranche in self.tranches) if self.phase == OPEN else 0

    def levels(self):
        return _sum((tranche.levels() for tranche in self.tranches), Levels())

    def fits(self, amount_max):
        """Whether no capture could ever post more than `amount_max`."""
        authorized, _, _ = self.totals()
        gross = sum(tranche.legs.gross(tranche.authorized) for tranche in self.tranches)
        return max(authorized.presentment, authorized.debit, gross) <= amount_max

    def state(self):
        captured, refunded = self.captured(), self.refunded()
        if self.phase == OPEN:
            return "PARTIALLY_CAPTURED" if captured else "AUTHORIZED"
        if not captured:
            return "EXPIRED" if self.phase == EXPIRED else "VOIDED"
        if not refunded:
            return "CAPTURED"
        return "REFUNDED" if refunded == captured else "PARTIALLY_REFUNDED"

    def totals(self):
        """Authorized, captured and refunded, each in the three currencies."""
        authorized = _sum((tranche.legs.amount(tranche.authorized) for tranche in self.tranches), Amount())
        captured = _sum((tranche.legs.amount(tranche.captured) for tranche in self.tranches), Amount())
        kept = _sum(
            (tranche.legs.amount(tranche.captured - tranche.refunded_in_all()) for tranche in self.tranches), Amount()
        )
        return authorized, captured, captured.less(kept)

    def capture(self, x, final):
        before = self.levels()
        self._spread(x, "captured", lambda tranche: tranche.authorized - tranche.captured)
        if final or self.captured() == self.authorized():
            self.phase = CAPTURED
        self._post(self.levels().less(before))

    def increase(self, legs, x):
        last = self.tranches[-1]
        if last.legs == legs:
            self.tranches[-1] = replace(last, authorized=last.authorized + x)
        else:
            self.tranches.append(Tranche(legs, x))

    def void(self):
        self.phase = VOIDED

    def expire(self):
        self.phase = EXPIRED

    def refund_at_own_rate(self, x):
        """Returns what the payer gets back and what the merchant gives."""
        change = self._refund(x, "refunded")
        return -change.debit, -change.settled

    def refund_at_another_rate(self, x):
        """Returns what the merchant gives, and what x was worth at the payment's own mid."""
        before = self._repriced_mid()
        change = self._refund(x, "repriced")
        return -change.settled, self._repriced_mid() - before

    def give(self, x, prices, original_mid):
        """The payer's side of such a refund. Returns what the payer gets, and that less what x was worth."""
        given = self.legs.refund_at(x, prices)
        currency = self.legs.debit_currency
        self._move(f"fx_position:{currency}", currency, -original_mid)
        self._move(f"fx_result:{currency}", currency, original_mid - given)
        self._move(self.payer, currency, given)
        return given, given - original_mid

    def changes_so_far(self):
        """Net change by account and currency since they were last taken; what did not change is left out."""
        return {account: units for account, units in self.changes.items() if units}

    def taken_changes(self):
        changes = self.changes_so_far()
        self.changes.clear()
        return changes

    def _repriced_mid(self):
        return sum(tranche.legs.mid(tranche.repriced) for tranche in self.tranches)

    def _refund(self, x, counter):
        before = self.levels()
        self._spread(x, counter, lambda tranche: tranche.captured - tranche.refunded_in_all())
        change = self.levels().less(before)
        self._post(change)
        return change

    def _spread(self, x, counter, room):
        """Oldest tranche first, as far as there is room."""
        for place, tranche in enumerate(self.tranches):
            part = min(x, room(tranche))
            self.tranches[place] = replace(tranche, **{counter: getattr(tranche, counter) + part})
            x -= part
        assert x == 0, "no more is asked than there is room for"

    def _post(self, change):
        legs = self.legs
        debit, settlement = legs.debit_currency, legs.settlement_currency
        self._move(self.payer, debit, -change.debit)
        if legs.exchanges():
            self._move(f"fx_position:{debit}", debit, change.mid)
            self._move(f"fx_markup:{debit}", debit, change.debit - change.mid)
            self._move(f"fx_position:{settlement}", settlement, -change.gross)
        self._move(f"merchant_payable:{self.merchant}", settlement, change.settled)
        self._move(f"fee_income:{settlement}", settlement, change.discount)

    def _move(self, account, currency, units):
        self.changes[(account, currency)] += units


def _sum(terms, zero):
    for term in terms:
        zero = zero.plus(term)
    return zero


def self_test():
    """The worked examples of crates/money/README.md."""
    cross = crossed(published("8.7652", "8.7652"), published("7.4326", "7.4326"))
    markup, discount = Fraction("0.01"), Fraction("0.006")

    def legs(prices):
        return Legs("CNY", "HKD", "CNY", prices, None, markup, discount)

    def payment(prices, x=10000):
        return Payment("cafe", "wallet:alice", [Tranche(legs(prices), x)])

    for prices in (cross, published("1.179291231", "1.179291231")):
        of = legs(prices)
        assert (of.debit(10000), of.mid(10000), of.settled(10000), of.discount(10000)) == (11911, 11793, 9940, 60)
        assert of.debit(6000) == 7147
        assert floor(in_minor_units(10000, "CNY", "HKD", prices.bid)) == 11792
    spread = published("1.179", "1.1796")
    assert (legs(spread).debit(10000), legs(spread).mid(10000)) == (11914, 11793)
    assert floor(in_minor_units(10000, "CNY", "HKD", spread.bid)) == 11790
    assert (half_up(Fraction(1, 2)), half_up(Fraction(-1, 2)), half_up(Fraction(-3, 2))) == (1, 0, -1)
    most = in_minor_units(AMOUNT_MINOR_UNITS_MAX, "CNY", "HKD", Fraction(1))
    assert half_up(most * Fraction("1.179291231")) - half_up(most * cross.mid) == 475016

    # In a hundred parts, and back again.
    parts = payment(cross)
    for _ in range(100):
        parts.capture(100, final=False)
    position = {
        ("wallet:alice", "HKD"): -11911,
        ("fx_position:HKD", "HKD"): 11793,
        ("fx_markup:HKD", "HKD"): 118,
        ("fx_position:CNY", "CNY"): -10000,
        ("merchant_payable:cafe", "CNY"): 9940,
        ("fee_income:CNY", "CNY"): 60,
    }
    assert parts.taken_changes() == position and parts.state() == "CAPTURED"
    assert parts.refund_at_own_rate(4000) == (4764, 3976)
    assert parts.totals()[2] == Amount(4000, 4764, 3976) and parts.state() == "PARTIALLY_REFUNDED"
    assert parts.refund_at_own_rate(6000) == (7147, 5964) and parts.state() == "REFUNDED"
    assert parts.taken_changes() == {account: -units for account, units in position.items()}

    # At the rate of now: mid has moved to 1.19, no margin back.
    later = payment(cross)
    later.capture(10000, final=False)
    settled, original_mid = later.refund_at_another_rate(4000)
    assert (settled, original_mid) == (3976, 4717)
    assert later.give(4000, published("1.19", "1.19"), original_mid) == (4760, 43)

    # Two tranches: a hold of both, captured oldest first.
    two = payment(cross)
    two.increase(legs(cross), 1)
    assert len(two.tranches) == 1
    two.increase(legs(published("1.2", "1.2")), 10000)
    assert (len(two.tranches), two.held()) == (2, 11913 + 12120)
    two.capture(10002, final=True)
    assert (two.tranches[0].captured, two.tranches[1].captured, two.held()) == (10001, 1, 0)
    yen = Legs("JPY", "HKD", "USD", published("0.05", "0.05"), published("0.0068", "0.0068"), markup, discount)
    assert (yen.debit(1), yen.mid(1), yen.gross(1), yen.discount(1)) == (6, 5, 0, 0)
    assert moved_ppm(Fraction("0.9"), Fraction(1)) == 100000
