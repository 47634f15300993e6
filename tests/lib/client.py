"""A small HTTP/1.1 client that sends the request target and the headers byte for byte as given and keeps its connection.

It is not http.client because that one re-reads targets and folds headers, and costs three times as much.
One connection, one thread. `audit` is what every answer of the gateway must have, whatever the request was.
"""
import json
import re
import socket
import time

PROBLEM_MEMBERS = {"type", "title", "status", "code", "detail", "hint", "parameter", "position"}
SQL_WORDS = re.compile(r"\b(SELECT\s.*\sFROM|INSERT\s+INTO|DELETE\s+FROM|UPDATE\s+\S+\s+SET|SQLSTATE|errno|mysql_|sqlite3_)\b", re.S)


class Broken(Exception):
    """The connection ended before a whole answer was there."""


class Answer:
    def __init__(self, status, headers, body, closes):
        self.status = status
        self.headers = headers  # list of (name, value), as sent
        self.body = body
        self.closes = closes

    def header(self, name):
        """The one value, or None; several are joined so that a doubled header does not pass unseen."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return " || ".join(values) if values else None

    def json(self):
        return json.loads(self.body.decode("utf-8"))

    def problem(self):
        try:
            value = self.json()
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


class Client:
    def __init__(self, port, headers=(), host="127.0.0.1", timeout=30):
        self.host, self.port, self.timeout = host, port, timeout
        self.identity = list(headers)
        self._socket = None
        self._used = 0.0
        self._buffer = b""
        self._head_cache = {}

    def close(self):
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._buffer = b""

    def _connect(self):
        self.close()
        self._socket = socket.create_connection((self.host, self.port), self.timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request(self, method, target, body=None, headers=(), drop=(), content_type="application/json", identity=True):
        """`target` is str (sent as UTF-8) or bytes, untouched. `body` is bytes, or anything else as JSON."""
        if isinstance(target, str):
            target = target.encode("utf-8")
        lines = [b"Host: " + f"{self.host}:{self.port}".encode()]
        dropped = {name.lower() for name in drop}
        replaced = {name.lower() for name, _ in headers}
        if identity:
            for name, value in self.identity:
                if name.lower() not in dropped and name.lower() not in replaced:
                    lines.append(f"{name}: {value}".encode())
        for name, value in headers:
            raw = value if isinstance(value, bytes) else value.encode("utf-8")
            lines.append(name.encode() + b": " + raw)
        payload = b""
        if body is not None:
            payload = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode("utf-8")
            if content_type is not None and "content-type" not in replaced:
                lines.append(b"Content-Type: " + content_type.encode())
            lines.append(b"Content-Length: " + str(len(payload)).encode())
        elif method in ("POST", "PUT", "PATCH"):
            lines.append(b"Content-Length: 0")
        raw = method.encode() + b" " + target + b" HTTP/1.1\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + payload
        return self.exchange(raw, is_head=method == "HEAD")

    def exchange(self, raw, is_head=False):
        fresh = self._socket is None or time.monotonic() - self._used > 20
        if fresh:
            self._connect()
        try:
            try:
                self._socket.sendall(raw)
            except OSError:
                pass  # refused before it was read whole: the answer may still be there
            answer = self._read(is_head)
        except (Broken, OSError) as error:
            self.close()
            if isinstance(error, Broken):
                raise
            raise Broken(str(error)) from error
        self._used = time.monotonic()
        if answer.closes:
            self.close()
        return answer

    def _more(self):
        chunk = self._socket.recv(262144)
        if not chunk:
            raise Broken(f"connection closed; {len(self._buffer)} bytes were there: {self._buffer[:200]!r}")
        self._buffer += chunk

    def _read(self, is_head):
        while True:
            while b"\r\n\r\n" not in self._buffer:
                self._more()
            head, _, rest = self._buffer.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            status = int(lines[0].split(" ", 2)[1])
            self._buffer = rest
            if status != 100:
                break
        headers = []
        length, closes = None, False
        for line in lines[1:]:
            name, _, value = line.partition(":")
            value = value.strip()
            headers.append((name, value))
            lowered = name.lower()
            if lowered == "content-length":
                length = int(value)
            elif lowered == "connection" and "close" in value.lower():
                closes = True
            elif lowered == "transfer-encoding":
                raise Broken("a chunked answer: none is expected")
        if is_head or status in (204, 304):
            return Answer(status, headers, b"", closes)
        if length is None:
            raise Broken("an answer without Content-Length")
        parts, have = [self._buffer], len(self._buffer)
        while have < length:
            chunk = self._socket.recv(262144)
            if not chunk:
                raise Broken(f"connection closed {length - have} bytes before the body's end")
            parts.append(chunk)
            have += len(chunk)
        whole = b"".join(parts)
        self._buffer = whole[length:]
        return Answer(status, headers, whole[:length], closes)


def audit(answer, method="GET", is_hostile=False):
    """What is wrong with the shape of this answer: a list of sentences, empty when all is well. A hostile request holds SQL itself, which a
    problem may name."""
    wrong = []
    if not answer.header("X-Request-Id"):
        wrong.append("no X-Request-Id")
    if answer.header("Cache-Control") != "no-store":
        wrong.append(f"Cache-Control is {answer.header('Cache-Control')}")
    if answer.header("X-Content-Type-Options") != "nosniff":
        wrong.append(f"X-Content-Type-Options is {answer.header('X-Content-Type-Options')}")
    if answer.status < 400:
        return wrong
    if answer.header("Content-Type") != "application/problem+json":
        wrong.append(f"Content-Type of a problem is {answer.header('Content-Type')}")
    if answer.status in (429, 503) and not answer.header("Retry-After"):
        wrong.append(f"{answer.status} without Retry-After")
    if method == "HEAD":
        return wrong
    try:
        problem = answer.json()
    except ValueError:
        return wrong + ["the problem is not JSON"]
    if not isinstance(problem, dict):
        return wrong + ["the problem is no object"]
    if set(problem) - PROBLEM_MEMBERS:
        wrong.append(f"unknown members {sorted(set(problem) - PROBLEM_MEMBERS)}")
    for name in ("type", "title", "status", "code", "detail"):
        if name not in problem:
            wrong.append(f"no member {name}")
    if problem.get("status") != answer.status:
        wrong.append(f"member status is {problem.get('status')}, the answer's is {answer.status}")
    if not re.fullmatch(r"[a-z][a-z_]*", str(problem.get("code"))):
        wrong.append(f"code is {problem.get('code')!r}")
    if not is_hostile and SQL_WORDS.search(str(problem.get("detail")) + str(problem.get("hint"))):
        wrong.append(f"SQL in the problem: {problem}")
    if "position" in problem and not (isinstance(problem["position"], int) and problem["position"] >= 0):
        wrong.append(f"position is {problem['position']!r}")
    return wrong
