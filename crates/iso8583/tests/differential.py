#!/usr/bin/env python3
"""Compares the codec with another implementation of ISO 8583, the Python package pyiso8583.

    cargo build --package iso8583 --examples && pip install pyiso8583==4.0.1
    crates/iso8583/tests/differential.py                     # 2,000 messages each way for each spec
    crates/iso8583/tests/differential.py --messages 100000

Both go by one table: the published specs, which the example iso8583_lines prints. Messages that ours made are read by
theirs, must carry the same, and are written by theirs as the same bytes. Messages that are made here and written by theirs
go the other way. Then one byte of each is changed: what ours still takes must be the same message to theirs. (Theirs does
not look at the kinds of characters, so it takes more.)

Exit codes: 0 they agree, 1 they do not, 2 it could not run. A seed makes the same messages again.
"""

import argparse
import json
import random
import string
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SPECS = ("ascii", "ebcdic", "bcd")

ALPHANUMERIC = " " + string.digits + string.ascii_letters
CHARACTERS = {
    "Numeric": string.digits,
    "SignedNumeric": string.digits,
    "Alphanumeric": ALPHANUMERIC,
    "AlphanumericSpecial": "".join(map(chr, range(0x20, 0x7F))),
    "Track": "0123456789:;<=>?",
}
# Packed, the characters of a track are hexadecimal digits to theirs.
TO_PACKED = str.maketrans(":;<=>?", "ABCDEF")
FROM_PACKED = str.maketrans("ABCDEF", ":;<=>?")


class Disagreement(Exception):
    """The two do not say the same."""


class Lines:
    """Our codec, by lines of text."""

    def __init__(self, binary, spec):
        self.binary, self.spec = binary, spec

    def run(self, *arguments, lines=()):
        command = [self.binary, arguments[0], self.spec, *map(str, arguments[1:])]
        text = "".join(f"{line}\n" for line in lines)
        return subprocess.run(command, input=text, capture_output=True, check=True, text=True).stdout

    def table(self):
        return json.loads(self.run("table"))

    def generate(self, seed, count):
        return self.run("generate", seed, count).splitlines()

    def read(self, messages):
        return self.run("read", lines=[message.hex() for message in messages]).splitlines()


def split(line):
    """The bytes, the type, and the values by element of a line."""
    message, mti, *fields = line.split(" ")
    values = dict(field.split("=") for field in fields)
    return bytes.fromhex(message), mti, {key: bytes.fromhex(value) for key, value in values.items()}


def theirs(row, value):
    """A value of ours as theirs has it."""
    if row["kind"] == "Binary":
        return value.hex().upper()
    text = value.decode("ascii")
    return text.translate(TO_PACKED) if row["kind"] == "Track" and row["data_enc"] == "b" else text


def ours(row, text):
    """A value of theirs as ours has it."""
    if row["kind"] == "Binary":
        return bytes.fromhex(text)
    if row["kind"] == "Track":
        # In text too, a D between the parts of a track is read as what it is packed as.
        text = text.translate(FROM_PACKED) if row["data_enc"] == "b" else text.replace("D", "=")
    return text.encode("ascii")


def carried(table, document):
    """The values of a message of theirs as ours has them."""
    return {key: ours(table[key], text) for key, text in document.items() if key not in ("h", "t", "p", "1")}


def agree(what, one, other):
    if one != other:
        raise Disagreement(f"{what}:\n  {one!r}\n  {other!r}")


def read_theirs(iso8583, table, lines):
    """Every message of ours is the same to theirs, and written by theirs as the same bytes."""
    for line in lines:
        message, mti, values = split(line)
        document, _ = iso8583.decode(message, table)
        agree(f"type of {line}", mti, document["t"])
        agree(f"elements of {line}", values, carried(table, document))
        agree(f"bytes of {line}", message, bytes(iso8583.encode(document, table)[0]))


def any_value(chance, row):
    length = row["max_len"]
    if row["len_type"]:
        length = chance.randint(0, length if chance.random() < 0.125 else min(length, 40))
    if row["kind"] == "Binary":
        digits = row["data_enc"] != "b"
        return theirs(row, chance.randbytes(length // 2 if digits else length))
    text = "".join(chance.choices(CHARACTERS[row["kind"]], k=length))
    if row["kind"] == "SignedNumeric":
        text = chance.choice("CD") + text[1:]
    return theirs(row, text.encode("ascii"))


def any_document(chance, table):
    keys = [key for key in table if key not in ("h", "t", "p", "1") and chance.random() < 0.125]
    return {"t": f"{chance.randrange(1000):04}"} | {key: any_value(chance, table[key]) for key in keys}


def read_ours(iso8583, table, lines, chance, count):
    """Every message of theirs is the same to ours, and written by ours as the same bytes."""
    documents = [any_document(chance, table) for _ in range(count)]
    messages = [bytes(iso8583.encode(dict(document), table)[0]) for document in documents]
    answers = lines.read(messages)
    for document, message, answer in zip(documents, messages, answers, strict=True):
        if answer.startswith("cannot"):
            raise Disagreement(f"{answer}: {message.hex()}")
        written, mti, values = split(answer)
        agree(f"type of {message.hex()}", mti, document["t"])
        agree(f"elements of {message.hex()}", values, carried(table, document))
        agree("bytes", written, message)
    return messages


def read_changed(iso8583, table, lines, chance, messages):
    """What ours takes after a byte was changed is the same message to theirs. Returns how many it took."""
    changed = [bytearray(message) for message in messages]
    for message in changed:
        message[chance.randrange(len(message))] = chance.randrange(256)
    taken = 0
    for message, answer in zip(changed, lines.read(changed), strict=True):
        if answer.startswith("cannot"):
            continue
        taken += 1
        _, mti, values = split(answer)
        document, _ = iso8583.decode(bytes(message), table)
        agree(f"type of {message.hex()}", mti, document["t"])
        agree(f"elements of {message.hex()}", values, carried(table, document))
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin-dir", type=Path, default=ROOT / "target/debug/examples", help="where iso8583_lines is")
    parser.add_argument("--messages", type=int, default=2_000, help="each way, for each spec")
    parser.add_argument("--seed", type=int, default=8583)
    arguments = parser.parse_args()
    binary = arguments.bin_dir.resolve() / "iso8583_lines"
    try:
        import iso8583
    except ImportError as error:
        print(f"cannot run: {error}", file=sys.stderr)
        return 2
    if not binary.exists():
        print(f"cannot run: there is no {binary}", file=sys.stderr)
        return 2
    for spec in SPECS:
        lines, chance = Lines(binary, spec), random.Random(f"{spec} {arguments.seed}")
        table = lines.table()
        try:
            read_theirs(iso8583, table, lines.generate(arguments.seed, arguments.messages))
            messages = read_ours(iso8583, table, lines, chance, arguments.messages)
            taken = read_changed(iso8583, table, lines, chance, messages)
        except (Disagreement, iso8583.DecodeError, iso8583.EncodeError) as error:
            print(f"{spec}, seed {arguments.seed}: {error}", file=sys.stderr)
            return 1
        print(f"{spec}: {arguments.messages} messages each way are the same, and {taken} of as many with a byte changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
