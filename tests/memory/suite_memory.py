"""Hard budgets of resident memory above the idle gateway, each on a gateway of its own: what it once took it may keep, so that a second
scene would not show it."""
import selectors
import time
import traceback

from gauge import MIB, Gauge, Stage, connect, head, statuses, wrk
from lib.client import Broken, Client
from lib.gateway import IDENTITY, table_path
from lib.report import Report, say

NOISE = 2 * MIB  # of the allocator and of pages that are touched for the first time


class Measured:
    """A gateway that has served a little of everything; afterwards the growth of its peak is known."""

    def __init__(self, stage, report, name, settings=None, **more):
        self.stage, self.report, self.name = stage, report, name
        self.gateway = stage.gateway(settings, **more)

    def __enter__(self):
        self.gateway.start()
        clients = [self.gateway.client() for _ in range(4)]
        for _ in range(5):
            for client in clients:
                for kind in ("ms", "sl"):
                    client.request("GET", table_path(kind, "t") + "?limit=5")
                    client.request("POST", table_path(kind, "t"), [{"v": 1, "name": "warm"}] * 20)
                    client.request("DELETE", table_path(kind, "t") + "?name=eq.warm")
        for client in clients:
            client.close()
        time.sleep(0.1)
        self.gauge = Gauge(self.gateway.pid)
        self.gauge.reset_peak()
        self.idle = self.gauge.resident()
        return self

    def within(self, budget, told=None):
        grown = max(0, self.gauge.peak() - self.idle)
        told = told or self.name
        self.report.check(grown <= budget, f"{told}: grew by {grown / MIB:.1f} MiB, the budget is {budget / MIB:.1f} MiB (idle {self.idle / MIB:.1f} MiB)")
        self.report.note(f"{told} {grown / MIB:.1f} of {budget / MIB:.0f} MiB")
        return grown

    def beside(self):
        """A small request goes on beside what the scene does."""
        begun = time.monotonic()
        try:
            answer = Client(self.gateway.port, IDENTITY, timeout=5).request("GET", table_path("ms", "t") + "?id=eq.1")
        except (Broken, OSError) as error:
            answer = error
        took = time.monotonic() - begun
        self.report.check(getattr(answer, "status", 0) == 200 and took < 1, f"{self.name}: a request beside them: {answer!r} after {took:.2f} s")

    def lives(self):
        answer = self.gateway.client().request("GET", table_path("ms", "t") + "?id=eq.1")
        self.report.equal(answer.status, 200, f"{self.name}: a request afterwards")

    def __exit__(self, *_):
        self.gateway.destroy(self.report)


def bodies(stage, report):
    """POST of rows: under five times the body. Rows of an ordinary width, then one value of the whole length (refused: the column is shorter)."""
    for kind in ("ms", "sl"):
        for size in (1, 10, 16):
            with Measured(stage, report, f"{kind} POST {size} MiB") as scene:
                row = b'{"v":1234567,"name":"' + b"n" * 180 + b'"},'
                body = b"[" + (row * (size * MIB // len(row)))[:-1] + b"]"
                assert len(body) <= size * MIB
                answer = scene.gateway.client().request("POST", table_path(kind, "t"), body)
                report.equal(answer.status, 201, f"{scene.name}: {answer!r}")
                scene.within(5 * size * MIB + NOISE)
                scene.lives()
            stage.directs[kind].run("DELETE FROM t WHERE v=1234567")
    for name, body, status in (("one value", b'{"v":1,"name":"' + b"n" * (16 * MIB - 20) + b'"}', 422),
                               ("escapes", b'{"v":1,"name":"' + b"\\u00e9" * (16 * MIB // 6 - 20) + b'"}', 422),
                               ("small rows", b"[" + (b'{"v":1},' * 499_000)[:-1] + b"]", 201),
                               ("too many members", b"[" + (b"{},") * (5 * MIB) + b"{}]", 400),
                               ("too many numbers", b"[" + (b"1,") * (7 * MIB) + b"1]", 400),
                               ("depth", b"[" * (8 * MIB), 400)):
        with Measured(stage, report, f"POST {name}") as scene:
            answer = scene.gateway.client().request("POST", table_path("sl", "t"), body)
            report.equal(answer.status, status, f"{scene.name}: {answer!r}")
            # A row of eight bytes of text is more than five times as much as a row, whatever it is kept in: there the limit of a million
            # members is the bound.
            scene.within(1_000_000 * 96 if name == "small rows" else 5 * len(body) + NOISE)
            scene.lives()
        if status == 201:
            stage.directs["sl"].run("DELETE FROM t WHERE name IS NULL")


def refused_bodies(stage, report):
    """What is refused is not kept."""
    target = table_path("ms", "t")
    json = "Content-Type: application/json"
    for name, first, piece in (("announced 1 TiB", head("POST", target, [json, f"Content-Length: {1 << 40}"]) + b"\r\n", b"x" * 65536),
                               ("a chunk of 1 TiB", head("POST", target, [json, "Transfer-Encoding: chunked"]) + b"\r\n10000000000\r\n", b"x" * 65536),
                               ("chunks without end", head("POST", target, [json, "Transfer-Encoding: chunked"]) + b"\r\n",
                                b"10000\r\n" + b"x" * 65536 + b"\r\n"),
                               ("chunks of one byte", head("POST", target, [json, "Transfer-Encoding: chunked"]) + b"\r\n", b"1\r\nx\r\n" * 8192)):
        with Measured(stage, report, f"refused: {name}") as scene:
            wire = connect(scene.gateway.port)
            sent = 0
            try:
                wire.sendall(first)
                while sent < 200 * MIB:
                    wire.sendall(piece)
                    sent += len(piece)
            except OSError:
                pass
            try:
                answer = wire.recv(65536)
            except OSError:
                answer = b""
            wire.close()
            report.check(answer[9:12] in (b"413", b"") and sent < 200 * MIB, f"{scene.name}: after {sent} bytes: {answer[:200]!r}")
            # What comes in chunks is known to be too large only when as much has come.
            scene.within(2 * 16 * MIB + NOISE if name.startswith("chunks") else NOISE)
            scene.lives()


def half_heads(stage, report):
    """1,000 clients that have sent half of a large head."""
    with Measured(stage, report, "1,000 half heads") as scene:
        half = head("GET", table_path("ms", "t")) + b"X-Filler: " + b"f" * 8000
        wires = []
        for _ in range(1000):
            wire = connect(scene.gateway.port)
            wire.sendall(half)
            wires.append(wire)
        time.sleep(0.5)
        scene.beside()
        scene.within(1000 * 16384 + 8 * MIB)
        for wire in wires:
            wire.close()
        scene.lives()


def half_bodies(stage, report):
    """500 clients that announce 16 MiB and send half: bounded by a setting, 503 beyond, and small requests go on."""
    if not stage.knows("server.buffered_bytes_max"):
        print("  skipped: half_bodies: the program does not know server.buffered_bytes_max", flush=True)
        return
    bound = 64 * MIB
    with Measured(stage, report, "500 half bodies", {"server": {"buffered_bytes_max": bound}}) as scene:
        first = head("POST", table_path("ms", "t"), ["Content-Type: application/json", f"Content-Length: {16 * MIB}"]) + b"\r\n["
        block = b" " * 262144
        loop = selectors.DefaultSelector()
        wires, answers, left, sent = [], [], {}, 0
        for _ in range(500):
            wire = connect(scene.gateway.port)
            wire.sendall(first)
            wire.setblocking(False)
            left[wire] = 8 * MIB
            wires.append(wire)
            loop.register(wire, selectors.EVENT_READ | selectors.EVENT_WRITE)
        end = time.monotonic() + 8
        quiet = time.monotonic()
        while time.monotonic() < end and time.monotonic() - quiet < 1.0 and loop.get_map():
            for key, mask in loop.select(0.1):
                wire = key.fileobj
                try:
                    if mask & selectors.EVENT_READ:
                        quiet = time.monotonic()
                        answers.append(wire.recv(65536))
                        loop.unregister(wire)
                    elif mask & selectors.EVENT_WRITE:
                        done = wire.send(block[:left[wire]])
                        sent += done
                        quiet = time.monotonic()
                        left[wire] -= done
                        if left[wire] <= 0:
                            loop.modify(wire, selectors.EVENT_READ)
                except BlockingIOError:
                    pass
                except OSError:
                    answers.append(b"")
                    loop.unregister(wire)
        refused = [answer for answer in answers if answer[9:12] == b"503" and b"retry-after:" in answer.lower() and b'"overloaded"' in answer]
        odd = [answer for answer in answers if answer and answer not in refused]
        report.check(not odd, f"{scene.name}: an answer that is not 503 overloaded: {odd[:1]!r}")
        report.check(len(refused) >= 500 - bound // (8 * MIB) - 20, f"{scene.name}: {len(refused)} of 500 were answered 503 after {sent / MIB:.0f} MiB")
        scene.beside()
        scene.within(bound + 500 * 65536 + 8 * MIB)
        for wire in wires:
            wire.close()
        time.sleep(0.3)
        scene.lives()
        row = b'{"v":1234567,"name":"' + b"n" * 180 + b'"},'
        body = b"[" + (row * (8 * MIB // len(row)))[:-1] + b"]"
        report.equal(scene.gateway.client().request("POST", table_path("ms", "t"), body).status, 201, f"{scene.name}: a large body when they are gone")
    stage.directs["ms"].run("DELETE FROM t WHERE v=1234567")


def unread_answers(stage, report):
    """32 clients ask for 1,000 rows of 4 KB, some of them again and again on one connection, and read nothing."""
    bound = 64 * MIB
    settings = {"server": {"buffered_bytes_max": bound}} if stage.knows("server.buffered_bytes_max") else {}
    for kind in ("ms", "sl"):
        with Measured(stage, report, f"{kind} 32 unread answers", settings, connections_max=4) as scene:
            wires = []
            for number in range(32):
                wire = connect(scene.gateway.port)
                wire.sendall((head("GET", table_path(kind, "wide")) + b"\r\n") * (20 if number % 2 else 1))
                wires.append(wire)
            time.sleep(1.5)
            scene.beside()
            # Answers that wait to be sent, and those that four connections are at: rows as the driver keeps them, and as text.
            scene.within(bound + 4 * 3 * 4 * MIB + 8 * MIB)
            for wire in wires:
                wire.close()
            time.sleep(0.2)
            scene.lives()


def strange_tables(stage, report):
    """10,000 names of tables that do not exist, 100 times each in full."""
    for kind in ("ms", "sl"):
        with Measured(stage, report, f"{kind} 10,000 unknown tables", connections_max=4) as scene:
            script = ("local n = 0\nfunction request() n = (n + 1) % 10000\n"
                      f"return wrk.format('GET', '{table_path(kind, '')}/unknown_table_of_a_rather_long_name_' .. n .. '?id=eq.' .. n) end\n")
            got = finish(wrk(stage.folder, scene.gateway.port, script, 16, 120 if stage.context.full else 6), report, scene.name)
            report.check(set(got) == {404, "broken"} and got["broken"] == 0 and got[404] > 10_000, f"{scene.name}: {got}")
            scene.within(4 * MIB)
            scene.lives()


def many_statements(stage, report):
    """10,000 different statements: each connection keeps 64, and so does the server for it."""
    for kind in ("ms", "sl"):
        with Measured(stage, report, f"{kind} 10,000 statements", {"database": {"statements_cached": 64}}, connections_max=4) as scene:
            script = f"""local n = 0
function request()
    n = (n + 1) % 10000
    local q, a, b, c = '', n % 12, math.floor(n / 12) % 12, math.floor(n / 144)
    for i = 1, c do q = q .. ',' .. i end
    return wrk.format('GET', '{table_path(kind, "many")}?select=id,c' .. a .. '&c' .. b .. '=gt.5&id=in.0' .. q)
end
"""
            got = finish(wrk(stage.folder, scene.gateway.port, script, 16, 60 if stage.context.full else 6), report, scene.name)
            report.check(set(got) == {200, "broken"} and got["broken"] == 0 and got[200] > 10_000, f"{scene.name}: {got}")
            if kind == "ms":
                kept = int(stage.directs["ms"].rows("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")[0][1])
                report.check(0 < kept <= 4 * 64 + 8, f"{scene.name}: the server keeps {kept} prepared statements for 4 connections")
            scene.within(20 * MIB)
            scene.lives()


def finish(load, report, told):
    text = load.communicate(timeout=300)[0].decode(errors="replace")
    report.equal(load.returncode, 0, f"{told}: wrk: {text[-500:]}")
    return statuses(text)


SCENES = (bodies, refused_bodies, half_heads, half_bodies, unread_answers, strange_tables, many_statements)


def run(context):
    report = Report("memory")
    if context.is_sanitized:
        report.ok()
        print("  skipped: a sanitizer's memory is not the gateway's", flush=True)
        return report
    stage = Stage(context, "memory")
    try:
        for scene in SCENES:
            if getattr(context, "only", None) and context.only not in scene.__name__:
                continue
            begun = time.monotonic()
            try:
                scene(stage, report)
                say(f"   {scene.__name__}: {time.monotonic() - begun:.1f} s")
            except Exception:  # pylint: disable=broad-except
                traceback.print_exc()
                report.fail(f"{scene.__name__}: the scene broke")
    finally:
        stage.destroy()
    return report
