"""The ends of things: slow clients meet their deadlines, SIGTERM ends the gateway without an accepted request lost, a restart behind a socket
that stays open without a failed one."""
import itertools
import threading
import time

from raw_case import CHUNKED, JSON, LIVE, NOTE, NOTE_POST, WHO, get_user, length, post_note, request
from raw_stage import listening_socket
from raw_wire import Connection, faults
from lib.gateway import table_path

MARKS = table_path("sl", "marks")
HEAD, BODY, IDLE, WRITE = 1.0, 1.5, 2.0, 1.0  # s


def expects_408(connection, began, least, most):
    """None, or what is wrong."""
    answer = connection.answer()
    took = time.monotonic() - began
    if answer is None or answer.status != 408:
        return f"{answer!r} after {took:.1f} s"
    wrong = faults(answer, "request_timeout")
    if not connection.closes():
        wrong.append("the connection stays open")
    if not least <= took <= most:
        wrong.append(f"408 after {took:.2f} s, not {least} to {most}")
    return "; ".join(wrong) or None


def dribble(connection, data, until):
    """A byte every 0.15 s: the deadline is for the whole, not for each read."""
    for byte in data:
        if time.monotonic() > until or not connection.send(bytes([byte])):
            return
        time.sleep(0.15)


def slow_client(endpoint, kind):
    post = request(NOTE_POST, WHO + [JSON, length(len(NOTE))])
    chunked = request(NOTE_POST, WHO + [JSON, CHUNKED])
    began = time.monotonic()
    with Connection(endpoint, timeout=15) as connection:
        if kind == "half a head":
            connection.send(LIVE[:-2])
            return expects_408(connection, began, HEAD * 0.8, HEAD + 2)
        if kind == "one byte":
            connection.send(b"G")
            return expects_408(connection, began, HEAD * 0.8, HEAD + 2)
        if kind == "a dribbled head":
            threading.Thread(target=dribble, args=(connection, LIVE * 2, began + HEAD + 2)).start()
            return expects_408(connection, began, HEAD * 0.8, HEAD + 2)
        if kind == "half a head behind a whole request":
            connection.send(LIVE + LIVE[:-2])
            first = connection.answer()
            return f"first {first!r}" if first is None or first.status != 200 else expects_408(connection, began, HEAD * 0.8, HEAD + 2)
        if kind == "half a body":
            connection.send(post + NOTE[:-1])
            return expects_408(connection, began, BODY * 0.8, BODY + 2)
        if kind == "no body":
            connection.send(post)
            return expects_408(connection, began, BODY * 0.8, BODY + 2)
        if kind == "a dribbled body":
            connection.send(post)
            threading.Thread(target=dribble, args=(connection, NOTE[:-1] + b" " * 20, began + BODY + 2)).start()
            return expects_408(connection, began, BODY * 0.8, BODY + 2)
        if kind == "half a chunk":
            connection.send(chunked + b"5\r\nab")
            return expects_408(connection, began, BODY * 0.8, BODY + 2)
        if kind == "chunks without end":
            connection.send(chunked + b"1\r\n \r\n")
            return expects_408(connection, began, BODY * 0.8, BODY + 2)
        if kind == "a body that was to be asked for":
            connection.send(request(NOTE_POST, WHO + [JSON, length(len(NOTE)), "Expect: 100-continue"]))
            first = connection.answer()
            return f"first {first!r}" if first is None or first.status != 100 else expects_408(connection, began, BODY * 0.8, BODY + 2)
        if kind == "silence":
            closed = connection.closes()
            took = time.monotonic() - began
            return None if closed and 0.5 < took < IDLE + 2 else f"closed: {closed}, after {took:.1f} s, with {connection.buffer[:99]!r}"
        if kind == "silence after a request":
            answer = connection.exchange(LIVE)
            if answer is None or answer.status != 200:
                return repr(answer)
            began = time.monotonic()
            closed = connection.closes()
            took = time.monotonic() - began
            return None if closed and IDLE * 0.8 < took < IDLE + 2 else f"closed: {closed}, after {took:.1f} s, with {connection.buffer[:99]!r}"
    raise ValueError(kind)


def slow_reader(endpoint):
    """Asks for far more than any socket buffer holds and takes nothing: it is let go, and nothing was kept for it."""
    wide = request(f"GET {table_path('sl', 'wide')} HTTP/1.1", WHO)
    with Connection(endpoint, timeout=15, receive_buffer=4096) as connection:
        threading.Thread(target=connection.send, args=(wide * 200,), daemon=True).start()
        time.sleep(WRITE + 2.5)
        received = 0
        try:
            while True:
                data = connection.socket.recv(1 << 20)
                if not data:
                    break
                received += len(data)
        except ConnectionError:
            pass
        except OSError as error:
            return f"after {received} bytes: {error!r}"
        return None if received < 20_000_000 else f"{received} bytes came"


def deadlines(stage, report):
    milliseconds = {"head": HEAD, "body": BODY, "idle": IDLE, "write": WRITE}
    front = stage.front(settings={"server": {f"{name}_timeout_ms": int(time_s * 1000) for name, time_s in milliseconds.items()}})
    results = {}
    kinds = ["half a head", "one byte", "a dribbled head", "half a head behind a whole request", "half a body", "no body", "a dribbled body",
             "half a chunk", "chunks without end", "a body that was to be asked for", "silence", "silence after a request"]

    def run(kind):
        try:
            results[kind] = slow_reader(front.endpoint) if kind == "a reader that takes nothing" else slow_client(front.endpoint, kind)
        except (OSError, ValueError) as error:
            results[kind] = repr(error)
    threads = [threading.Thread(target=run, args=(kind,)) for kind in kinds + ["a reader that takes nothing"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for kind, wrong in results.items():
        report.check(wrong is None, f"slow client: {kind}: {wrong}")
    report.equal(len(results), len(kinds) + 1, "slow clients")
    report.equal(stage.count("notes"), 0, "notes of slow clients")
    stage.end(report, front)


class Traffic:
    """Clients that ask without a pause, each request with an outcome:
    done; stale: the connection had served before, or waited for its first byte for as long as a stop leaves it, and closed without a byte of this
    answer; lost: another that did so; or a failure."""

    IDLE_AFTER_STOP = 0.4  # seconds

    def __init__(self, endpoint, numbers, retries):
        self.endpoint, self._numbers, self._retries = endpoint, numbers, retries
        self.done, self.stale, self.lost, self.failures = 0, [], [], []
        self.acknowledged = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(index,)) for index in range(16)]

    def start(self):
        for thread in self._threads:
            thread.start()
        return self

    def join(self, stop):
        if stop:
            self._stop.set()
        for thread in self._threads:
            thread.join(60)
            if thread.is_alive():
                self.failures.append("a client hangs")

    def wait_for(self, count, timeout=60):
        end = time.monotonic() + timeout
        while self.done < count and time.monotonic() < end:
            time.sleep(0.01)

    def _run(self, index):
        connection, served, turn = None, 0, index
        mark = None
        while not self._stop.is_set():
            try:
                if connection is None:
                    opened = time.monotonic()
                    connection, served = Connection(self.endpoint, timeout=30), 0
            except OSError:
                return  # nobody listens any more
            turn += 1
            if mark is None and turn % 4 == 0:
                with self._lock:
                    mark = next(self._numbers)
            body = b'{"id":%d,"text":"a"}' % (mark or 0)
            data = request(f"POST {MARKS} HTTP/1.1", WHO + [JSON, length(len(body))], body) if mark else get_user(turn % 50 + 1)
            closes = True
            try:
                connection.send(data)
                is_late = time.monotonic() - opened >= self.IDLE_AFTER_STOP
                answer = connection.answer()
                if answer is None:
                    with self._lock:
                        (self.stale if served or is_late else self.lost).append(mark)
                    if not self._retries:
                        mark = None
                elif answer.status != (201 if mark else 200):
                    self.failures.append(repr(answer))
                    mark = None
                else:
                    closes = answer.closes
                    served += 1
                    with self._lock:
                        self.done += 1
                        if mark:
                            self.acknowledged.append(mark)
                    mark = None
            except (OSError, ValueError) as error:
                self.failures.append(repr(error))
                mark = None
            if closes or served == 60:
                connection.close()
                connection = None
        if connection is not None:
            connection.close()


def judge_marks(stage, traffic, report, name):
    """What was acknowledged is there; what got no answer, because it was never taken, is not."""
    stored = set(stage.direct.column("SELECT id FROM marks"))
    lost = [mark for mark in traffic.acknowledged if mark not in stored]
    report.check(not lost, f"{name}: acknowledged and not there: {lost[:5]}")
    acknowledged = set(traffic.acknowledged)
    ghosts = [mark for mark in traffic.stale + traffic.lost if mark and mark in stored and mark not in acknowledged]
    report.check(not ghosts, f"{name}: done, and closed without an answer: {ghosts[:5]}")


def drain(stage, report):
    """Five times 2,000 requests and more, then SIGTERM under load, with idle connections beside it."""
    numbers = itertools.count(1)
    done = stale = 0
    slowest = 0.0
    for turn in range(5):
        front = stage.front()
        traffic = Traffic(front.endpoint, numbers, retries=False).start()
        idle = [Connection(front.endpoint) for _ in range(20)]
        for connection in idle:
            connection.exchange(LIVE)
        traffic.wait_for(2000)
        code, took = front.end()
        for connection in idle:
            report.check(connection.closes(), f"drain {turn}: an idle connection stays open")
            connection.close()
        traffic.join(stop=False)
        report.equal(code, 0, f"drain {turn}: exit code")
        report.check(took < 5, f"drain {turn}: the end took {took:.1f} s")
        report.check(not traffic.failures, f"drain {turn}: {len(traffic.failures)} requests failed: {traffic.failures[:3]}")
        report.check(traffic.done >= 2000, f"drain {turn}: only {traffic.done} requests")
        report.check(len(traffic.stale) <= 16, f"drain {turn}: {len(traffic.stale)} requests met a closed connection")
        judge_marks(stage, traffic, report, f"drain {turn}")
        done, stale, slowest = done + traffic.done, stale + len(traffic.stale), max(slowest, took)
        front.forget()
        stage.end(report, front)
    report.check(done >= 10000, f"only {done} requests in all")
    report.note(f"drained {done} requests, {stale} met a closed connection, the end took at most {slowest:.2f} s")
    drain_under_way(stage, report)
    if stage.is_new:
        drain_deadline(stage, report)


def drain_under_way(stage, report):
    """What had begun when SIGTERM came is finished: a write that waits for the database, half a body, half a head."""
    front = stage.front()
    post = post_note()
    with Connection(front.endpoint) as waiting, Connection(front.endpoint) as half_body, Connection(front.endpoint) as half_head:
        stage.direct.run("BEGIN IMMEDIATE")
        waiting.send(post)
        half_body.send(post[:-5])
        half_head.send(LIVE[:-5])
        time.sleep(0.3)
        front.signal()
        time.sleep(0.3)
        try:
            Connection(front.endpoint).close()
            report.fail("drain: new connections are still accepted")
        except OSError:
            report.ok()
        half_body.send(post[-5:])
        half_head.send(LIVE[-5:])
        time.sleep(0.2)
        stage.direct.run("COMMIT")
        for name, connection, status in (("a write that waits", waiting, 201), ("half a body", half_body, 201), ("half a head", half_head, 200)):
            answer = connection.answer()
            report.check(answer is not None and answer.status == status and answer.closes and connection.closes(), f"drain: {name}: {answer!r}")
    report.equal(front.wait(), 0, "drain: exit code after requests under way")
    report.equal(stage.count("notes"), 2, "drain: notes of requests under way")
    front.forget()
    stage.end(report, front)


def drain_deadline(stage, report):
    """A client that never finishes does not hold the end up for longer than drain_timeout_ms."""
    front = stage.front(settings={"server": {"drain_timeout_ms": 1000}})
    with Connection(front.endpoint) as half:
        half.send(LIVE[:-5])
        time.sleep(0.1)
        code, took = front.end()
    report.check(code == 0 and took < 3, f"drain with a client that never finishes: exit code {code} after {took:.1f} s")
    front.forget()
    stage.end(report, front)


def activation(stage, report):
    """systemd keeps the listening socket over restarts: connections wait in it, and no request fails."""
    listener = listening_socket()
    traffic = None
    try:
        for turn in range(5):
            front = stage.front(address="systemd", listener=listener)
            traffic = traffic or Traffic(front.endpoint, itertools.count(1), retries=True).start()
            traffic.wait_for((turn + 1) * 2200)
            if turn < 4:
                code, _ = front.end()
                report.equal(code, 0, f"activation {turn}: exit code")
                front.forget()
                stage.end(report, front)
        traffic.join(stop=True)
    finally:
        if traffic is not None:
            traffic.join(stop=True)
        listener.close()
    report.check(not traffic.failures, f"activation: {len(traffic.failures)} requests failed: {traffic.failures[:3]}")
    report.check(not traffic.lost, f"activation: {len(traffic.lost)} new connections were closed without an answer")
    report.check(traffic.done >= 10000, f"activation: only {traffic.done} requests")
    judge_marks(stage, traffic, report, "activation")
    report.note(f"5 lives on one socket: {traffic.done} requests, {len(traffic.failures)} failed, {len(traffic.stale)} met a closed connection")
    stage.end(report, front)
