"""A connection that sends bytes as they are given and reads answers strictly: what is malformed, doubled or too long is an error.

`Endpoint` is a place to connect to. One connection, one thread.
"""
import json
import re
import socket
import time

TIMEOUT = 10.0
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
DATE = re.compile(rb"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT")
LEAKS = (b"server", b"x-powered-by", b"exception_what", b"accept-ranges", b"content-encoding", b"transfer-encoding", b"keep-alive")


class Endpoint:
    """TCP by port, or a unix socket by path; `source` is the address to connect from."""

    def __init__(self, port=None, path=None, host="127.0.0.1", source=None):
        self.port, self.path, self.host, self.source = port, path, host, source

    def connect(self, timeout=TIMEOUT, receive_buffer=None):
        raw = socket.socket(socket.AF_UNIX if self.path else socket.AF_INET, socket.SOCK_STREAM)
        try:
            raw.settimeout(timeout)
            if receive_buffer is not None:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            if self.path:
                raw.connect(self.path)
            else:
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self.source:
                    raw.bind((self.source, 0))
                raw.connect((self.host, self.port))
        except OSError:
            raw.close()
            raise
        return raw


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body  # headers: lower-case bytes to bytes

    def header(self, name):
        value = self.headers.get(name.lower().encode())
        return None if value is None else value.decode("latin-1")

    @property
    def request_id(self):
        return self.header("X-Request-Id")

    @property
    def closes(self):
        return (self.header("Connection") or "").lower() == "close"

    def json(self):
        return json.loads(self.body.decode("utf-8"))

    def __repr__(self):
        return f"{self.status} {self.body[:200]!r}"


class Connection:
    def __init__(self, endpoint, timeout=TIMEOUT, receive_buffer=None):
        self.socket = endpoint.connect(timeout, receive_buffer)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        """False when the server closed before it took all: its answer may still be there."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def send_sliced(self, data, pieces, pause):
        """Cut after each length in `pieces`, with a pause after each cut."""
        for piece in pieces:
            self.send(data[:piece])
            data = data[piece:]
            time.sleep(pause)
        self.send(data)

    def end_sending(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def more(self):
        """False at the end of the stream."""
        try:
            data = self.socket.recv(262144)
        except ConnectionError:
            return False
        self.buffer += data
        return bool(data)

    def answer(self, to_head=False):
        """The next answer, 1xx included; None when the connection closed before its first byte. ValueError when it is malformed."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                if self.buffer:
                    raise ValueError(f"half an answer: {self.buffer[:100]!r}")
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.split(b"\r\n")
        parts = lines[0].split(b" ", 2)
        if parts[0] != b"HTTP/1.1" or len(parts) != 3 or not parts[1].isdigit():
            raise ValueError(f"status line {lines[0]!r}")
        status = int(parts[1])
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            if not colon or name.lower() in headers:
                raise ValueError(f"header line {line!r}, malformed or given twice")
            headers[name.lower()] = value.strip()
        if status < 200 or status in (204, 304):
            if b"content-length" in headers:
                raise ValueError(f"{status} with Content-Length")
            return Answer(status, headers, b"")
        if b"content-length" not in headers:
            raise ValueError(f"{status} without Content-Length")
        length = 0 if to_head else int(headers[b"content-length"])
        while len(self.buffer) < length:
            if not self.more():
                raise ValueError("the body is cut short")
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Answer(status, headers, body)

    def exchange(self, data, to_head=False):
        self.send(data)
        return self.answer(to_head)

    def closes(self):
        """True when the server closes without another byte."""
        try:
            return not self.buffer and not self.more()
        except socket.timeout:
            return False


def faults(answer, code=None, to_head=False):
    """What is wrong with the shape of an answer of the gateway: a list of sentences. `code` is the problem's, where one is expected."""
    wrong = []
    if not REQUEST_ID.fullmatch(answer.headers.get(b"x-request-id", b"")):
        wrong.append(f"X-Request-Id is {answer.request_id!r}")
    if not DATE.fullmatch(answer.headers.get(b"date", b"")):
        wrong.append(f"Date is {answer.header('Date')!r}")
    for name, value in (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")):
        if answer.header(name) != value:
            wrong.append(f"{name} is {answer.header(name)!r}")
    wrong += [f"it bears {name.decode()}" for name in LEAKS if name in answer.headers]
    if answer.status >= 400:
        if answer.header("Content-Type") != "application/problem+json":
            wrong.append(f"Content-Type is {answer.header('Content-Type')!r}")
        if to_head:
            return wrong
        try:
            problem = answer.json()
        except ValueError:
            return wrong + [f"the problem is not JSON: {answer.body[:200]!r}"]
        if problem.get("status") != answer.status:
            wrong.append(f"member status is {problem.get('status')}")
        if code is not None and problem.get("code") != code:
            wrong.append(f"code is {problem.get('code')!r}, not {code!r}: {problem.get('detail')}")
    return wrong
