"""What replies say, and what they must say: by the name of each fact. An amount is (currency, minor units)."""

from collections import defaultdict
from fractions import Fraction

from ecb.rules import PIVOT


def amount_of(money):
    return None if money is None else (money["currency_code"], money["minor_units"])


def posted(postings):
    """Net change by account and currency."""
    changes = defaultdict(int)
    for posting in postings:
        currency, units = amount_of(posting["amount"])
        changes[(posting["debit_account"], currency)] -= units
        changes[(posting["credit_account"], currency)] += units
    return {account: units for account, units in changes.items() if units}


def told_changes(changes):
    return {f"{currency} posted to {account}": (currency, units) for (account, currency), units in changes.items()}


def told_offer(reply):
    """What a quote, or a payment made at it, says."""
    names = ("presentment_amount", "debit_amount", "settlement_amount", "merchant_discount")
    facts = {name: amount_of(reply[name]) for name in names}
    facts |= told_conversion("conversion", reply["conversion"])
    return facts | told_conversion("settlement_conversion", reply["settlement_conversion"])


def told_payment(reply):
    """What a reply says of a payment."""
    facts = told_offer(reply)
    facts["held_amount"] = amount_of(reply["held_amount"])
    facts["state"] = reply["state"].removeprefix("PAYMENT_STATE_")
    facts["decline_reason"] = reply["decline_reason"].removeprefix("DECLINE_REASON_")
    for total in ("authorized", "captured", "refunded"):
        for side in ("presentment", "debit", "settlement"):
            facts[f"{total}.{side}"] = amount_of((reply[total] or {}).get(side))
    return facts


def told_conversion(name, conversion):
    if conversion is None:
        return {}
    mid = conversion["mid_rate"]
    rate = Fraction(conversion["rate_exact"] or mid)
    facts = {
        "rate": rate,
        # Beside an exact fraction the decimal is for people, and right to its last digit.
        "mid_rate is right": abs(Fraction(mid) - rate) <= last_digit(mid) / 2,
        "applied_rate": Fraction(conversion["applied_rate"]),
        "markup": Fraction(conversion["markup"]),
        "mid_amount": amount_of(conversion["mid_amount"]),
        "markup_amount": amount_of(conversion["markup_amount"]),
        "source": conversion["rate_source"],
        "as_of": moment(conversion["rate_as_of_time"]),
        "lsns": (conversion["rate_lsn"], conversion["cross_rate_lsn"]),
    }
    if name == "conversion":
        facts["move_ppm"] = conversion["move_ppm"]
        facts["weight"] = Fraction(conversion["exposure_weight"])
    return {f"{name}.{fact}": value for fact, value in facts.items()}


def last_digit(text):
    return Fraction(1, 10 ** len(text.partition(".")[2]))


def moment(timestamp):
    return None if timestamp is None else (timestamp["seconds"], timestamp["nanos"])


def due_payment(payment, asked):
    """What a reply must say of a payment that was authorized by the offer `asked`."""
    facts = due_offer(asked)
    facts["state"] = payment.state()
    facts["decline_reason"] = "UNSPECIFIED"
    facts["held_amount"] = (asked.legs.debit_currency, payment.held())
    for name, total in zip(("authorized", "captured", "refunded"), payment.totals()):
        facts[f"{name}.presentment"] = (asked.legs.presentment, total.presentment)
        facts[f"{name}.debit"] = (asked.legs.debit_currency, total.debit)
        facts[f"{name}.settlement"] = (asked.legs.settlement_currency, total.settlement)
    return facts


def due_offer(asked):
    """What a quote, or a payment made at the offer, must say."""
    legs, x = asked.legs, asked.x
    facts = {
        "presentment_amount": (legs.presentment, x),
        "debit_amount": (legs.debit_currency, legs.debit(x)),
        "settlement_amount": (legs.settlement_currency, legs.settled(x)),
        "merchant_discount": (legs.settlement_currency, legs.discount(x)),
    }
    shared = {
        "mid_rate is right": True,
        "source": asked.source,
        "as_of": asked.as_of,
        "lsns": (asked.lsn, 0 if legs.presentment == PIVOT else asked.lsn),
    }
    if legs.to_payer is not None:
        to_payer = {
            "rate": legs.to_payer.mid,
            "applied_rate": legs.to_payer.ask,
            "markup": legs.markup,
            "mid_amount": (legs.debit_currency, legs.mid(x)),
            "markup_amount": (legs.debit_currency, legs.debit(x) - legs.mid(x)),
            "move_ppm": asked.move_ppm,
            "weight": legs.weight,
        }
        facts |= {f"conversion.{fact}": value for fact, value in (to_payer | shared).items()}
    if legs.to_merchant is not None:
        to_merchant = {
            "rate": legs.to_merchant.mid,
            "applied_rate": legs.to_merchant.bid,
            "markup": Fraction(0),
            "mid_amount": (legs.settlement_currency, legs.merchant_mid(x)),
            "markup_amount": None,
        }
        facts |= {f"settlement_conversion.{fact}": value for fact, value in (to_merchant | shared).items()}
    return facts


def told_refund(refund):
    facts = {name: amount_of(refund[name]) for name in ("presentment_amount", "debit_amount", "settlement_amount")}
    rate = refund["rate_exact"] or refund["mid_rate"]
    return facts | {
        "state": refund["state"].removeprefix("REFUND_STATE_"),
        "decline_reason": refund["decline_reason"].removeprefix("DECLINE_REASON_"),
        "rate_rule": refund["rate_rule"].removeprefix("REFUND_RATE_").lower(),
        "rate": Fraction(rate) if rate else None,
        "rate_lsn": refund["rate_lsn"],
        "rate_difference": amount_of(refund["rate_difference"]),
    }


def due_refund(legs, x, rule, settled, given=None, prices=None, difference=None, lsn=0):
    """What must be said of a refund of x; pending while `given` is not known."""
    return {
        "presentment_amount": (legs.presentment, x),
        "debit_amount": None if given is None else (legs.debit_currency, given),
        "settlement_amount": (legs.settlement_currency, settled),
        "state": "PENDING" if given is None else "REFUNDED",
        "decline_reason": "UNSPECIFIED",
        "rate_rule": rule,
        "rate": None if prices is None else prices.mid,
        "rate_lsn": lsn,
        "rate_difference": None if difference is None else (legs.debit_currency, difference),
    }
