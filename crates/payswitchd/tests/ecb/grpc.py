"""gRPC by hand, with the standard library alone: protobuf as read from the .proto files, and unary calls over HTTP/2.

It waits for each reply before it sends the next request, which keeps flow control out of it: never more than one small
request is on its way, and the daemon may send as much as it likes.
"""

import re
import socket
import struct
from base64 import b64decode

# Waiting longer than this for the daemon is a failure, not patience.
REPLY_SECONDS_MAX = 60


class Refused(Exception):
    """The call ended without a reply message."""

    def __init__(self, method, status, message, details):
        text = re.sub("%([0-9A-Fa-f]{2})", lambda code: chr(int(code[1], 16)), message)
        super().__init__(f"{method}: gRPC status {status}: {text}{details}")


class Lost(Exception):
    """The connection cannot be used any more."""


class Schema:
    """Messages, enums and methods of some .proto files: flat ones, without oneof, map or nesting."""

    SCALARS = {"string", "bytes", "bool", "uint32", "uint64", "int32", "int64"}

    def __init__(self, paths):
        self.messages = {"google.protobuf.Timestamp": {1: ("seconds", "int64", False), 2: ("nanos", "int32", False)}}
        self.enums = {}
        self.methods = {}
        for path in paths:
            text = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
            package = re.search(r"package ([\w.]+);", text)[1]
            for name, body in re.findall(r"message (\w+) \{(.*?)\}", text, re.DOTALL):
                found = re.findall(r"(repeated )?([\w.]+) (\w+) = (\d+);", body)
                self.messages[name] = {int(n): (field, kind, bool(many)) for many, kind, field, n in found}
            for name, body in re.findall(r"enum (\w+) \{(.*?)\}", text, re.DOTALL):
                self.enums[name] = {int(n): value for value, n in re.findall(r"(\w+) = (\d+);", body)}
            for service, body in re.findall(r"service (\w+) \{(.*?)\n\}", text, re.DOTALL):
                for method, request, reply in re.findall(r"rpc (\w+)\((\w+)\) returns \((\w+)\)", body):
                    self.methods[f"{service}/{method}"] = (f"/{package}.{service}/{method}", request, reply)

    def encode(self, kind, message):
        """A dictionary of fields as bytes. What a message does not have is a mistake of the caller."""
        places = {field: (number, of, many) for number, (field, of, many) in self.messages[kind].items()}
        parts = []
        for name, value in message.items():
            number, of, many = places[name]
            for one in value if many else [value]:
                parts.append(self._encode_field(number, of, one))
        return b"".join(parts)

    def _encode_field(self, number, of, value):
        if value is None:
            return b""
        if of in ("string", "bytes") or of in self.messages:
            content = value.encode() if of == "string" else value if of == "bytes" else self.encode(of, value)
            return _varint(number << 3 | 2) + _varint(len(content)) + content
        if of in self.enums:
            value = next(n for n, name in self.enums[of].items() if name == value)
        return _varint(number << 3) + _varint(int(value) % 2**64)

    def decode(self, kind, content):
        """Bytes as a dictionary of all fields: absent messages are None, absent texts empty, absent numbers zero."""
        fields = self.messages[kind]
        message = {name: [] if many else self._absent(of) for name, of, many in fields.values()}
        at = 0
        while at < len(content):
            tag, at = _read_varint(content, at)
            number, wire_type = tag >> 3, tag & 7
            if wire_type == 0:
                value, at = _read_varint(content, at)
            elif wire_type == 2:
                length, at = _read_varint(content, at)
                value, at = content[at : at + length], at + length
            else:
                raise Lost(f"{kind} has a field of wire type {wire_type}")
            if number not in fields:
                continue
            name, of, many = fields[number]
            decoded = self._decode_value(of, value)
            if many:
                message[name].append(decoded)
            else:
                message[name] = decoded
        return message

    def _absent(self, of):
        if of in self.enums:
            return self.enums[of][0]
        return {"string": "", "bytes": b"", "bool": False}.get(of, None if of in self.messages else 0)

    def _decode_value(self, of, value):
        if of == "string":
            return value.decode()
        if of in self.messages:
            return self.decode(of, value)
        if of in self.enums:
            return self.enums[of].get(value, f"{of} {value}")
        if of in ("int32", "int64"):
            return value - 2**64 if value >= 2**63 else value
        return value


def _varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _read_varint(content, at):
    number = shift = 0
    while True:
        byte = content[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


# HTTP/2, RFC 9113.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
# Settings: no table of headers seen before, no pushes, the largest window for each stream.
OUR_SETTINGS = struct.pack("!HIHIHI", 1, 0, 2, 0, 4, 2**31 - 1)


class Channel:
    """A connection to one listener."""

    def __init__(self, address, schema):
        host, port = address.removeprefix("http://").rsplit(":", 1)
        self.schema = schema
        self.stream = -1
        self.unread = b""
        self.socket = socket.create_connection((host, int(port)), timeout=REPLY_SECONDS_MAX)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # What all replies together may have: 2 GiB, far more than any run reads.
        window = struct.pack("!I", 2**31 - 1 - 65535)
        self._send(PREFACE, frame(SETTINGS, 0, 0, OUR_SETTINGS), frame(WINDOW_UPDATE, 0, 0, window))

    def call(self, method, credential, request):
        """One unary call: a dictionary for a dictionary."""
        path, request_kind, reply_kind = self.schema.methods[method]
        message = self.schema.encode(request_kind, request)
        self.stream += 2
        self._send(
            frame(HEADERS, END_HEADERS, self.stream, header_block(path, credential)),
            frame(DATA, END_STREAM, self.stream, struct.pack("!BI", 0, len(message)) + message),
        )
        reply, trailers = self._answer()
        if trailers.get("grpc-status") == "0" and len(reply) >= 5:
            return self.schema.decode(reply_kind, reply[5:])
        raise Refused(method, trailers.get("grpc-status"), trailers.get("grpc-message", ""), _reason(trailers))

    def close(self):
        self.socket.close()

    def _answer(self):
        """Bytes and header fields of our stream, up to its end."""
        reply, fields = b"", {}
        while True:
            kind, flags, stream, payload = self._frame()
            if kind == SETTINGS and not flags & ACK:
                self._send(frame(SETTINGS, ACK, 0, b""))
            elif kind == PING and not flags & ACK:
                self._send(frame(PING, ACK, 0, payload))
            elif kind == GOAWAY:
                raise Lost("the daemon ended the connection")
            elif stream != self.stream:
                continue
            elif kind == RST_STREAM:
                raise Lost(f"the daemon reset the call: error {int.from_bytes(payload, 'big')}")
            elif kind == DATA:
                reply += payload
            elif kind == HEADERS:
                fields.update(header_fields(payload))
            if stream == self.stream and kind in (DATA, HEADERS) and flags & END_STREAM:
                return reply, fields

    def _frame(self):
        head = self._read(9)
        length = int.from_bytes(head[:3], "big")
        return head[3], head[4], int.from_bytes(head[5:], "big"), self._read(length)

    def _read(self, length):
        while len(self.unread) < length:
            more = self.socket.recv(65536)
            if not more:
                raise Lost("the daemon closed the connection")
            self.unread += more
        content, self.unread = self.unread[:length], self.unread[length:]
        return content

    def _send(self, *parts):
        self.socket.sendall(b"".join(parts))


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def header_block(path, credential):
    """As RFC 7541 has it: POST over http, every field in full, no index, no compression."""
    fields = [
        (":path", path),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("authorization", f"Bearer {credential}"),
    ]
    literals = (b"\0" + _literal(name) + _literal(value) for name, value in fields)
    return bytes([0x83, 0x86]) + b"".join(literals)


def _literal(text):
    content = text.encode()
    length = bytes([len(content)]) if len(content) < 127 else bytes([127]) + _varint(len(content) - 127)
    return length + content


def header_fields(block):
    """The fields whose names are written out, as those of gRPC are. What an index names is passed over: no index refers
    to anything but the fixed table, since we asked for no other."""
    fields, at = {}, 0
    while at < len(block):
        byte = block[at]
        if byte & 0x80:
            _, at = _integer(block, at, 7)
            continue
        if byte & 0xE0 == 0x20:
            _, at = _integer(block, at, 5)
            continue
        name_index, at = _integer(block, at, 6 if byte & 0x40 else 4)
        name = ""
        if not name_index:
            name, at = _text(block, at)
        value, at = _text(block, at)
        if name:
            fields[name] = value
    return fields


def _integer(block, at, prefix_bits):
    most = (1 << prefix_bits) - 1
    number = block[at] & most
    if number < most:
        return number, at + 1
    rest, at = _read_varint(block, at + 1)
    return number + rest, at


def _text(block, at):
    compressed = block[at] & 0x80
    length, at = _integer(block, at, 7)
    content = block[at : at + length]
    return _unpacked(content) if compressed else content.decode("latin-1"), at + length


def _codes():
    """The fixed Huffman code of RFC 7541, appendix B, as far as texts of gRPC need it: by rising length, and within one
    length by rising character, codes count up."""
    by_length = {
        5: "012aceiost",
        6: " %-./3456789=A_bdfghlmnpru",
        7: ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz",
        8: "&*,;XZ",
        10: '!"()?',
        11: "'+|",
        12: "#>",
        13: "\0$@[]~",
        14: "^}",
        15: "<`{",
    }
    codes, code, before = {}, 0, 5
    for length, characters in by_length.items():
        code <<= length - before
        for character in characters:
            codes[(length, code)] = character
            code += 1
        before = length
    return codes


CODES = _codes()


def _unpacked(content):
    text, code, length = [], 0, 0
    for byte in content:
        for shift in range(7, -1, -1):
            code, length = code << 1 | byte >> shift & 1, length + 1
            if (length, code) in CODES:
                text.append(CODES[(length, code)])
                code = length = 0
    return "".join(text)


def _reason(trailers):
    """The reason in ErrorInfo, as it stands among the bytes of the details."""
    encoded = trailers.get("grpc-status-details-bin", "")
    details = b64decode(encoded + "=" * (-len(encoded) % 4))
    reasons = re.findall(rb"\n.([A-Z][A-Z0-9_]{4,})\x12", details, re.DOTALL)
    return "".join(f" ({reason.decode()})" for reason in reasons[:1])


def self_test(schema):
    """Examples of RFC 7541 (C.4.1, C.6.1), and messages there and back."""
    assert _unpacked(bytes.fromhex("f1e3c2e5f23a6ba0ab90f4ff")) == "www.example.com"
    assert _unpacked(bytes.fromhex("aec3771a4b")) == "private"
    assert header_fields(bytes.fromhex("488264025885aec3771a4b") + b"\0\x01a\x01b") == {"a": "b"}
    assert _integer(bytes.fromhex("1f9a0a"), 0, 5) == (1337, 3)
    request = {
        "idempotency_key": "k" * 200,
        "presentment_amount": {"currency_code": "CNY", "minor_units": 10**15 - 1},
        "capture_mode": "CAPTURE_MODE_MANUAL",
    }
    again = schema.decode("AuthorizeRequest", schema.encode("AuthorizeRequest", request))
    assert {name: value for name, value in again.items() if value} == request
    negative = schema.encode("Money", {"currency_code": "HKD", "minor_units": -37})
    assert schema.decode("Money", negative) == {"currency_code": "HKD", "minor_units": -37}
    assert "PaymentService/Authorize" in schema.methods and "SandboxService/AdvanceClock" in schema.methods
