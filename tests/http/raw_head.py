"""Cases of request lines and header lines (RFC 9112 sections 2 to 5, RFC 9110 section 7)."""
from raw_case import EVIL, LIVE, NOTES, USERS, WHO, Case, get_user, length, refused, request, served


def request_lines():
    yield served("a plain request", LIVE, behind=(200,))
    yield served("an unknown path", request("GET /unknown HTTP/1.1"), 404)
    yield served("one empty line before a request", b"\r\n" + LIVE)
    yield refused("two empty lines before a request", b"\r\n\r\n" + LIVE)
    yield refused("a bare LF before a request", b"\n" + LIVE)
    yield refused("a blank before the method", request(" GET /livez HTTP/1.1"))
    yield refused("a lower-case version", request("GET /livez http/1.1"))
    yield refused("two blanks", request("GET  /livez HTTP/1.1"))
    yield refused("a tab for a blank", request("GET\t/livez HTTP/1.1"))
    yield refused("a blank at the end of the line", request("GET /livez HTTP/1.1 "))
    yield refused("a blank in the target", request("GET /livez a HTTP/1.1"))
    yield refused("HTTP/0.9", b"GET /livez\r\n\r\n")
    yield refused("no target", request("GET HTTP/1.1"))
    yield refused("no target between two blanks", request("GET  HTTP/1.1"))
    yield refused("absolute-form", request("GET http://a/livez HTTP/1.1"))
    yield refused("absolute-form of another host", request("GET http://b/livez HTTP/1.1"))
    yield refused("authority-form", request("CONNECT a:80 HTTP/1.1"))
    yield refused("asterisk-form", request("OPTIONS * HTTP/1.1"))
    yield refused("a target without its slash", request("GET livez HTTP/1.1"))
    yield refused("a raw fragment", request("GET /livez#a HTTP/1.1"))
    for byte in ("\x01", "\x00", "\x7f", "\t", "\x1b"):
        yield refused(f"byte {ord(byte):#04x} in the target", request(f"GET /li{byte}vez HTTP/1.1"))
    yield refused("a method that is no token", request("G{T /livez HTTP/1.1"))
    yield refused("a method of 33 letters", request("A" * 33 + " /livez HTTP/1.1"))
    yield served("a method of 32 letters", request("A" * 32 + " /livez HTTP/1.1"), 405)
    yield served("a lower-case method is another method", request(f"delete {USERS}?id=ge.0 HTTP/1.1", WHO), (501, "method_unknown"))
    yield served("an unknown method", request(f"BREW {USERS} HTTP/1.1", WHO), (501, "method_unknown"))
    yield served("TRACE", request(f"TRACE {USERS} HTTP/1.1", WHO), (501, "method_unknown"))
    yield refused("HTTP/2.0", request("GET /livez HTTP/2.0"), 505)
    yield refused("HTTP/3.0", request("GET /livez HTTP/3.0"), 505)
    yield refused("HTTP/1.2", request("GET /livez HTTP/1.2"), 505)
    yield refused("HTTP/1.10", request("GET /livez HTTP/1.10"))
    yield refused("HTTP/11", request("GET /livez HTTP/11"))
    yield refused("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    yield refused("TLS on the plain port", bytes([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00]))
    yield refused("PROXY protocol", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + LIVE)
    yield refused("a target over 8 KiB", request("GET /" + "a" * 8192 + " HTTP/1.1"), 414)
    yield Case("a target over 8 KiB that never ends", b"GET /" + b"a" * 8300, [414], True, is_behind=False)
    yield served("a target of 8 KiB", request("GET /" + "a" * 8191 + " HTTP/1.1"), 404)
    yield served("raw UTF-8 and odd letters in the target", b"GET /\xc3\xa4?\"<>^{|} HTTP/1.1\r\nHost: a\r\n\r\n", 404)
    for target in ("/v1/%00", "/v1/%zz", "/v1/../x", "/v1/%2e%2e/x", "/v1//x", "/v1/%ff"):
        yield served(f"path {target}", request(f"GET {target} HTTP/1.1"), (400, "path_invalid"))
    yield served("an encoded CRLF in the target is no line's end",
                 request(f"GET {USERS}%0d%0aX-User-Roles:%20admin?id=eq.1 HTTP/1.1", WHO), (404, "table_unknown"))


def header_lines():
    yield refused("LF alone at every line", b"GET /livez HTTP/1.1\nHost: a\n\n")
    yield Case("LF alone, the head never ends", b"GET /livez HTTP/1.1\n", [400], True, is_behind=False)
    yield refused("LF alone after one header", b"GET /livez HTTP/1.1\r\nHost: a\nX: b\r\n\r\n")
    yield refused("LF alone at the head's end", b"GET /livez HTTP/1.1\r\nHost: a\r\n\n")
    yield refused("CR alone at the head's end", b"GET /livez HTTP/1.1\r\nHost: a\r\n\rX")
    yield refused("CR alone in a value", b"GET /livez HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n")
    yield refused("CR CR LF", b"GET /livez HTTP/1.1\r\nHost: a\r\r\n\r\n")
    yield refused("a folded line", request(headers=["X: a", " b"]))
    yield refused("a line folded with a tab", request(headers=["X: a", "\tb"]))
    yield refused("a folded Content-Length", request("POST /livez HTTP/1.1", ["Content-Length:", " 5"], b"hello"))
    yield refused("a first line that begins with a blank", b"GET /livez HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n")
    yield refused("a blank before the colon", request(headers=["X : a"]))
    yield refused("a tab before the colon", request(headers=["X\t: a"]))
    yield refused("a blank before the colon of Content-Length", request("POST /livez HTTP/1.1", ["Content-Length : 5"], b"hello"))
    yield refused("a blank before the colon of Transfer-Encoding", request("POST /livez HTTP/1.1", ["Transfer-Encoding : chunked"], b"0\r\n\r\n"))
    yield refused("no colon", request(headers=["X"]))
    yield refused("an empty name", request(headers=[": a"]))
    for byte in ("(", "\"", "/", "{", "\xe4", "@"):
        yield refused(f"byte {ord(byte):#04x} in a name", request(headers=[f"X{byte}Y: a"]))
    for byte in ("\0", "\x0b", "\x0c", "\x1f", "\x7f", "\x08"):
        yield refused(f"byte {ord(byte):#04x} in a value", request(headers=[f"X: a{byte}b"]))
    yield refused("no Host", request(host=None))
    yield refused("two Hosts", request(headers=["Host: b"]))
    yield refused("two equal Hosts", request(headers=["host: a"]))
    for host in ("a/b", "a, b", "user@a", "a b", "a?b", "a#b", "a\\b", "<a>"):
        yield refused(f"Host '{host}'", request(host=f"Host: {host}"))
    for host in ("a:80", "[::1]:80", "", "a.example.", "127.0.0.1"):
        yield served(f"Host '{host}' is a host", request(host=f"Host: {host}"))
    yield refused("101 headers", request(headers=["X: a"] * 100), 431)
    yield refused("a head over 16 KiB", request(headers=["X: " + "a" * 16384]), 431)
    yield refused("a head over 16 KiB of small headers", request(headers=["X-Filler: " + "a" * 200] * 90), 431)
    yield Case("a head over 16 KiB that never ends", b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 17000, [431], True, is_behind=False)
    yield Case("a method over 16 KiB", b"A" * 17000, [400], True, is_behind=False)
    yield served("100 headers", request(headers=["X: a"] * 99))
    yield served("a head just under 16 KiB", request(headers=["X: " + "a" * 16000]))
    yield served("no blank after the colon, and blanks around the value", request(headers=["X:a", "Y: \t a \t"]))
    yield served("bytes above 127 in a value", request(headers=["X: \xff\xfe"]))
    yield served("an empty value", request(headers=["X:"]))


def header_values():
    """Values that the stock library or a proxy would act upon."""
    yield served("percent escapes in a value are not decoded", request(headers=["X: a%0d%0aContent-Length:%205"]))
    yield served("an encoded role is another role", request(f"GET {USERS}?id=eq.1 HTTP/1.1", [line for line in WHO if "Roles" not in line]
                                                            + ["X-User-Roles: %61dmin"]), (404, "table_unknown"))
    yield served("an encoded identity is another identity", request(f"GET {USERS}?id=eq.1 HTTP/1.1",
                                                                    ["X-Org-Id: org%2D1"] + WHO[1:]), (403, "tenant_mismatch"), is_behind=False)
    yield served("headers named as the library names its own", get_user(1, ["REMOTE_ADDR: 9.9.9.9", "REMOTE_PORT: 1", "LOCAL_ADDR: 9.9.9.9",
                                                                            "LOCAL_PORT: 1", "EXCEPTION_WHAT: a", "MATCHED_ROUTE: a"]), 200)
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        yield served(f"{name} is not followed", get_user(1, [f"{name}: DELETE"]), 200)
    yield served("X-Original-URL is not followed", request(headers=[f"X-Original-URL: {USERS}?id=ge.0", f"X-Rewrite-URL: {USERS}"]))
    yield served("Range is not followed", get_user(1, ["Range: bytes=0-0"]), 200)
    yield served("many ranges are not followed", get_user(1, ["Range: bytes=" + ",".join(["0-"] * 200)]), 200)
    yield served("If-Range is not followed", get_user(1, ["Range: bytes=0-0", "If-Range: a"]), 200)
    yield served("nothing is compressed", get_user(1, ["Accept-Encoding: br, gzip, deflate, zstd"]), 200)
    yield served("Upgrade is not followed", request(headers=["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"]))
    yield served("an identity given twice is missing", get_user(1, ["X-User-Id: another"]), (401, "identity_missing"), is_behind=False)
    yield served("the request's own id comes back", request(headers=["X-Request-Id: mine-1"]), 200, ids=("mine-1",), is_behind=False)
    yield served("underscores do not stand for dashes", request(f"POST {NOTES} HTTP/1.1", WHO + ["Content_Length: 5", length(0)]), (400, "body_invalid"))
    yield served("no trailing data runs", LIVE + get_user(2), 200, 200)
    yield Case("a refused request closes what was pipelined behind it", LIVE + request(headers=["X"]) + EVIL, [200, 400], True)


def cases():
    yield from request_lines()
    yield from header_lines()
    yield from header_values()
