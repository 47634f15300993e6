"""A TCP proxy between the gateway and MariaDB that fails on demand: stalls, cuts, delays, slices, corrupts, refuses.

It reads the client's command packets, so a fault can strike exactly when a COMMIT or the execution of a DELETE passes, or when its answer
does. `Proxy` starts it (proxy_program.py, a program of its own, so that the load in the test's process does not slow it down) and gives it orders.
"""
import json
import os
import subprocess
import sys


PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "proxy_program.py")


class Proxy:
    """`target` is the path of MariaDB's socket. Orders are done when the call returns."""

    def __init__(self, target):
        self._child = subprocess.Popen([sys.executable, PROGRAM, target], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = json.loads(self._child.stdout.readline())["port"]

    def _order(self, **what):
        self._child.stdin.write(json.dumps(what).encode() + b"\n")
        self._child.stdin.flush()
        answer = json.loads(self._child.stdout.readline())
        if "error" in answer:
            raise RuntimeError(f"the proxy refuses {what}: {answer['error']}")
        return answer

    def passes(self):
        """No fault from now on; what was held goes on its way, closed connections included."""
        return self._order(do="pass")

    def mode(self, stall=None, delay_ms=0, slices=False):
        """For all connections, open ones and new ones. stall: up (from the gateway), down, both. Held bytes are kept, and so is the news that
        one side closed."""
        return self._order(do="mode", stall=stall, delay_ms=delay_ms, slices=slices)

    def cut(self, how="rst"):
        """All open connections, now: rst or fin. Says how many there were."""
        return self._order(do="cut", how=how)["cut"]

    def cut_after(self, count, direction="down", how="rst"):
        """Each connection, open or new, after `count` more bytes in that direction."""
        return self._order(do="cut_after", count=count, direction=direction, how=how)

    def refuse(self, is_on=True):
        """New connections meet a closed port."""
        return self._order(do="refuse", on=is_on)

    def when(self, pattern, at, then, times=1):
        """Strikes when a command matches: `QUERY COMMIT`, `PREPARE …`, `EXECUTE DELETE …` (an expression, searched).
        at: command (it does not get through), sent (it does, its answer is not waited for), answer (that does not get through).
        then: rst, fin, stall (this connection, both ways, until passes()), corrupt (a command's number, an answer's length: neither can be taken
        for right), garble (every byte of the packet's content: may be taken for anything)."""
        return self._order(do="when", pattern=pattern, at=at, then=then, times=times)

    @property
    def fired(self):
        """How often a `when` or `cut_after` struck since passes()."""
        return self._order(do="count")["fired"]

    @property
    def accepted(self):
        """Connections taken so far."""
        return self._order(do="count")["accepted"]

    def close(self):
        self._child.stdin.close()
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()
