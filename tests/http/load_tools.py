"""The load of the suite `slow`: healthy clients by h2load, each request logged; attackers by slowhttptest; connections that only stay open."""
import os
import re
import resource
import socket
import subprocess
import time

from lib.gateway import IDENTITY

from raw_case import LIVE
from raw_wire import Connection

TOTALS = re.compile(rb"(\d+) failed, (\d+) errored, (\d+) timeout")
H2LOAD, SLOWHTTPTEST = "/usr/bin/h2load", "/usr/bin/slowhttptest"


class Window:
    """What a window of load saw: latencies in microseconds, requests that failed, requests a second."""

    def __init__(self, log, begin, seconds, failed):
        latencies, self.failed = [], failed
        with open(log, encoding="ascii") as text:
            for line in text:
                started, status, took = line.split()[:3]
                if int(started) < begin:
                    continue
                if status != "200":
                    self.failed += 1
                latencies.append(int(took))
        latencies.sort()
        self.count = len(latencies)
        self.rate = self.count / seconds
        self.p50 = latencies[self.count // 2] if latencies else 0
        self.p99 = latencies[self.count * 99 // 100] if latencies else 0

    def __repr__(self):
        return f"{self.count} requests, {self.rate:.0f}/s, p50 {self.p50} us, p99 {self.p99} us, {self.failed} failed"


def healthy(port, target, folder, clients, seconds, rate=None):
    """`clients` connections for `seconds`, each as fast as it can or `rate` requests a second in all. The first 0.4 s do not count."""
    log = os.path.join(folder, "h2load.log")
    if os.path.exists(log):
        os.remove(log)
    warm_up = 0.4
    command = [H2LOAD, "--h1", "-c", str(clients), "-t", "1", "-D", f"{int((seconds + warm_up) * 1000)}ms", f"--log-file={log}"]
    if rate is not None:
        command += [f"--rps={max(1, rate / clients):.2f}"]
    for name, value in IDENTITY:
        command += ["-H", f"{name}: {value}"]
    begin = int((time.time() + warm_up) * 1e6)
    ran = subprocess.run(command + [f"http://127.0.0.1:{port}{target}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                         timeout=seconds + 60)
    if ran.returncode != 0:
        raise RuntimeError(f"h2load ended with {ran.returncode}: {ran.stdout[-1000:]!r}")
    totals = TOTALS.search(ran.stdout)
    if not totals:
        raise RuntimeError(f"h2load prints {ran.stdout[-1000:]!r}")
    return Window(log, begin, seconds, sum(int(number) for number in totals.groups()[1:]))


ATTACKS = {
    "H": "heads that never end",
    "B": "bodies that never end",
    "R": "askers for hundreds of ranges",
    "X": "answers that are not read",
}


class Attack:
    """slowhttptest in one of its modes. It has no option for a header of ours, but sends the value of -m as it is, line ends too."""

    def __init__(self, mode, port, path, connections, seconds, folder):
        identity = "\r\n".join(f"{name}: {value}" for name, value in IDENTITY)
        command = [SLOWHTTPTEST, f"-{mode}", "-c", str(connections), "-r", str(max(200, connections // 2)), "-l", str(seconds), "-p", "30",
                   "-u", f"http://127.0.0.1:{port}{path}", "-m", f"application/json\r\n{identity}"]
        command += {"H": ["-i", "1", "-x", "24"], "B": ["-i", "1", "-x", "24", "-s", "8192", "-f", "application/json"],
                    "R": ["-t", "GET", "-a", "5", "-b", "800"], "X": ["-k", "10", "-w", "512", "-y", "1024", "-n", "5", "-z", "32"]}[mode]
        self._log = open(os.path.join(folder, f"slowhttptest-{mode}"), "wb+")
        self._server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)

    def is_running(self):
        return self._server.poll() is None

    def stop(self):
        """What it printed."""
        if self.is_running():
            self._server.kill()
        self._server.wait()
        self._log.seek(0)
        text = self._log.read().decode(errors="replace")
        self._log.close()
        return text


def raise_open_files(wanted):
    """This run's own limit; the number of descriptors that it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit


def idle_connections(endpoint, count):
    """Each was served once, and is closed by a reset later, so that no port stays taken."""
    held = []
    for begin in range(0, count, 100):
        batch = [Connection(endpoint, timeout=30) for _ in range(min(100, count - begin))]
        for connection in batch:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.send(LIVE)
        for connection in batch:
            answer = connection.answer()
            if answer is None or answer.status != 200:
                raise RuntimeError(f"an idle connection was not served: {answer!r}")
        held += batch
    return held
