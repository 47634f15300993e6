#!/usr/bin/env python3
"""Requests as raw bytes against a running gateway: `raw_http.py HOST PORT`.

Each case sends bytes that no HTTP client would send and expects exact statuses, and whether the connection closes afterwards.
A connection that must stay open is proved to be in step by one more request on it. Needs the paths /livez (GET: 200, other
methods: 405) and an unknown path (404), no tenant and no database. Python's standard library only.
Prints each failure, then `N passed, M failed`; exits 1 when one failed.
"""
import socket
import sys
import threading
import time

HOST, PORT = sys.argv[1], int(sys.argv[2])
TIMEOUT = 8.0
FAMILY = socket.AF_INET6 if ":" in HOST else socket.AF_INET
results = []
results_lock = threading.Lock()


def note(name, problem):
    with results_lock:
        results.append(problem is None)
        if problem is not None:
            print(f"FAILED: {name}: {problem}")


class Connection:
    def __init__(self):
        self.socket = socket.socket(FAMILY, socket.SOCK_STREAM)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect((HOST, PORT))
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # refused while still sending: the answer tells

    def more(self):
        """False at the end of the stream."""
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            return False
        self.buffer += data
        return bool(data)

    def response(self, to_head=False):
        """(status, headers, body), or None when the connection closed before one. Raises ValueError when it is malformed."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                if self.buffer:
                    raise ValueError(f"half an answer: {self.buffer[:100]!r}")
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.split(b"\r\n")
        parts = lines[0].split(b" ", 2)
        if parts[0] != b"HTTP/1.1" or len(parts) != 3:
            raise ValueError(f"status line {lines[0]!r}")
        status = int(parts[1])
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            if name.lower() in headers:
                raise ValueError(f"header {name!r} twice")
            headers[name.lower()] = value.strip()
        length = 0 if to_head or status in (204, 304) or status < 200 else int(headers[b"content-length"])
        while len(self.buffer) < length:
            if not self.more():
                raise ValueError("the body is cut short")
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return status, headers, body

    def closes(self):
        """True when the server closes without another byte."""
        if self.buffer:
            return False
        try:
            return not self.more()
        except socket.timeout:
            return False


def case(name, data, statuses, closes, pieces=None, heads=(), end_sending=False):
    """`data` is sent whole, or cut after each length in `pieces`; `heads` are the indexes of answers to HEAD."""
    try:
        with Connection() as connection:
            rest = data
            for piece in pieces or ():
                connection.send(rest[:piece])
                rest = rest[piece:]
                time.sleep(0.02)
            connection.send(rest)
            if end_sending:
                connection.socket.shutdown(socket.SHUT_WR)
            for index, expected in enumerate(statuses):
                answer = connection.response(index in heads)
                if answer is None:
                    return note(name, f"closed instead of answer {index + 1}, {expected}")
                status, headers, body = answer
                if status != expected:
                    return note(name, f"answer {index + 1} is {status}, not {expected}: {body[:200]!r}")
                is_last = index + 1 == len(statuses)
                says_close = headers.get(b"connection", b"").lower() == b"close"
                if status >= 200 and not end_sending and says_close != (closes and is_last):
                    return note(name, f"answer {index + 1} says Connection: {headers.get(b'connection')!r}")
            if closes:
                return note(name, None if connection.closes() else "the connection stays open")
            connection.send(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = connection.response()
            return note(name, None if answer is not None and answer[0] == 200 else f"out of step afterwards: {answer!r}")
    except (OSError, ValueError) as error:
        return note(name, f"{type(error).__name__}: {error}")


def request(line="GET /livez HTTP/1.1", headers=(), body=b"", host="Host: a"):
    lines = [line] + ([host] if host else []) + list(headers)
    return "".join(text + "\r\n" for text in lines).encode("latin-1") + b"\r\n" + body


LIVE = request()
EVIL = b"GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"
POST = "POST /livez HTTP/1.1"
CHUNKED = ["Transfer-Encoding: chunked"]


def refuses(name, data, status=400):
    """Refused, with what looks like a second request behind it that must never be answered."""
    case(name, data + EVIL, [status], True)


def slow_cases():
    """Run beside the others, for they wait for the server's deadlines."""
    with Connection() as silent, Connection() as slow:
        for connection in (silent, slow):
            connection.socket.settimeout(20)
        slow.send(b"GET /livez HTTP/1.1\r\nHo")
        try:
            answer = slow.response()
            note("a head that never ends is 408", None if answer and answer[0] == 408 and slow.closes() else repr(answer))
        except (OSError, ValueError) as error:
            note("a head that never ends is 408", repr(error))


def request_lines():
    case("a plain request", LIVE, [200], False)
    case("an unknown path", request("GET /evil HTTP/1.1"), [404], False)
    case("one empty line before a request", b"\r\n" + LIVE, [200], False)
    refuses("two empty lines before a request", b"\r\n\r\n" + LIVE)
    refuses("lower-case version", request("GET /livez http/1.1"))
    refuses("two blanks", request("GET  /livez HTTP/1.1"))
    refuses("a tab for a blank", request("GET\t/livez HTTP/1.1"))
    refuses("a blank at the end", request("GET /livez HTTP/1.1 "))
    refuses("HTTP/0.9", b"GET /livez\r\n\r\n")
    refuses("no target", request("GET HTTP/1.1"))
    refuses("absolute-form", request("GET http://a/livez HTTP/1.1"))
    refuses("authority-form", request("CONNECT a:80 HTTP/1.1"))
    refuses("asterisk-form", request("OPTIONS * HTTP/1.1"))
    refuses("a raw fragment", request("GET /livez#a HTTP/1.1"))
    refuses("a control character in the target", request("GET /livez\x01 HTTP/1.1"))
    refuses("a method that is no token", request("G{T /livez HTTP/1.1"))
    refuses("HTTP/2.0", request("GET /livez HTTP/2.0"), 505)
    refuses("HTTP/1.2", request("GET /livez HTTP/1.2"), 505)
    refuses("the HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    refuses("TLS on the plain port", bytes([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00]))
    refuses("a target over 8 KiB", request("GET /" + "a" * 8192 + " HTTP/1.1"), 414)
    case("a target over 8 KiB that never ends", b"GET /" + b"a" * 8300, [414], True)
    case("raw UTF-8 in the target", b"GET /\xc3\xa4?\"<>^{|} HTTP/1.1\r\nHost: a\r\n\r\n", [404], False)
    for target in ("/v1/%00", "/v1/%zz", "/v1/../x", "/v1/%2e%2e/x", "/v1//x", "/v1/%ff"):
        case(f"path {target}", request(f"GET {target} HTTP/1.1"), [400], False)


def header_lines():
    refuses("bare LF at every line", b"GET /livez HTTP/1.1\nHost: a\n\n")
    case("bare LF, the head never ends", b"GET /livez HTTP/1.1\n", [400], True)
    refuses("bare LF in one header", b"GET /livez HTTP/1.1\r\nHost: a\nX: b\r\n\r\n")
    refuses("bare CR in a value", b"GET /livez HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n")
    refuses("a folded line", request(headers=["X: a", " b"]))
    refuses("a line that begins with a tab", request(headers=["\tX: a"]))
    refuses("a blank before the colon", request(headers=["X : a"]))
    refuses("a blank before the colon of Content-Length", request(POST, ["Content-Length : 5"], b"hello"))
    refuses("no colon", request(headers=["X"]))
    refuses("an empty name", request(headers=[": a"]))
    refuses("NUL in a value", request(headers=["X: a\0b"]))
    refuses("a control character in a value", request(headers=["X: a\x0bb"]))
    refuses("no Host", request(host=None))
    refuses("two Hosts", request(headers=["Host: b"]))
    refuses("a Host with a path", request(host="Host: a/b"))
    refuses("101 headers", request(headers=["X: a"] * 100), 431)
    refuses("a head over 16 KiB", request(headers=["X: " + "a" * 16384]), 431)
    case("100 headers", request(headers=["X: a"] * 99), [200], False)
    case("bytes above 127 in a value", request(headers=["X: \xff\xfe"]), [200], False)
    case("percent escapes in a value are not decoded", request(headers=["X: a%0d%0aContent-Length: 5"]), [200], False)


def framing():
    refuses("Content-Length and chunked", request(POST, ["Content-Length: 5"] + CHUNKED, b"0\r\n\r\n"))
    refuses("chunked and Content-Length", request(POST, CHUNKED + ["Content-Length: 5"], b"0\r\n\r\n"))
    refuses("two equal Content-Lengths", request(POST, ["Content-Length: 5"] * 2, b"hello"))
    refuses("two Content-Lengths", request(POST, ["Content-Length: 5", "Content-Length: 6"], b"hello"))
    for value in ("+5", "-1", "5, 5", "0x5", "", "5 5", "five", "5.0"):
        refuses(f"Content-Length '{value}'", request(POST, [f"Content-Length: {value}"], b"hello"))
    for value in ("gzip, chunked", "identity", "xchunked", "chunked, chunked", "gzip"):
        refuses(f"Transfer-Encoding '{value}'", request(POST, [f"Transfer-Encoding: {value}"], b"0\r\n\r\n"), 501)
    refuses("two Transfer-Encodings", request(POST, CHUNKED * 2, b"0\r\n\r\n"))
    refuses("chunked in HTTP/1.0", request("POST /livez HTTP/1.0", CHUNKED, b"0\r\n\r\n"))
    refuses("an unknown expectation", request(POST, ["Expect: 200-maybe", "Content-Length: 0"]))
    case("a Content-Length past 64 bits", request(POST, ["Content-Length: 18446744073709551617"], b"a"), [405], True)
    case("a Content-Length past the limit", request(POST, ["Content-Length: 99999999999"], b"a"), [405], True)
    case("the body of a GET is no request", request(headers=[f"Content-Length: {len(EVIL)}"], body=EVIL), [200], False)
    case("the body of a HEAD is no request", request("HEAD /livez HTTP/1.1", [f"Content-Length: {len(EVIL)}"], EVIL), [200], False, heads=(0,))
    case("the chunked body of a GET is no request", request(headers=CHUNKED, body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(EVIL), EVIL)), [200], False)
    case("an empty body", request(POST, ["Content-Length: 0"]), [405], False)


def chunks():
    case("chunks", request(POST, CHUNKED, b"5\r\nhello\r\n00A;a=\"b\"\r\n0123456789\r\n0\r\nX: y\r\n\r\n"), [405], False)
    whole = request(POST, CHUNKED, b"5\r\nhello\r\n0\r\n\r\n")
    case("chunks in many pieces", whole, [405], False, pieces=[10, 40, 20, 1, 1, 1, 1, 3])
    bad = {"negative": b"-2\r\nab\r\n0\r\n\r\n", "signed": b"+2\r\nab\r\n0\r\n\r\n", "prefixed": b"0x2\r\nab\r\n0\r\n\r\n", "no size": b"\r\nab\r\n0\r\n\r\n",
           "blank before": b" 2\r\nab\r\n0\r\n\r\n", "blank after": b"2 \r\nab\r\n0\r\n\r\n", "bare LF": b"2\nab\n0\n\n", "data too long": b"2\r\nabc\r\n0\r\n\r\n",
           "LF after data": b"2\r\nab\n0\r\n\r\n", "17 digits": b"00000000000000002\r\nab\r\n0\r\n\r\n", "LF in extension": b"2;a\nb\r\nab\r\n0\r\n\r\n",
           "trailer without colon": b"0\r\nbad\r\n\r\n", "folded trailer": b"0\r\nA: b\r\n c\r\n\r\n", "long extension": b"2;" + b"a" * 20000 + b"\r\nab\r\n0\r\n\r\n"}
    for name, body in bad.items():
        refuses(f"chunk: {name}", request(POST, CHUNKED, body))
    case("a chunk past 64 bits less one", request(POST, CHUNKED, b"ffffffffffffffff\r\n") + EVIL, [405], True)
    case("a trailer is no header", request(POST, CHUNKED, b"0\r\nContent-Length: 30\r\nHost: b\r\n\r\n"), [405], False)


def connections():
    case("three pipelined requests", LIVE + request("GET /evil HTTP/1.1") + request(POST, ["Content-Length: 5"], b"hello"), [200, 404, 405], False)
    case("one byte at a time", LIVE, [200], False, pieces=[1] * (len(LIVE) - 1))
    case("Connection: close", request(headers=["Connection: close"]) + EVIL, [200], True)
    case("Connection: Close in a list", request(headers=["Connection: keep-alive, Close"]) + EVIL, [200], True)
    case("Connection: closed is no close", request(headers=["Connection: closed"]), [200], False)
    case("HTTP/1.0 closes", request("GET /livez HTTP/1.0", host=None), [200], True)
    case("HTTP/1.0 kept alive", request("GET /livez HTTP/1.0", ["Connection: Keep-Alive"]), [200], False)
    case("HEAD has no body", request("HEAD /livez HTTP/1.1"), [200], False, heads=(0,))
    case("a refused HEAD has no body", request("HEAD * HTTP/1.1"), [400], True, heads=(0,))
    case("a request whose sender has ended its side", LIVE, [200], True, end_sending=True)
    case("a body cut short is not served", request(POST, ["Content-Length: 5"], b"hel"), [], True, end_sending=True)
    case("nothing at all is not answered", b"", [], True, end_sending=True)
    case("100-continue", request(POST, ["Expect: 100-continue", "Content-Length: 5"]) + b"", [100], True, end_sending=True)
    case("no 100-continue for what is too large", request(POST, ["Expect: 100-continue", "Content-Length: 99999999999"]), [405], True)


def main():
    beside = threading.Thread(target=slow_cases)
    beside.start()
    for group in (request_lines, header_lines, framing, chunks, connections):
        group()
    beside.join()
    failed = results.count(False)
    print(f"{results.count(True)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
