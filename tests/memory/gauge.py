"""What the suites of memory share: a look at the gateway's memory, descriptors and threads, tables to ask for, and wrk as the source of load."""
import os
import re
import shutil
import socket
import subprocess

from lib import places
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import IDENTITY, Gateway, mariadb_database, sqlite_database, tenant

MIB = 1 << 20


class Gauge:
    """Figures of one running program, bytes, from /proc."""

    def __init__(self, pid):
        self.pid = pid

    def _status(self, name):
        with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as text:
            return int(re.search(rf"^{name}:\s*(\d+)", text.read(), re.M).group(1))

    def resident(self):
        return self._status("VmRSS") * 1024

    def peak(self):
        return self._status("VmHWM") * 1024

    def reset_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="ascii") as out:
            out.write("5")

    def threads(self):
        return self._status("Threads")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class Stage:
    """Both databases with the same small tables, and gateways before them, as many as are asked for."""

    def __init__(self, context, name):
        self.context = context
        self.folder = places.scratch(name)
        self.schema = f"rg_{name}"
        self.server = context.mariadb.get()
        self.server.make_schema(self.schema)
        self.path = os.path.join(self.folder, "main.sqlite")
        self.directs = {"ms": open_mariadb(self.server, self.schema), "sl": open_sqlite(self.path)}
        for kind, direct in self.directs.items():
            key = "INT AUTO_INCREMENT PRIMARY KEY" if kind == "ms" else "INTEGER PRIMARY KEY AUTOINCREMENT"
            direct.run(f"CREATE TABLE t (id {key}, v BIGINT, name VARCHAR(4000))")
            direct.run(f"CREATE TABLE wide (id {key}, a VARCHAR(8000))")
            direct.run(f"CREATE TABLE many (id {key}, " + ", ".join(f"c{n} INT" for n in range(12)) + ")")
            for start in range(0, 1000, 100):
                direct.run("INSERT INTO wide (a) VALUES " + ",".join(["(?)"] * 100), *["w" * 4000] * 100)
            direct.run("INSERT INTO t (v, name) VALUES " + ",".join(f"({n},'row {n}')" for n in range(1000)))

    def gateway(self, settings=None, **more):
        databases = [mariadb_database(self.server, self.schema, **more), sqlite_database(self.path, **more)]
        return Gateway(self.context.preset, [tenant(databases)], settings)

    def knows(self, setting):
        """Whether the program under test has a setting of this name."""
        binary = os.path.join(places.build_folder(self.context.preset), "rowgate")
        listed = subprocess.run([binary, "config", "settings"], capture_output=True, check=False).stdout.decode(errors="replace")
        return f"`{setting}`" in listed

    def destroy(self):
        for direct in self.directs.values():
            direct.close()
        places.remove(self.folder)


def head(method, target, more=()):
    """A request's head with the identity of the tests, without the empty line at its end."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in IDENTITY), *more]
    return ("\r\n".join(lines) + "\r\n").encode()


def connect(port, timeout=10):
    return socket.create_connection(("127.0.0.1", port), timeout)


LUA_HEAD = "".join(f"wrk.headers['{name}'] = '{value}'\n" for name, value in IDENTITY)


def wrk(folder, port, script, connections, seconds):
    """Starts wrk, one thread of it. Its output is a table of what came back: see `statuses`."""
    path = os.path.join(folder, f"load-{len(os.listdir(folder))}.lua")
    with open(path, "w", encoding="ascii") as out:
        out.write(LUA_HEAD + COUNT + script)
    return subprocess.Popen([shutil.which("wrk") or "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", path,
                             f"http://127.0.0.1:{port}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def statuses(text):
    """{status: count} of a finished wrk, with `broken` for connections that failed."""
    found = {int(status): int(count) for status, count in re.findall(r"^STATUS (\d+) (\d+)$", text, re.M)}
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    found["broken"] = sum(int(number) for number in errors.groups()) if errors else 0
    return found


# wrk runs setup and done in one interpreter and the requests in another: numbers come over one at a time.
COUNT = """
threads = {}
function setup(thread) table.insert(threads, thread) end
function init() for status = 100, 599 do _G['s' .. status] = 0 end end
function response(status) local name = 's' .. status; _G[name] = _G[name] + 1 end
function done()
    for _, thread in ipairs(threads) do
        for status = 100, 599 do
            local count = thread:get('s' .. status)
            if count and count > 0 then print('STATUS ' .. status .. ' ' .. count) end
        end
    end
end
"""
