"""The tests' own reading of a literal and their own comparison, type by type; shares no code and no SQL with the gateway.

A family reads a literal to a Python value or raises Invalid (`read` for a filter, `store` for a body) and reads a database cell to
the same kind of value (`cell`). Which rows equal a value and which are less follows from Python's own comparison; text alone is asked
of the database, by a query of the tests' own.
"""
import datetime
import ipaddress
import json
import re
import struct
from decimal import Decimal, getcontext
from fractions import Fraction

getcontext().prec = 500  # no rounding of the tests' own
INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
CLOCK = r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?"
DATETIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]" + CLOCK + r"(Z|[+-][0-9]{2}:[0-9]{2})?)?")
TIME = re.compile(r"(-?)([0-9]{2,3}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?")
UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")


class Invalid(Exception):
    """The literal is not of the type."""


class Foreign:
    """A SQLite cell of another storage class: no comparison matches it."""

    def __repr__(self):
        return "FOREIGN"


FOREIGN = Foreign()


def full(pattern, text):
    found = pattern.fullmatch(text)
    if not found or not text.isascii():
        raise Invalid
    return found


class Family:
    classes = ()           # SQLite's storage classes of a cell that counts
    select = "v"           # how the tests read a cell
    is_text = False
    json_numbers = False   # a JSON number may be stored
    json_booleans = False
    is_comparable = True

    def __init__(self, sqlite=False):
        self.sqlite = sqlite

    def read(self, text):
        raise NotImplementedError

    def store(self, text):
        return self.read(text)

    def cell(self, value):
        return value

    def store_json(self, raw):
        """A JSON value as sent, not a string: number, true, false, null, array, object."""
        if raw == "null":
            return None
        if raw in ("true", "false"):
            if not self.json_booleans:
                raise Invalid
            return self.store(raw)
        if raw[0] in "[{" or not self.json_numbers:
            raise Invalid
        return self.store(raw)


class Integer(Family):
    classes = ("integer",)
    json_numbers = True

    def __init__(self, low, high, sqlite=False):
        super().__init__(sqlite)
        self.low, self.high = low, high

    def read(self, text):
        value = int(full(INTEGER, text)[0])
        if not self.low <= value <= self.high:
            raise Invalid
        return value

    def store(self, text):
        value = self.read(text)
        if self.sqlite and value > 2 ** 63 - 1:
            raise Invalid
        return value


class Bit(Integer):
    select = "v+0"

    def __init__(self, bits, sqlite=False):
        super().__init__(0, 2 ** bits - 1, sqlite)


class Boolean(Family):
    classes = ("integer",)
    json_numbers = json_booleans = True

    def read(self, text):
        try:
            return {"0": 0, "1": 1, "false": 0, "true": 1}[text]
        except KeyError:
            raise Invalid from None


class Exact(Family):
    """DECIMAL(precision, scale)."""
    classes = ("integer", "real")
    json_numbers = True

    def __init__(self, precision, scale, sqlite=False, unsigned=False):
        super().__init__(sqlite)
        self.precision, self.scale, self.unsigned = precision, scale, unsigned

    def read(self, text):
        value = Decimal(full(NUMBER, text)[0])
        if self.sqlite and len("".join(str(digit) for digit in value.as_tuple().digits).strip("0")) > 15:
            raise Invalid
        return value

    def store(self, text):
        value = self.read(text)
        if value and Fraction(value) * 10 ** self.scale % 1 != 0:
            raise Invalid
        if abs(value) >= Decimal(10) ** (self.precision - self.scale) or self.unsigned and value < 0:
            raise Invalid
        return value

    def cell(self, value):
        return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


class Double(Family):
    classes = ("real",)
    json_numbers = True

    def read(self, text):
        value = float(full(NUMBER, text)[0])
        if value in (float("inf"), float("-inf")):
            raise Invalid
        return value


def nearest_float(text_or_value):
    exact = Fraction(Decimal(text_or_value)) if isinstance(text_or_value, str) else Fraction(text_or_value)
    try:
        near = struct.unpack("f", struct.pack("f", float(exact)))[0]
    except OverflowError:
        raise Invalid from None
    if near in (float("inf"), float("-inf")):
        raise Invalid
    bits = struct.unpack("I", struct.pack("f", near))[0]
    best = near
    for step in (-1, 1):  # float() rounded once already: the neighbour may be nearer
        try:
            other = struct.unpack("f", struct.pack("I", bits + step))[0]
        except struct.error:
            continue
        if other == other and abs(other) != float("inf") and abs(Fraction(other) - exact) < abs(Fraction(best) - exact):
            best = other
    return best


class Single(Double):
    select = "v+0e0"

    def read(self, text):
        full(NUMBER, text)
        return nearest_float(text)

    def cell(self, value):
        return nearest_float(float(value))


def micro(fraction):
    return int((fraction or "").ljust(6, "0") or 0)


class Day(Family):
    classes = ("text",)
    select = "CAST(v AS CHAR)"

    def read(self, text):
        year, month, day = (int(part) for part in full(DATE, text).groups())
        try:
            return datetime.datetime(year, month, day)
        except ValueError:
            raise Invalid from None

    def cell(self, value):
        return self.read(value)


class Moment(Family):
    """DATETIME(digits); TIMESTAMP(digits) with `zone`."""
    classes = ("text",)
    select = "CAST(v AS CHAR)"

    def __init__(self, digits, zone=False, sqlite=False):
        super().__init__(sqlite)
        self.digits, self.zone = digits, zone

    def read(self, text):
        day, hour, minute, second, fraction, zone = full(DATETIME, text).groups()
        if zone and not self.zone:
            raise Invalid
        value = Day().read(day)
        if hour is None:
            return value
        if int(hour) > 23 or int(minute) > 59 or int(second) > 59:
            raise Invalid
        value += datetime.timedelta(hours=int(hour), minutes=int(minute), seconds=int(second), microseconds=micro(fraction))
        if zone and zone != "Z":
            hours, minutes = int(zone[1:3]), int(zone[4:6])
            if hours > 14 or minutes > 59 or hours == 14 and minutes:
                raise Invalid
            shift = datetime.timedelta(hours=hours, minutes=minutes)
            value = value - shift if zone[0] == "+" else value + shift
        return value

    def store(self, text):
        value = self.read(text)
        if value.microsecond % 10 ** (6 - self.digits):
            raise Invalid
        if self.zone and not datetime.datetime(1970, 1, 1, 0, 0, 1) <= value <= datetime.datetime(2038, 1, 19, 3, 14, 7, 999999):
            raise Invalid
        return value

    def cell(self, value):
        return Moment(6).read(value)


class Clock(Family):
    classes = ("text",)
    select = "CAST(v AS CHAR)"

    def __init__(self, digits, sqlite=False):
        super().__init__(sqlite)
        self.digits = digits

    def read(self, text):
        sign, hours, minutes, seconds, fraction = full(TIME, text).groups()
        if int(minutes) > 59 or int(seconds) > 59:
            raise Invalid
        value = ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000000 + micro(fraction)
        if value >= 839 * 3600 * 1000000:
            raise Invalid
        return -value if sign else value

    def store(self, text):
        value = self.read(text)
        if abs(value) % 10 ** (6 - self.digits):
            raise Invalid
        return value

    def cell(self, value):
        return self.read(value)


class Uuid(Family):
    classes = ("text",)
    select = "CAST(v AS CHAR)"

    # MariaDB keeps UUIDs of the known versions and variants only: one of another equals no cell, and is not stored.
    NOT_KEPT = "17cf3c34-e314-f27c-237e-f8421f087854"

    def read(self, text):
        return full(UUID, text)[0].lower()

    def store(self, text):
        value = self.read(text)
        if not self.sqlite and value == self.NOT_KEPT:
            raise Invalid
        return value


class Address(Family):
    select = "CAST(v AS CHAR)"

    def __init__(self, version):
        super().__init__()
        self.version = version

    def read(self, text):
        try:
            if not text.isascii():
                raise Invalid
            return ipaddress.IPv4Address(text) if self.version == 4 else ipaddress.IPv6Address(text)
        except ValueError:
            raise Invalid from None

    def cell(self, value):
        return self.read(value)


class Bytes(Family):
    classes = ("blob",)

    def __init__(self, most=None, exactly=None, sqlite=False):
        super().__init__(sqlite)
        self.most, self.exactly = most, exactly

    def read(self, text):
        if text.startswith("\\x") and re.fullmatch(r"([0-9a-fA-F]{2})*", text[2:]):
            return bytes.fromhex(text[2:])
        if text.startswith("b64:") and re.fullmatch(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text[4:]):
            import base64
            value = base64.b64decode(text[4:])
            if base64.b64encode(value).decode() == text[4:]:
                return value
        raise Invalid

    def store(self, text):
        value = self.read(text)
        if self.most is not None and len(value) > self.most or self.exactly is not None and len(value) != self.exactly:
            raise Invalid
        return value


class Document(Family):
    """JSON: only `is`; in a body any JSON value."""
    is_comparable = False

    def read(self, text):
        raise Invalid

    def store(self, text):
        return ("json", text)

    def store_json(self, raw):
        if raw == "null":
            return None
        value = json.loads(raw)
        # SQLite turns a lone number into one of its own, so only what comes out as it was written is stored.
        if self.sqlite and isinstance(value, (int, float)) and not isinstance(value, bool):
            if isinstance(value, int) and not -2 ** 63 <= value < 2 ** 63 or str(value) != raw or raw.endswith(".0"):
                raise Invalid
        return ("json", value)

    def cell(self, value):
        return ("json", json.loads(value) if isinstance(value, (str, bytes)) else value)


class Shape(Family):
    """GEOMETRY: only `is`."""
    is_comparable = False
    select = "HEX(v)"

    def read(self, text):
        raise Invalid


class Text(Family):
    classes = ("text",)
    is_text = True

    def __init__(self, characters=None, charset="utf8mb4", collation=None, fixed=False, sqlite=False):
        super().__init__(sqlite)
        self.characters, self.charset, self.collation, self.fixed = characters, charset, collation, fixed

    def holds(self, text):
        if self.charset == "latin1":
            try:
                text.encode("cp1252")
                return True
            except UnicodeEncodeError:
                return all(ord(letter) < 256 for letter in text)
        return self.charset != "utf8mb3" or all(ord(letter) < 0x10000 for letter in text)

    def read(self, text):
        return text

    def store(self, text):
        if not self.holds(text) or self.characters is not None and len(text) > self.characters or self.fixed and text.endswith(" "):
            raise Invalid
        return text


class Member(Text):
    """ENUM and SET: by name, exactly; compared as text."""
    select = "CAST(v AS CHAR)"

    def __init__(self, members, is_set=False):
        super().__init__(collation="utf8mb4_general_ci")
        self.is_text = False
        self.members, self.is_set = members, is_set

    def read(self, text):
        if not self.is_set:
            if text not in self.members:
                raise Invalid
            return text
        parts = text.split(",") if text else []
        if len(set(parts)) != len(parts) or any(part not in self.members for part in parts):
            raise Invalid
        return ",".join(member for member in self.members if member in parts)

    store = read
