"""Every case behind nginx, as shipped: an attacker sends its bytes, then a victim asks on another connection, through the same upstream one.

The attacker is mallory, who may read her own tables; the victim is acme. Bytes of the one that ran as the other's request would take rows, or
give the victim an answer that is not its own. What nginx itself refuses is refused; that is not judged here.
"""
import socket

from raw_case import CODES, JSON, LIVE, NOTE, NOTES, USERS, chunk, length, request
from raw_direct import all_cases
from raw_nginx import Nginx, upstream_connections
from raw_stage import USERS_COUNT
from raw_wire import Connection, faults

QUIET = 0.03      # s without a byte after an answer: the attacker has got what it gets
FIRST_WAIT = 0.25  # s for the first byte, where a request may be incomplete


class Victim:
    def __init__(self, nginx):
        self._nginx, self._connection, self._count = nginx, None, 0

    def ask(self):
        """None, or what is wrong with the answer to the victim's next request."""
        self._count += 1
        number = self._count % USERS_COUNT + 1
        data = request(f"GET {USERS}?id=eq.{number} HTTP/1.1", ["Authorization: Bearer victim"])
        if self._connection is None or self._count % 50 == 0:
            self.close()
            self._connection = Connection(self._nginx.endpoint)
        try:
            answer = self._connection.exchange(data)
        except (OSError, ValueError) as error:
            self.close()
            return f"the victim gets {error!r}"
        if answer is None or answer.status != 200 or answer.json() != [{"id": number, "name": f"user-{number}"}]:
            self.close()
            return f"the victim gets {answer!r}"
        if answer.request_id != answer.header("X-Proxied-Id"):
            return f"the victim's request {answer.header('X-Proxied-Id')} got the answer of {answer.request_id}"
        return None

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def is_refusal(answer):
    """Of the front, before there was a request."""
    return answer.status in (400, 414, 431, 501, 505) and b'"code":"' in answer.body and answer.json()["code"] in set(CODES.values())


def attack(nginx, case):
    """Sends the case's bytes; (its answers, what is wrong with one of them). The connection is left open: (…, connection)."""
    connection = Connection(nginx.endpoint, timeout=FIRST_WAIT)
    connection.send_sliced(case.data, case.pieces, case.pause)
    answers, wrong = [], None
    try:
        while wrong is None:
            answer = connection.answer(len(answers) in case.heads)
            if answer is None:
                break
            answers.append(answer)
            connection.socket.settimeout(QUIET)
            own = answer.request_id
            if own is not None and answer.status >= 200:
                # A head that could not be read has no id that could be believed.
                if own != answer.header("X-Proxied-Id") and not is_refusal(answer):
                    wrong = f"the request {answer.header('X-Proxied-Id')} got the answer of {own}"
            elif answer.status in (500, 502, 503, 504):
                wrong = f"nginx answers {answer.status}: {nginx.log()[-300:]}"
    except socket.timeout:
        pass
    except (OSError, ValueError) as error:
        wrong = None if not answers or not isinstance(error, ValueError) else f"the attacker gets {error!r}"
    if wrong is None and case.behind and (not answers or answers[0].status not in case.behind):
        wrong = f"nginx's first answer is {answers[:1]!r}, not {case.behind}"
    return answers, wrong, connection


def shares_connection(nginx, front, victim, report):
    """The premise of all this: two clients' requests do go through one upstream connection."""
    victim.ask()
    first = upstream_connections(front.port)
    with Connection(nginx.endpoint) as other:
        answer = other.exchange(LIVE)
        report.check(answer is not None and answer.status == 200 and not faults_of(answer), f"behind nginx: a plain request gets {answer!r}")
    victim.ask()
    report.check(len(first) == 1 and upstream_connections(front.port) == first,
                 f"behind nginx: clients do not share the upstream connection: {first} {upstream_connections(front.port)}")


def faults_of(answer):
    """nginx names itself in Server and sets its own Date; all else is as it was."""
    return [text for text in faults(answer) if text != "it bears server"]


def stranger(nginx, report):
    """mallory with the victim's identity in her headers stays mallory."""
    lines = ["X-Org-Id: org-1", "X-Project-Id: project-1", "X-Space-Id: space-1", "X-User-Id: user-1", "X-User-Roles: users, admin"]
    with Connection(nginx.endpoint) as connection:
        answer = connection.exchange(request(f"DELETE {USERS}?id=ge.0 HTTP/1.1", lines))
        report.check(answer is not None and answer.status == 403, f"behind nginx: a forged identity gets {answer!r}")


def good_writes(stage, nginx, report, buffering):
    """What acme itself sends by way of nginx arrives whole and once, in whatever pieces."""
    who = ["Authorization: Bearer victim", JSON]
    line = f"POST {NOTES} HTTP/1.1"
    padded = b'{"text":"' + b"n" * 150 + b'"}' + b" " * 40000
    for name, data, pieces in (("a counted body", request(line, who + [length(len(NOTE))], NOTE), ()),
                               ("a counted body, sliced", request(line, who + [length(len(padded))], padded), (50, 1000, 7000, 20000)),
                               ("chunks", request(line, who + ["Transfer-Encoding: chunked"], chunk(NOTE[:7]) + chunk(NOTE[7:]) + b"0\r\n\r\n"), (200, 30)),
                               ("100-continue", request(line, who + [length(len(NOTE)), "Expect: 100-continue"], NOTE), (180,))):
        before = stage.count("notes")
        with Connection(nginx.endpoint) as connection:
            connection.send_sliced(data, pieces, 0.02)
            answer = connection.answer()
            while answer is not None and answer.status == 100:
                answer = connection.answer()
        report.check(answer is not None and answer.status == 201 and stage.count("notes") == before + 1,
                     f"behind nginx, buffering {buffering}: {name} of its own tenant: {answer!r}, {stage.count('notes') - before} notes")


def behind_nginx(stage, report, buffering):
    front = stage.front()
    nginx = Nginx(stage.folder, front.port, buffering)
    nginx.start()
    victim = Victim(nginx)
    kept = []
    try:
        shares_connection(nginx, front, victim, report)
        stranger(nginx, report)
        for case in (case for case in all_cases() if case.is_behind):
            answers, wrong, connection = attack(nginx, case)
            wrong = wrong or victim.ask()
            if case.end_sending:
                connection.end_sending()
            if len(answers) % 2:  # half of the attackers stay for the victims that follow
                kept.append(connection)
            else:
                connection.close()
            wrong = wrong or victim.ask()
            while len(kept) > 8:
                kept.pop(0).close()
            if not stage.is_unharmed():
                wrong = f"ROWS OF THE VICTIM ARE GONE OR CHANGED; {wrong}"
                stage.heal()
            report.check(wrong is None, f"behind nginx, buffering {buffering}: {case.name}: {wrong}")
        report.equal(stage.count("notes"), 0, "behind nginx: notes that mallory wrote for acme")
        good_writes(stage, nginx, report, buffering)
    finally:
        victim.close()
        for connection in kept:
            connection.close()
        nginx.stop()
    lines = stage.end(report, front)
    foreign = [line for line in lines if line.get("user") == "user-1" and not (line["status"] in (200, 201) and line["target"].startswith((f"{USERS}?id=eq.", NOTES)))]
    report.check(not foreign, f"behind nginx: run as the victim: {foreign[:3]}")
    own = sum(line.get("user") == "user-1" for line in lines)
    report.check(own >= 400, f"behind nginx: only {own} of the victim's requests in the log")
