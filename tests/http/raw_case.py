"""One raw request, or several, and what must come back; the builders that the tables of cases share.

A case is judged alike on TCP and on a unix socket (raw_direct.py). Behind nginx its bytes are judged by nginx first (raw_behind.py).
"""
from dataclasses import dataclass

from lib.gateway import IDENTITY, table_path

USERS = table_path("sl", "users")
NOTES = table_path("sl", "notes")
BODY_BYTES_MAX = 65536  # the suite's setting

# The code of a problem by its status, where a case does not say another one.
CODES = {400: "request_malformed", 404: "path_unknown", 405: "method_not_allowed", 408: "request_timeout", 411: "length_required",
         413: "body_too_large", 414: "target_too_long", 431: "head_too_large", 501: "transfer_encoding_unsupported",
         505: "http_version_unsupported"}


@dataclass
class Case:
    """`statuses`: each a status, or a status and a code. A connection that stays open must be in step afterwards."""
    name: str
    data: bytes
    statuses: list
    closes: bool
    pieces: tuple = ()     # cut after each of these lengths
    pause: float = 0.004   # after each cut
    heads: tuple = ()      # indexes of answers to HEAD
    end_sending: bool = False
    notes: int = 0         # rows that it adds to notes
    ids: tuple = ()        # X-Request-Id of each answer, where it matters
    behind: tuple = ()     # statuses that nginx's first answer may have; empty: any but 5xx of its own
    is_behind: bool = True


def request(line="GET /livez HTTP/1.1", headers=(), body=b"", host="Host: a"):
    lines = [line] + ([host] if host is not None else []) + list(headers)
    return "".join(text + "\r\n" for text in lines).encode("latin-1") + b"\r\n" + body


WHO = [f"{name}: {value}" for name, value in IDENTITY]
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
LIVE = request()
LIVE_POST = "POST /livez HTTP/1.1"  # 405 once its body was read
NOTE = b'{"text":"a note"}'
NOTE_POST = f"POST {NOTES} HTTP/1.1"

# What must never run: it would take every row of users, and it says who it is.
EVIL = request(f"DELETE {USERS}?id=ge.0 HTTP/1.1", WHO + ["X-Request-Id: evil"])


def length(count):
    return f"Content-Length: {count}"


def chunk(data, extension=b""):
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


def get_user(number, headers=()):
    return request(f"GET {USERS}?id=eq.{number} HTTP/1.1", WHO + list(headers))


def post_note(body=NOTE, headers=()):
    return request(NOTE_POST, WHO + [JSON, length(len(body))] + list(headers), body)


def post_chunked(chunks, headers=()):
    """`chunks` is the body as sent."""
    return request(NOTE_POST, WHO + [JSON, CHUNKED] + list(headers), chunks)


def refused(name, data, status=400, **more):
    """Refused and closed, with what looks like a second request behind it that must never be answered."""
    return Case(name, data + EVIL, [status], True, **more)


def served(name, data, *statuses, **more):
    return Case(name, data, list(statuses) or [200], False, **more)
