"""Cases of connections: pipelining, keep-alive and close, HTTP/1.0, HEAD, half-closed clients (RFC 9112 section 9)."""
from raw_case import (CHUNKED, EVIL, LIVE, LIVE_POST, NOTE, USERS, WHO, Case, chunk, get_user, length, post_chunked, post_note, request, served)

END = b"0\r\n\r\n"


def tagged(count, prefix):
    return tuple(f"{prefix}-{index}" for index in range(count))


def pipelined():
    for count in (2, 10, 100):
        ids = tagged(count, f"p{count}")
        data = b"".join(get_user(index % 50 + 1, [f"X-Request-Id: {name}"]) for index, name in enumerate(ids))
        yield served(f"{count} requests in one segment", data, *([200] * count), ids=ids, is_behind=count < 100)
    mixture = (LIVE + post_note() + get_user(3) + post_chunked(chunk(NOTE) + END) + request("HEAD /livez HTTP/1.1") + request(LIVE_POST, [length(5)], b"hello")
               + request(f"DELETE {USERS} HTTP/1.1", WHO) + request("GET /unknown HTTP/1.1") + LIVE)
    statuses = [200, 201, 200, 201, 200, 405, (406, "filter_required"), 404, 200]
    yield served("a mixture with bodies in one segment", mixture, *statuses, heads=(4,), notes=2)
    yield served("a mixture in slices of 7 bytes", mixture, *statuses, heads=(4,), notes=2, pieces=(7,) * (len(mixture) // 7), pause=0.0005)
    yield served("an empty line between two requests", LIVE + b"\r\n" + LIVE, 200, 200)
    yield Case("two empty lines between two requests", LIVE + b"\r\n\r\n" + LIVE + EVIL, [200, 400], True)
    yield Case("a fault in the middle: answers in order, then closed", LIVE + get_user(1) + request(headers=["X : a"]) + LIVE + EVIL, [200, 200, 400], True)
    yield Case("a bad chunk in the middle", LIVE + post_chunked(b"x\r\n") + LIVE + EVIL, [200, 400], True)
    yield Case("413 in the middle", LIVE + request(f"POST {USERS} HTTP/1.1", WHO + ["Content-Type: application/json", length(1 << 30)]) + LIVE + EVIL,
               [200, 413], True)
    yield Case("Connection: close in the middle", LIVE + request(headers=["Connection: close"]) + EVIL, [200, 200], True)
    yield Case("half a request behind a whole one", LIVE + EVIL[:-2], [200], True, end_sending=True, is_behind=False)
    yield Case("10 requests of a client that ends its side", LIVE * 10, [200] * 10, True, end_sending=True)
    yield Case("more bytes than a body has are a bad request", request(LIVE_POST, [length(5)], b"hello, world\r\n\r\n") + EVIL, [405, 400], True)


def lifetimes():
    for value in ("close", "Close", "keep-alive, Close", "CLOSE , x", "x,,close", "\tclose"):
        yield Case(f"Connection '{value}' closes", request(headers=[f"Connection: {value}"]) + EVIL, [200], True, behind=(200,))
    yield Case("the second of two Connection headers closes", request(headers=["Connection: keep-alive", "Connection: close"]) + EVIL, [200], True)
    for value in ("closed", "keep-alive", "x-close", "", "Host, Content-Length"):
        yield served(f"Connection '{value}' does not close", request(headers=[f"Connection: {value}"]))
    yield served("Keep-Alive and Proxy-Connection say nothing", request(headers=["Keep-Alive: timeout=0", "Proxy-Connection: close"]))
    yield Case("HTTP/1.0 closes", request("GET /livez HTTP/1.0", host=None) + EVIL, [200], True, behind=(200,))
    yield Case("HTTP/1.0 with Host closes", request("GET /livez HTTP/1.0") + EVIL, [200], True)
    yield served("HTTP/1.0 kept alive", request("GET /livez HTTP/1.0", ["Connection: Keep-Alive"]))
    yield Case("HTTP/1.0 kept alive and closed", request("GET /livez HTTP/1.0", ["Connection: keep-alive, close"]) + EVIL, [200], True)
    yield served("HTTP/1.0 with a body", request("POST /livez HTTP/1.0", ["Connection: keep-alive", length(5)], b"hello"), 405)
    yield served("HTTP/1.0 has no 100-continue", request("POST /livez HTTP/1.0", ["Connection: keep-alive", "Expect: 100-continue", length(5)]) + b"hello",
                 405, pieces=(110,), pause=0.05)
    yield served("HEAD has no body", request("HEAD /livez HTTP/1.1"), heads=(0,))
    yield Case("a refused HEAD has no body", request("HEAD * HTTP/1.1") + EVIL, [400], True, heads=(0,))
    yield served("an unknown path's HEAD has no body", request("HEAD /unknown HTTP/1.1"), 404, heads=(0,))
    yield served("204 has no Content-Length", request(f"OPTIONS {USERS} HTTP/1.1", WHO), 204)
    yield Case("a request whose sender has ended its side", LIVE, [200], True, end_sending=True, is_behind=False)
    yield Case("a write whose sender has ended its side", post_note(), [201], True, end_sending=True, notes=1, is_behind=False)
    yield Case("chunks of a sender that has ended its side", post_chunked(chunk(NOTE) + END), [201], True, end_sending=True, notes=1, is_behind=False)
    yield served("chunks for a path that has no rows", request(LIVE_POST, [CHUNKED], chunk(EVIL) + END), 405)
    yield served("one byte at a time", LIVE, pieces=(1,) * (len(LIVE) - 1), pause=0.001)
    post = post_note()
    yield served("a write, one byte at a time", post, 201, notes=1, pieces=(1,) * (len(post) - 1), pause=0.0005)


def cases():
    yield from pipelined()
    yield from lifetimes()
