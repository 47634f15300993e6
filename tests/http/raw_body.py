"""Cases of message bodies: Content-Length, Transfer-Encoding, chunks, Expect, limits (RFC 9112 sections 6 and 7)."""
from raw_case import (BODY_BYTES_MAX, CHUNKED, EVIL, JSON, LIVE, LIVE_POST, NOTE, NOTE_POST, USERS, WHO, Case, chunk, length, post_chunked,
                      post_note, refused, request, served)

END = b"0\r\n\r\n"
WHOLE = chunk(NOTE) + END


def framing():
    yield refused("Content-Length and chunked", request(LIVE_POST, [length(5), CHUNKED], END))
    yield refused("chunked and Content-Length", request(LIVE_POST, [CHUNKED, length(5)], END))
    yield refused("chunked and Content-Length 0", request(LIVE_POST, [CHUNKED, length(0)], END))
    yield refused("chunked and Content-Length on GET", request(headers=[CHUNKED, length(len(END))], body=END))
    yield refused("Content-Length and an unknown coding", request(LIVE_POST, [length(5), "Transfer-Encoding: xchunked"], b"hello"), 501)
    yield refused("two equal Content-Lengths", request(LIVE_POST, [length(5)] * 2, b"hello"))
    yield refused("two Content-Lengths", request(LIVE_POST, [length(5), length(6)], b"hello"))
    yield refused("two Content-Lengths, the greater first", request(LIVE_POST, [length(6), length(5)], b"hello"))
    yield refused("two Content-Lengths in other spellings", request(LIVE_POST, [length(5), "content-length: 5"], b"hello"))
    for value in ("+5", "-1", "5, 5", "5,6", "0x5", "", "5 5", "five", "5.0", "5;", "\u00b2", "5e0", "0b1", "'5'"):
        yield refused(f"Content-Length '{value}'", request(LIVE_POST, [f"Content-Length: {value}"], b"hello"))
    for value in ("gzip, chunked", "identity", "xchunked", "chunked, chunked", "gzip", "chunked, identity", "chunked;q=1", "\"chunked\"",
                  "chunked\tx", "", ",chunked", "chunked,", "deflate"):
        yield refused(f"Transfer-Encoding '{value}'", request(LIVE_POST, [f"Transfer-Encoding: {value}"], END), 501)
    yield refused("Transfer-Encoding behind a vertical tab", request(LIVE_POST, ["Transfer-Encoding: \x0bchunked"], END))
    # Its first line alone is an empty coding, and the first fault wins.
    yield refused("a folded Transfer-Encoding", request(LIVE_POST, ["Transfer-Encoding:", " chunked"], END), 501)
    yield refused("two Transfer-Encodings", request(LIVE_POST, [CHUNKED] * 2, END))
    yield refused("two Transfer-Encodings, one unknown", request(LIVE_POST, [CHUNKED, "Transfer-Encoding: identity"], END))
    yield refused("chunked in HTTP/1.0", request("POST /livez HTTP/1.0", [CHUNKED], END))
    for value in (" chunked", "chunked \t", "Chunked", "\tchunked"):
        yield served(f"Transfer-Encoding '{value}' is chunked", request(LIVE_POST, [f"Transfer-Encoding:{value}"], b"5\r\nhello\r\n" + END), 405)
    yield served("a Content-Length with leading zeros", request(LIVE_POST, ["Content-Length: 0005"], b"hello"), 405)
    yield served("blanks around a Content-Length", request(LIVE_POST, ["Content-Length: \t 5 \t"], b"hello"), 405)
    yield served("an empty body", request(LIVE_POST, [length(0)]), 405)


def lengths():
    yield Case("a Content-Length past 64 bits", request(LIVE_POST, ["Content-Length: 18446744073709551617"], b"a") + EVIL, [405], True)
    yield Case("a Content-Length of twenty nines", request(LIVE_POST, ["Content-Length: " + "9" * 20], b"a") + EVIL, [405], True)
    yield Case("a Content-Length past the limit", request(LIVE_POST, [length(99999999999)], b"a") + EVIL, [405], True)
    yield Case("one byte more than the limit", request(NOTE_POST, WHO + [JSON, length(BODY_BYTES_MAX + 1)], EVIL), [413], True)
    yield Case("a body past the limit, sent whole", request(NOTE_POST, WHO + [JSON, length(300000)], b" " * 300000) + EVIL, [413], True)
    yield served("a body of the limit", post_note(NOTE + b" " * (BODY_BYTES_MAX - len(NOTE))), 201, notes=1)
    yield Case("chunks past the limit in sum", post_chunked((chunk(NOTE + b" " * 40000) + chunk(b" " * 40000)) + END) + EVIL, [413], True)
    yield Case("a chunk whose size alone is past the limit", post_chunked(b"%x\r\n" % (BODY_BYTES_MAX + 1)) + EVIL, [413], True)
    yield Case("a chunk of almost 64 bits", post_chunked(b"ffffffffffffffff\r\n") + EVIL, [413], True)
    yield Case("a body past the limit on GET is not read as requests", request(headers=[length(10000000)], body=EVIL), [200], True)
    yield served("POST without a length", request(NOTE_POST, WHO + [JSON]), 411)
    yield served("PUT without a length", request(f"PUT {USERS}?id=eq.1 HTTP/1.1", WHO + [JSON]), 411)
    yield served("PATCH without a length", request(f"PATCH {USERS}?id=eq.1 HTTP/1.1", WHO + [JSON]), 411)
    yield served("DELETE needs no length", request(f"DELETE {USERS}?id=eq.999999 HTTP/1.1", WHO), 200)


def unexpected():
    """A body that the method does not take is read, whatever then becomes of the request: no byte of it is a request."""
    evil_length, evil_chunked = length(len(EVIL)), chunk(EVIL) + END
    for method in ("GET", "HEAD", "OPTIONS"):
        heads = (0,) if method == "HEAD" else ()
        line = f"{method} {USERS}?id=eq.1 HTTP/1.1"
        yield served(f"{method} with a body", request(line, WHO + [evil_length], EVIL), (400, "body_unexpected"), heads=heads)
        yield served(f"{method} with a chunked body", request(line, WHO + [CHUNKED], evil_chunked), (400, "body_unexpected"), heads=heads)
        yield served(f"{method} with an empty body", request(line, WHO + [length(0)]), 204 if method == "OPTIONS" else 200, heads=heads)
    yield served("a body for a probe", request(headers=[evil_length], body=EVIL), (200, 400))
    yield served("a chunked body for a probe", request(headers=[CHUNKED], body=evil_chunked), (200, 400))
    line = f"DELETE {USERS}?id=eq.1 HTTP/1.1"
    yield served("DELETE with a body deletes nothing", request(line, WHO + [evil_length], EVIL), (415, "media_type_unsupported"))
    yield served("DELETE with a chunked body deletes nothing", request(line, WHO + [CHUNKED], evil_chunked), (415, "media_type_unsupported"))
    yield served("DELETE with a JSON body that names no rows deletes nothing", request(line, WHO + ["Content-Type: application/json", evil_length], EVIL), (400, "body_invalid"))
    yield served("a refused DELETE's body is no request", request(f"DELETE {USERS} HTTP/1.1", WHO + [evil_length], EVIL), (415, "media_type_unsupported"))
    yield served("the body of an unknown path is no request", request("POST /unknown HTTP/1.1", [evil_length], EVIL), 404)
    yield served("the body without identity is no request", request(NOTE_POST, [evil_length], EVIL), (400, "header_missing"), is_behind=False)
    yield Case("a GET whose length is too short runs its rest as no one else's", request(headers=[length(3)], body=b"abc" + LIVE), [(200, 400), 200], False)


def chunks():
    yield served("chunks", post_chunked(chunk(NOTE[:5]) + chunk(NOTE[5:]) + END), 201, notes=1)
    yield served("one chunk", post_chunked(WHOLE), 201, notes=1)
    yield served("a chunk a byte", post_chunked(b"".join(chunk(bytes([byte])) for byte in NOTE) + END), 201, notes=1)
    whole = post_chunked(b"".join(chunk(bytes([byte])) for byte in NOTE) + END)
    yield served("chunks, one byte at a time", whole, 201, notes=1, pieces=(1,) * (len(whole) - 1), pause=0.0005)
    yield served("extensions", post_chunked(chunk(NOTE, b';a=b;c="d e"') + b"0;last\r\n\r\n"), 201, notes=1)
    yield served("trailers are no headers", post_chunked(chunk(NOTE) + b"0\r\nContent-Length: 30\r\nX-User-Roles: none\r\nHost: b\r\n\r\n"), 201, notes=1)
    yield served("the last chunk in many zeros", post_chunked(chunk(NOTE) + b"0000000000000000\r\n\r\n"), 201, notes=1)
    yield served("upper-case and lower-case digits", post_chunked(b"0000000A\r\n" + b" " * 10 + b"\r\n" + b"0a\r\n" + b" " * 10 + b"\r\n" + WHOLE), 201, notes=1)
    yield served("an empty chunked body", post_chunked(END), (400, "body_invalid"))
    bad = {"negative": b"-2\r\nab\r\n", "signed": b"+2\r\nab\r\n", "prefixed": b"0x2\r\nab\r\n", "no size": b"\r\nab\r\n", "not hexadecimal": b"g\r\nab\r\n",
           "blank before": b" 2\r\nab\r\n", "blank after": b"2 \r\nab\r\n", "LF alone": b"2\nab\n", "CR alone": b"2\rab\r", "data too long": b"2\r\nabc\r\n",
           "data too short": b"3\r\nab\r\n", "LF after data": b"2\r\nab\n", "no CRLF after data": b"2\r\nab0\r\n\r\n", "17 digits": b"00000000000000002\r\nab\r\n",
           "LF in extension": b"2;a\nb\r\nab\r\n", "NUL in extension": b"2;a\0b\r\nab\r\n", "CR in extension": b"2;a\rb\r\nab\r\n",
           "a long extension": b"2;" + b"a" * 20000 + b"\r\nab\r\n", "a semicolon alone": b";\r\nab\r\n", "65 bits": b"10000000000000002\r\nab\r\n"}
    for name, body in bad.items():
        yield refused(f"chunk: {name}", post_chunked(body + END))
    trailers = {"without colon": b"bad\r\n", "folded": b"A: b\r\n c\r\n", "blank before its colon": b"A : b\r\n", "NUL": b"A: \0\r\n", "LF alone": b"A: b\n",
                "too many": b"A: b\r\n" * 5000}
    for name, trailer in trailers.items():
        yield refused(f"trailer: {name}", post_chunked(chunk(NOTE) + b"0\r\n" + trailer + b"\r\n"))
    yield refused("LF alone after the last chunk", post_chunked(chunk(NOTE) + b"0\r\n\n"))
    for name, body in {"in its size": b"1", "after its size": b"5\r\n", "in its data": b"5\r\nab", "after its data": b"5\r\nhello\r\n", "before the last line": b"5\r\nhello\r\n0\r\n",
                       "before the last byte": WHOLE[:-1]}.items():
        yield Case(f"chunks cut short {name}", post_chunked(body), [], True, end_sending=True)


def expectations():
    waits = request(NOTE_POST, WHO + [JSON, length(len(NOTE)), "Expect: 100-continue"])
    yield served("100-continue", waits + NOTE, 100, 201, notes=1, pieces=(len(waits),), pause=0.1)
    yield served("100-continue of a client that does not wait", waits + NOTE, 201, notes=1, behind=(100, 201))
    waits_chunked = post_chunked(b"", ["Expect: 100-Continue"])
    yield served("100-continue before chunks", waits_chunked + WHOLE, 100, 201, notes=1, pieces=(len(waits_chunked),), pause=0.1)
    yield served("100-continue without a body", request(headers=["Expect: 100-continue"]))
    yield Case("no 100-continue for what is too large", request(NOTE_POST, WHO + [JSON, "Expect: 100-continue", length(99999999999)]), [413], True, behind=(413,))
    yield Case("100-continue, then nothing", waits, [100], True, end_sending=True)
    for value in ("200-maybe", "100-continue, 200-maybe", "", "100"):
        yield refused(f"Expect '{value}'", request(LIVE_POST, [f"Expect: {value}", length(0)]))


def cut_short():
    yield Case("a body cut short is not done", post_note()[:-3], [], True, end_sending=True)
    yield Case("a body cut after its head is not done", post_note()[:-len(NOTE)], [], True, end_sending=True)
    yield Case("half a head is not answered", LIVE[:-2], [], True, end_sending=True, is_behind=False)
    yield Case("nothing at all is not answered", b"", [], True, end_sending=True, is_behind=False)


def cases():
    for part in (framing, lengths, unexpected, chunks, expectations, cut_short):
        yield from part()
