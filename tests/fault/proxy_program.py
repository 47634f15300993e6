"""The proxy itself, a program: one loop over all connections. See proxy.py for what it can do.

Orders come as JSON, one line each, on its standard input, each answered by a line; it ends when that closes. The argument is the path of MariaDB's
socket; the first line that it writes names its port.
"""
import collections
import heapq
import itertools
import json
import os
import re
import selectors
import socket
import struct
import sys
import time

HOLD_MAX = 64 << 20
SLICED_BYTES = 400  # of each piece: enough for every boundary inside a packet, without a system call for each byte of a megabyte


class Lane:
    """One direction of one connection."""

    def __init__(self, source, sink, is_up):
        self.source, self.sink, self.is_up = source, sink, is_up
        self.queue = collections.deque()  # [due, bytes]
        self.held = 0
        self.has_ended = False  # nothing more will come
        self.is_shut = False    # and the sink was told
        self.budget = None      # bytes until a cut
        self.how = None

    def put(self, data, due):
        self.queue.append([due, data])
        self.held += len(data)


class Link:
    def __init__(self, client, server):
        self.client, self.server = client, server
        self.up, self.down = Lane(client, server, True), Lane(server, client, False)
        self.stalled = False
        self.commands = b""
        self.awaits = None     # what strikes when the next answer comes
        self.prepares = None   # the text whose statement id the next answer tells
        self.answer = b""
        self.statements = {}
        self.last = ""
        self.is_dead = False


class Program:
    def __init__(self, target):
        self.target = target
        self.selector = selectors.DefaultSelector()
        self.links = set()
        self.registered = {}
        self.timers, self.ticket = [], itertools.count()
        self.fired = self.accepted = 0
        self.port = 0
        self.listener = None
        self.orders = b""
        self.calm()
        self.listen()

    def calm(self):
        self.stall, self.delay, self.slices, self.rules, self.budget = None, 0.0, False, [], None

    def listen(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(512)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.selector.register(self.listener, selectors.EVENT_READ, None)

    def run(self):
        print(json.dumps({"port": self.port}), flush=True)
        os.set_blocking(0, False)
        self.selector.register(0, selectors.EVENT_READ, None)
        while True:
            timeout = max(0.0, self.timers[0][0] - time.monotonic()) if self.timers else None
            for key, mask in self.selector.select(timeout):
                if key.fileobj == 0:
                    if not self.read_orders():
                        return
                elif key.fileobj is self.listener:
                    self.accept()
                else:
                    self.serve(key.fileobj, key.data, mask)
            while self.timers and self.timers[0][0] <= time.monotonic():
                link = heapq.heappop(self.timers)[2]
                self.pump(link)

    # orders

    def read_orders(self):
        try:
            data = os.read(0, 65536)
        except BlockingIOError:
            return True
        if not data:
            return False
        self.orders += data
        while b"\n" in self.orders:
            line, _, self.orders = self.orders.partition(b"\n")
            try:
                answer = self.obey(**json.loads(line))
            except (TypeError, ValueError, KeyError, AttributeError, re.error, OSError) as error:
                answer = {"error": repr(error)}
            print(json.dumps(answer or {}), flush=True)
        return True

    def obey(self, do, **what):
        return getattr(self, "do_" + do)(**what)

    def do_pass(self):
        self.calm()
        self.fired = 0
        if self.listener is None:
            self.listen()
        for link in list(self.links):
            link.stalled, link.awaits = False, None
            link.up.budget = link.down.budget = None
            self.pump(link)

    def do_mode(self, stall, delay_ms, slices):
        if stall not in (None, "up", "down", "both"):
            raise ValueError(stall)
        self.stall, self.delay, self.slices = stall, delay_ms / 1000, slices
        for link in list(self.links):
            self.pump(link)

    def do_cut(self, how):
        cut = len(self.links)
        for link in list(self.links):
            self.cut(link, how)
        return {"cut": cut}

    def do_cut_after(self, count, direction, how):
        self.budget = (direction, count, how)
        for link in self.links:
            self.give_budget(link)

    def do_refuse(self, on):
        if on and self.listener is not None:
            self.selector.unregister(self.listener)
            self.listener.close()
            self.listener = None
        elif not on and self.listener is None:
            self.listen()

    def do_when(self, pattern, at, then, times):
        if at not in ("command", "sent", "answer") or then not in ("rst", "fin", "stall", "corrupt", "garble"):
            raise ValueError((at, then))
        if at == "sent" and then in ("corrupt", "garble"):
            raise ValueError((at, then))
        self.rules.append({"pattern": re.compile(pattern), "at": at, "then": then, "times": times})

    def do_count(self):
        return {"fired": self.fired, "accepted": self.accepted, "open": len(self.links)}

    # connections

    def accept(self):
        try:
            client, _ = self.listener.accept()
        except OSError:
            return
        self.accepted += 1
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self.target)
        except OSError:
            self.reset(client, "rst")
            server.close()
            return
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setblocking(False)
        server.setblocking(False)
        link = Link(client, server)
        self.give_budget(link)
        self.links.add(link)
        self.watch(link)

    def give_budget(self, link):
        if self.budget is not None:
            direction, count, how = self.budget
            lane = link.up if direction == "up" else link.down
            lane.budget, lane.how = count, how

    def serve(self, sock, link, mask):
        if link.is_dead:
            return
        lane = link.up if sock is link.client else link.down
        if mask & selectors.EVENT_READ and not lane.has_ended:
            try:
                data = sock.recv(262144)
            except BlockingIOError:
                data = None
            except OSError:
                data = b""
            if data == b"":
                lane.has_ended = True
            elif data:
                self.took(link, lane, data)
        self.pump(link)

    def took(self, link, lane, data):
        if not lane.is_up:
            data = self.read_answer(link, data)
            if data:
                lane.put(data, time.monotonic() + self.delay)
            return
        link.commands += data
        while not link.is_dead and len(link.commands) >= 4:
            size = 4 + int.from_bytes(link.commands[:3], "little")
            if len(link.commands) < size:
                return
            packet, link.commands = link.commands[:size], link.commands[size:]
            self.read_command(link, lane, packet)

    @staticmethod
    def name_command(link, packet):
        """What a packet asks for; empty when it is no command (the login, a part of a large packet)."""
        if packet[3] != 0 or len(packet) < 5:
            return ""
        kind, rest = packet[4], packet[5:]
        if kind == 0x03:
            return "QUERY " + rest[:4096].decode("utf-8", "replace")
        if kind == 0x16:
            return "PREPARE " + rest[:4096].decode("utf-8", "replace")
        if kind in (0x17, 0x18, 0x1a, 0x19, 0x1c):
            number = struct.unpack("<I", rest[:4])[0]
            text = link.last if number == 0xFFFFFFFF else link.statements.get(number, "")
            return {0x17: "EXECUTE ", 0x18: "DATA ", 0x19: "CLOSE ", 0x1a: "RESET ", 0x1c: "FETCH "}[kind] + text
        return {0x01: "QUIT", 0x0e: "PING", 0x1f: "RESET_CONNECTION"}.get(kind, f"COMMAND {kind}")

    def read_command(self, link, lane, packet):
        name = self.name_command(link, packet)
        due = time.monotonic() + self.delay
        rule = next((rule for rule in self.rules if rule["times"] > 0 and name and rule["pattern"].search(name)), None)
        if name.startswith("PREPARE "):
            link.prepares, link.answer = name[8:], b""
        if rule is None:
            lane.put(packet, due)
            return
        rule["times"] -= 1
        if rule["at"] == "answer":
            link.awaits = rule["then"]
            lane.put(packet, due)
            return
        self.fired += 1
        if rule["at"] == "sent":
            lane.put(packet, 0)
            self.flush(link, lane)
        if rule["then"] in ("corrupt", "garble"):
            lane.put(packet[:3] + bytes([packet[3] ^ 0x5a]) + packet[4:] if rule["then"] == "corrupt" else self.garbled(packet), due)
        elif rule["then"] == "stall":
            if rule["at"] == "command":
                lane.put(packet, due)
            link.stalled = True
        else:
            self.cut(link, rule["then"])

    def read_answer(self, link, data):
        """What of it goes on."""
        if link.awaits is not None:
            then, link.awaits = link.awaits, None
            self.fired += 1
            if then == "corrupt":
                return data[:2] + bytes([data[2] ^ 1]) + data[3:] if len(data) > 3 else b"\xff"
            if then == "garble":
                return self.garbled(data)
            if then == "stall":
                link.stalled = True
                return data
            self.cut(link, then)
            return b""
        if link.prepares is not None:
            link.answer += data[:9 - len(link.answer)]
            if len(link.answer) >= 9:
                if link.answer[4] == 0:
                    link.last = link.prepares
                    link.statements[struct.unpack("<I", link.answer[5:9])[0]] = link.prepares
                link.prepares = None
        return data

    @staticmethod
    def garbled(data):
        return data[:4] + bytes(byte ^ 0xA5 for byte in data[4:])

    # movement

    def is_held(self, link, lane):
        return link.stalled or self.stall == "both" or self.stall == ("up" if lane.is_up else "down")

    def pump(self, link):
        for lane in (link.up, link.down):
            if not link.is_dead and not self.is_held(link, lane):
                self.push(link, lane)
        if not link.is_dead:
            if link.up.is_shut and link.down.is_shut:
                self.forget(link)
            else:
                self.watch(link)

    def push(self, link, lane):
        now = time.monotonic()
        while lane.queue:
            due, data = lane.queue[0]
            if due > now:
                heapq.heappush(self.timers, (due, next(self.ticket), link))
                return
            piece = data
            if self.slices and len(data) <= SLICED_BYTES:
                piece = data[:1]
            if lane.budget is not None:
                piece = piece[:lane.budget]
            try:
                sent = lane.sink.send(piece) if piece else 0
            except BlockingIOError:
                return
            except OSError:
                lane.queue.clear()
                lane.held = 0
                lane.has_ended = lane.is_shut = True
                return
            lane.held -= sent
            if sent == len(data):
                lane.queue.popleft()
            else:
                lane.queue[0][1] = data[sent:]
            if lane.budget is not None:
                lane.budget -= sent
                if lane.budget <= 0:
                    self.fired += 1
                    self.cut(link, lane.how)
                    return
        if lane.has_ended and not lane.is_shut:
            lane.is_shut = True
            try:
                lane.sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass

    def flush(self, link, lane):
        """All that is queued, now: what follows is a cut."""
        lane.sink.setblocking(True)
        try:
            while lane.queue:
                lane.sink.sendall(lane.queue.popleft()[1])
        except OSError:
            pass
        lane.sink.setblocking(False)

    def watch(self, link):
        for lane, back in ((link.up, link.down), (link.down, link.up)):
            mask = 0
            if not lane.has_ended and lane.held < HOLD_MAX:
                mask |= selectors.EVENT_READ
            if back.queue and not self.is_held(link, back) and back.queue[0][0] <= time.monotonic():
                mask |= selectors.EVENT_WRITE
            was = self.registered.get(lane.source, 0)
            if mask and not was:
                self.selector.register(lane.source, mask, link)
            elif mask and mask != was:
                self.selector.modify(lane.source, mask, link)
            elif was and not mask:
                self.selector.unregister(lane.source)
            self.registered[lane.source] = mask

    @staticmethod
    def reset(sock, how):
        if how == "rst":
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass
        sock.close()

    def cut(self, link, how):
        self.forget(link, how)

    def forget(self, link, how="fin"):
        link.is_dead = True
        self.links.discard(link)
        for sock in (link.client, link.server):
            if self.registered.pop(sock, 0):
                self.selector.unregister(sock)
        self.reset(link.client, how)
        link.server.close()


if __name__ == "__main__":
    Program(sys.argv[1]).run()
