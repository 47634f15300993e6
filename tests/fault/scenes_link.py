"""Scenes of the way between gateway and database: stalled, cut, corrupted, at a moment that the scene chooses."""
import time

from lab import (ANY_AWAY, AWAY, CONNECT_S, LATE, LATE_S, REQUEST_S, STATEMENT_S, UNAVAILABLE, UNKNOWN, filtered)

SOON_S = 1.0  # for an answer that waits for nothing
DEADLINE_S = REQUEST_S + LATE_S


def stalled_before_the_answer(lab):
    """The database's answers stay away, for all connections, open ones and new ones."""
    gone, kept = lab.marker("stalled"), lab.marker("stalled")
    lab.put(gone)
    lab.ask("GET", "t?id=eq.1")
    lab.proxy.mode(stall="down")
    asked = [lab.begin("GET", "t?id=eq.1"), lab.begin("POST", "t", {"marker": kept, "v": 1}), lab.begin("DELETE", filtered(gone))]
    lab.is_alive("stalled")
    lab.others_unharmed("stalled")
    lab.judge("GET, stalled", asked[0].result(), AWAY, DEADLINE_S)
    posted = lab.judge("POST, stalled", asked[1].result(), ANY_AWAY, DEADLINE_S)
    deleted = lab.judge("DELETE, stalled", asked[2].result(), ANY_AWAY, DEADLINE_S)
    lab.proxy.passes()
    time.sleep(0.3)
    # The DELETE may have been sent or not; what was said to be undone is undone, also now that the stall is over.
    if posted is not None and posted.problem()["code"] != UNKNOWN[1]:
        lab.holds("POST, stalled", kept, 0)
    if deleted is not None and deleted.problem()["code"] != UNKNOWN[1]:
        lab.holds("DELETE, stalled", gone, 1)
    lab.serves("after a stall of the answers")


def stalled_at_a_chosen_moment(lab):
    """Three connections at once: a read whose answer is held; a DELETE in autocommit that is done while its answer is held, so that nobody can
    know; and a COMMIT that is held on its way and arrives after the client had its answer, so that only `outcome_unknown` is honest."""
    gone, late = lab.marker("unanswered"), lab.marker("late-commit")
    lab.put(gone)
    lab.proxy.when("EXECUTE DELETE FROM `t`", at="answer", then="stall")
    lab.proxy.when("QUERY COMMIT", at="command", then="stall")
    lab.proxy.when("EXECUTE SELECT .*FROM `other`", at="answer", then="stall")
    asked = {"DELETE": lab.begin("DELETE", filtered(gone)), "POST": lab.begin("POST", "t", {"marker": late, "v": 1}),
             "GET": lab.begin("GET", "other?id=eq.1")}
    time.sleep(0.2)
    lab.judge("GET beside three stalled connections", lab.ask("GET", "t?id=eq.2"), (200,), SOON_S)
    lab.judge("GET whose answer is held", asked["GET"].result(), (LATE, 200), DEADLINE_S)
    lab.judge("DELETE whose answer is held", asked["DELETE"].result(), (UNKNOWN,), DEADLINE_S)
    lab.judge("POST whose COMMIT is held", asked["POST"].result(), (UNKNOWN,), DEADLINE_S)
    lab.struck("three stalled connections", 3)
    lab.holds("DELETE whose answer is held", gone, 0)
    lab.holds("POST whose COMMIT is held", late, 0)
    lab.proxy.passes()
    lab.holds("POST whose COMMIT arrives late", late, 1, wait=1)
    lab.serves("after three stalled connections")


def stalled_catalog(lab):
    """The answer to the question what a table is stays away: those who ask for that table wait no longer than they may, the others not at all."""
    lab.direct.run("CREATE TABLE fresh (id INT PRIMARY KEY)")
    lab.proxy.when("information_schema", at="answer", then="stall")
    asked = [lab.begin("GET", "fresh?id=eq.1") for _ in range(2)]
    time.sleep(0.2)
    lab.struck("a stalled catalog")
    lab.judge("GET of a known table beside a stalled catalog", lab.ask("GET", "t?id=eq.1"), (200,), SOON_S)
    lab.judge("POST to a known table beside a stalled catalog", lab.ask("POST", "t", {"marker": "known", "v": 1}), (201,), SOON_S)
    for one in asked:
        lab.judge("GET of a table whose definition is held", one.result(), (200, *AWAY), DEADLINE_S)
    lab.proxy.passes()
    lab.judge("GET of that table afterwards", lab.ask("GET", "fresh?id=eq.1"), (200,), SOON_S)
    lab.direct.run("DROP TABLE fresh")
    lab.serves("after a stalled catalog")


def cut_while_idle(lab):
    """Connections die in the pool. A read does not notice; a write neither, for it was not sent."""
    for how in ("rst", "fin"):
        for method in ("GET", "POST", "DELETE"):
            told = f"{method} after idle connections were cut by {how}"
            marker = lab.marker("idle")
            warm = [lab.begin("GET", "t?id=eq.1") for _ in range(3)]
            for one in warm:
                one.result()
            if method == "DELETE":
                lab.put(marker)
            lab.report.check(lab.proxy.cut(how) > 0, f"{told}: there was no connection to cut")
            time.sleep(0.1)
            query, body, status = {"GET": ("t?id=eq.1", None, 200), "POST": ("t", {"marker": marker, "v": 1}, 201),
                                   "DELETE": (filtered(marker), None, 200)}[method]
            lab.judge(told, lab.ask(method, query, body), (status,), SOON_S)
            if method != "GET":
                lab.holds(told, marker, 1 if method == "POST" else 0)


def cut_as_the_statement_is_sent(lab):
    """The execution's packet is swallowed: it was not done, but one that is sent alone cannot be known not to have been."""
    for how in ("rst", "fin"):
        marker = lab.marker("swallowed")
        lab.put(marker)
        told = f"DELETE swallowed by {how}"
        lab.proxy.when("EXECUTE DELETE FROM `t`", at="command", then=how)
        lab.judge(told, lab.ask("DELETE", filtered(marker)), (UNKNOWN, UNAVAILABLE), SOON_S)
        lab.struck(told)
        lab.holds(told, marker, 1)
        lab.proxy.passes()
        lab.serves(told)


def cut_of_a_read(lab):
    """A read is asked again on another connection."""
    for at in ("command", "sent", "answer"):
        lab.proxy.when("EXECUTE SELECT .*FROM `t`", at=at, then="rst")
        told = f"GET cut at {at}"
        lab.judge(told, lab.ask("GET", "t?id=eq.1"), (200,), SOON_S)
        lab.struck(told)
        lab.proxy.passes()


def cut_while_the_insert_runs(lab):
    """Before the COMMIT nothing is done, whatever the server did with the INSERT: it may be tried again, once."""
    for at in ("command", "sent", "answer"):
        marker = lab.marker("insert")
        told = f"POST whose INSERT is cut at {at}"
        lab.proxy.when("EXECUTE INSERT", at=at, then="rst")
        answer = lab.judge(told, lab.ask("POST", "t", {"marker": marker, "v": 1}), (201, UNAVAILABLE), SOON_S)
        lab.struck(told)
        lab.proxy.passes()
        if answer is not None:
            lab.holds(told, marker, 1 if answer.status == 201 else 0, wait=0.2)
    lab.nothing_runs("cut INSERTs")


def cut_while_the_delete_runs(lab):
    """The statement waits for a row lock when the connection is lost: the server will go on with it."""
    marker = lab.marker("waiting")
    lab.put(marker)
    other = lab.session()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT id FROM t WHERE marker=%s FOR UPDATE", (marker,))
            asked = lab.begin("DELETE", filtered(marker))
            end = time.monotonic() + 1
            while not lab.running() and time.monotonic() < end:
                time.sleep(0.01)
            lab.report.check(lab.proxy.cut("rst") > 0, "DELETE cut while it runs: there was no connection")
            lab.judge("DELETE cut while it runs", asked.result(), (UNKNOWN,), SOON_S)
    finally:
        other.rollback()
        other.close()
    time.sleep(0.2)
    lab.report.check(lab.count(marker) in (0, 1), "DELETE cut while it runs: a row twice")
    lab.nothing_runs("DELETE cut while it runs", STATEMENT_S + 1)
    lab.serves("after a cut DELETE")


def commit_cut(lab):
    """The answer to COMMIT is lost after it happened; or the COMMIT before it did."""
    for at, how, rows in (("answer", "rst", 1), ("answer", "fin", 1), ("command", "rst", 0), ("command", "fin", 0)):
        marker = lab.marker("commit")
        told = f"POST, COMMIT cut at {at} by {how}"
        lab.proxy.when("QUERY COMMIT", at=at, then=how)
        lab.judge(told, lab.ask("POST", "t", [{"marker": marker, "v": 1}]), (UNKNOWN,), SOON_S)
        lab.struck(told)
        lab.proxy.passes()
        lab.holds(told, marker, rows, wait=0.2)
        time.sleep(0.1)
        lab.holds(f"{told}, a little later", marker, rows)
    lab.serves("after cut COMMITs")


def delete_cut_at_its_answer(lab):
    """Done, its answer lost, by a reset or an orderly end."""
    for how in ("rst", "fin"):
        marker = lab.marker("answer")
        lab.put(marker)
        told = f"DELETE, answer lost by {how}"
        lab.proxy.when("EXECUTE DELETE FROM `t`", at="answer", then=how)
        lab.judge(told, lab.ask("DELETE", filtered(marker)), (UNKNOWN,), SOON_S)
        lab.struck(told)
        lab.proxy.passes()
        lab.holds(told, marker, 0)


def corrupted_commands(lab):
    """A command's number is wrong, which the server sees: it was not done."""
    marker = lab.marker("corrupt")
    lab.put(marker)
    for pattern, method, target, body, allowed in (
            ("EXECUTE SELECT .*FROM `t`", "GET", "t?id=eq.1", None, (200, *AWAY)),
            ("EXECUTE INSERT", "POST", "t", {"marker": marker, "v": 1}, (201, *AWAY)),
            ("QUERY COMMIT", "POST", "t", {"marker": marker, "v": 1}, (201, UNKNOWN, *AWAY)),
            ("EXECUTE DELETE FROM `t`", "DELETE", filtered(marker), None, (200, UNKNOWN, UNAVAILABLE))):
        before = lab.count(marker)
        lab.proxy.when(pattern, at="command", then="corrupt")
        told = f"{method}, corrupted {pattern}"
        answer = lab.judge(told, lab.ask(method, target, body), allowed, DEADLINE_S)
        lab.struck(told)
        lab.proxy.passes()
        if answer is not None:
            lab.holds(told, marker, before + 1 if answer.status == 201 else 0 if answer.status == 200 and method == "DELETE" else before, wait=0.2)
    lab.serves("after corrupted commands")


def corrupted_answers(lab):
    """An answer says that it is longer than it is: all wait for the rest of it. Done is done, and unknown."""
    gone, made = lab.marker("corrupt"), lab.marker("corrupt")
    lab.put(gone)
    lab.proxy.when("EXECUTE SELECT .*FROM `other`", at="answer", then="corrupt")
    lab.proxy.when("EXECUTE DELETE FROM `t`", at="answer", then="corrupt")
    lab.proxy.when("QUERY COMMIT", at="answer", then="corrupt")
    asked = [lab.begin("GET", "other?id=eq.1"), lab.begin("DELETE", filtered(gone)), lab.begin("POST", "t", {"marker": made, "v": 1})]
    lab.judge("GET, corrupted answer", asked[0].result(), (200, *AWAY), DEADLINE_S)
    lab.judge("DELETE, corrupted answer", asked[1].result(), (UNKNOWN,), DEADLINE_S)
    lab.judge("POST, corrupted answer to COMMIT", asked[2].result(), (UNKNOWN,), DEADLINE_S)
    lab.struck("corrupted answers", 3)
    lab.proxy.passes()
    lab.holds("DELETE, corrupted answer", gone, 0)
    lab.holds("POST, corrupted answer to COMMIT", made, 1)
    lab.serves("after corrupted answers")


def garbled_answers(lab):
    """Garbled content may be taken for anything, so nothing is asked but an answer in time and a gateway that lives. One at a time: the first
    match takes a rule, and a new connection is needed after each."""
    asked = []
    for pattern, method, target, body in (("EXECUTE SELECT .*FROM `other`", "GET", "other?id=eq.1", None), ("EXECUTE DELETE", "DELETE", "other?id=eq.9", None),
                                          ("EXECUTE INSERT", "POST", "other", {"marker": "garbled"}),
                                          ("PREPARE .*UPDATE", "PUT", "t?marker=eq.garbled", {"v": 2})):
        lab.proxy.when(pattern, at="answer", then="garble")
        asked.append((pattern, method, lab.begin(method, target, body)))
    for pattern, method, one in asked:
        answer, took = one.result()
        lab.report.check(not isinstance(answer, Exception) and took < DEADLINE_S * lab.slow, f"{method}, garbled {pattern}: {answer!r} after {took:.2f} s")
    lab.report.check(lab.proxy.fired > 1, "nothing was garbled")
    lab.proxy.passes()
    lab.is_alive("garbled")
    lab.proxy.cut("rst")
    lab.serves("after garbled answers")


def refused_and_cut_short(lab):
    """A closed port, and greetings that end in the middle: 503 at once, served when it is over."""
    lab.proxy.refuse()
    lab.proxy.cut("rst")
    for method, target, body in (("GET", "t?id=eq.1", None), ("POST", "t", {"marker": "refused", "v": 1}), ("DELETE", "t?marker=eq.refused", None)):
        lab.judge(f"{method}, port closed", lab.ask(method, target, body), (UNAVAILABLE,), SOON_S)
    lab.is_alive("port closed")
    lab.others_unharmed("port closed", 1)
    lab.proxy.refuse(False)
    took = lab.serves("after a closed port")
    for count in (0, 1, 3, 20, 80, 200):
        lab.proxy.cut_after(count, "down", "fin")
        lab.proxy.cut("rst")
        marker = lab.marker("short")
        answer = lab.judge(f"POST, answers cut after {count} bytes", lab.ask("POST", "t", {"marker": marker, "v": 1}), (201, *ANY_AWAY), CONNECT_S + LATE_S)
        lab.proxy.passes()
        if answer is not None and answer.problem().get("code") != UNKNOWN[1]:
            lab.holds(f"POST, answers cut after {count} bytes", marker, 1 if answer.status == 201 else 0)
    lab.holds("POST, port closed", "refused", 0)
    lab.serves("after short answers")
    return took


def slow_link(lab):
    """One byte a segment, and then 15 ms each way: slower, never wrong."""
    for told, mode in (("one byte a segment", {"slices": True}), ("15 ms each way", {"delay_ms": 15})):
        lab.proxy.mode(**mode)
        lab.proxy.cut("rst")
        time.sleep(0.05)
        marker = lab.marker("slow")
        lab.judge(f"POST, {told}", lab.ask("POST", "t", [{"marker": marker, "v": n} for n in range(20)]), (201,), REQUEST_S)
        answer = lab.judge(f"GET, {told}", lab.ask("GET", filtered(marker) + "&order=v&select=v"), (200,), REQUEST_S)
        if answer is not None:
            lab.report.equal([row["v"] for row in answer.json()], list(range(20)), f"GET, {told}")
        answer = lab.judge(f"DELETE, {told}", lab.ask("DELETE", filtered(marker)), (200,), REQUEST_S)
        if answer is not None:
            lab.report.equal(answer.json(), {"rows_affected": 20}, f"DELETE, {told}")
        lab.proxy.passes()


SCENES = (cut_while_idle, cut_as_the_statement_is_sent, cut_of_a_read, cut_while_the_insert_runs, cut_while_the_delete_runs, commit_cut,
          delete_cut_at_its_answer, corrupted_commands, corrupted_answers, garbled_answers, refused_and_cut_short, slow_link,
          stalled_before_the_answer, stalled_at_a_chosen_moment, stalled_catalog)
