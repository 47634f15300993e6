"""Runs the tables of cases on a listener without anything in front of it, and what needs more than a line of a table to say."""
import socket
import time

import raw_body
import raw_connection
import raw_head
from raw_case import CODES, LIVE, LIVE_POST, NOTE, USERS, WHO, chunk, get_user, length, post_chunked, post_note, request
from raw_wire import Connection, faults

STEP = request(headers=["X-Request-Id: step"])


def all_cases():
    for table in (raw_head, raw_body, raw_connection):
        yield from table.cases()


def check_answer(case, index, answer):
    """None, or what is wrong."""
    wanted = case.statuses[index]
    code = None
    if isinstance(wanted, tuple) and isinstance(wanted[1], str):
        wanted, code = wanted
    allowed = wanted if isinstance(wanted, tuple) else (wanted,)
    if answer is None:
        return f"closed instead of answer {index + 1}, {wanted}"
    if answer.status not in allowed:
        return f"answer {index + 1} is {answer.status}, not {wanted}: {answer.body[:200]!r}"
    if answer.status < 200:
        return None
    wrong = faults(answer, code or CODES.get(answer.status), index in case.heads)
    if case.ids and answer.request_id != case.ids[index]:
        wrong.append(f"X-Request-Id is {answer.request_id}, not {case.ids[index]}")
    if answer.request_id in ("evil", "step"):
        wrong.append("it answers another request")
    if not case.end_sending and answer.closes != (case.closes and index + 1 == len(case.statuses)):
        wrong.append(f"Connection is {answer.header('Connection')!r}")
    return f"answer {index + 1}: " + "; ".join(wrong) if wrong else None


def run_case(endpoint, case):
    """None, or what is wrong."""
    try:
        with Connection(endpoint) as connection:
            connection.send_sliced(case.data, case.pieces, case.pause)
            if case.end_sending:
                connection.end_sending()
            for index in range(len(case.statuses)):
                wrong = check_answer(case, index, connection.answer(index in case.heads))
                if wrong:
                    return wrong
            if case.closes:
                return None if connection.closes() else f"the connection stays open: {connection.buffer[:100]!r}"
            answer = connection.exchange(STEP)
            if answer is None or answer.status != 200 or answer.request_id != "step":
                return f"out of step afterwards: {answer!r}"
            return None
    except (OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"


def run_tables(stage, endpoint, report, where):
    """The whole table; after each case the rows are those that it may have made."""
    names, notes = set(), stage.count("notes")
    for case in all_cases():
        report.check(case.name not in names, f"two cases are named {case.name!r}")
        names.add(case.name)
        wrong = run_case(endpoint, case)
        notes += case.notes
        if not stage.is_unharmed():
            wrong = f"ROWS OF users ARE GONE OR CHANGED; {wrong}"
            stage.heal()
        count = stage.count("notes")
        if wrong is None and count != notes:
            wrong = f"it added {count - notes + case.notes} notes, not {case.notes}"
        notes = count
        report.check(wrong is None, f"{where}: {case.name}: {wrong}")
    report.check(len(names) >= 120, f"only {len(names)} cases")
    return len(names)


def split_everywhere(stage, endpoint, report):
    """Each of some requests cut in two at each byte: the answers do not depend on it."""
    exchanges = {"a read": (get_user(7), [200]), "a write": (post_note(), [201]), "chunks": (post_chunked(chunk(NOTE, b";a=b") + b"0\r\nA: b\r\n\r\n"), [201]),
                 "two at once": (b"\r\n" + LIVE + request(LIVE_POST, [length(5)], b"hello"), [200, 405])}
    for name, (data, statuses) in exchanges.items():
        wrong, before = None, stage.count("notes")
        with Connection(endpoint) as connection:
            for position in range(1, len(data)):
                connection.send_sliced(data, (position,), 0.001)
                got = [answer and answer.status for answer in (connection.answer() for _ in statuses)]
                if got != statuses:
                    wrong = f"cut at byte {position}: {got}"
                    break
        report.check(wrong is None, f"{name}, cut at every byte: {wrong}")
        made = stage.count("notes") - before
        report.check(wrong or made == (len(data) - 1 if 201 in statuses else 0), f"{name}, cut at every byte: {made} notes")
    for name, data, status in (("two Content-Lengths", request(LIVE_POST, [length(5), length(6)], b"hello"), 400),
                               ("a bare LF", b"GET /livez HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
                               ("a bad chunk", request(LIVE_POST, ["Transfer-Encoding: chunked"], b"5\r\nhellox\r\n0\r\n\r\n"), 400)):
        wrong = None
        for position in range(1, len(data)):
            with Connection(endpoint) as connection:
                connection.send_sliced(data, (position,), 0.001)
                answer = connection.answer()
                if answer is None or answer.status != status or not connection.closes():
                    wrong = f"cut at byte {position}: {answer!r}"
                    break
        report.check(wrong is None, f"{name}, cut at every byte: {wrong}")


def long_keep_alive(endpoint, report):
    with Connection(endpoint) as connection:
        for index in range(1000):
            answer = connection.exchange(get_user(index % 50 + 1, [f"X-Request-Id: k-{index}"]))
            if answer is None or answer.status != 200 or answer.request_id != f"k-{index}" or answer.closes:
                report.fail(f"1,000 requests on one connection: number {index} gets {answer!r}")
                return
        report.ok()


def one_segment(endpoint, report):
    """Head and body of an answer leave in one send: there is no moment with one of them alone."""
    halves = 0
    with Connection(endpoint) as connection:
        for data in [get_user(1), LIVE, request("GET /unknown HTTP/1.1")] * 30:
            connection.send(data)
            first = connection.socket.recv(65536)
            head, _, body = first.partition(b"\r\n\r\n")
            announced = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            halves += len(body) != announced
            while len(body) < announced:
                body += connection.socket.recv(65536)
    report.equal(halves, 0, "answers that came in more than one segment")


def head_like_get(endpoint, report):
    wide = f"{USERS.rsplit('/', 1)[0]}/wide"
    for target in ("/livez", "/unknown", f"{USERS}?id=eq.1", f"{USERS}?id=gt.5&order=id.desc", wide, f"{USERS}?id=zz.5", f"{USERS}?id=eq.0"):
        with Connection(endpoint) as connection:
            get = connection.exchange(request(f"GET {target} HTTP/1.1", WHO))
            head = connection.exchange(request(f"HEAD {target} HTTP/1.1", WHO), to_head=True)
        same = ("Content-Length", "Content-Type", "Content-Range")
        report.check(get and head and get.status == head.status and [get.header(name) for name in same] == [head.header(name) for name in same]
                     and int(get.header("Content-Length")) == len(get.body), f"HEAD {target} is not like GET: {get!r} {head and head.headers}")


def vanishing_clients(stage, endpoint, report):
    """Clients that go before their answer, politely or not: the gateway goes on, and what they asked for is done or not, never half."""
    before = stage.count("notes")
    for index in range(60):
        connection = Connection(endpoint)
        connection.send((LIVE * 20, get_user(1) * 5, post_note())[index % 3])
        if index % 2:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    time.sleep(0.3)
    made = stage.count("notes") - before
    report.check(0 <= made <= 20, f"20 writes of clients that did not wait made {made} notes")
    with Connection(endpoint) as connection:
        answer = connection.exchange(STEP)
        report.check(answer is not None and answer.status == 200, f"after clients that vanished: {answer!r}")
