"""The gateway under test with its two tenants, on TCP, on a unix socket, or on a socket that was passed to it as systemd does.

`acme` is the victim: its table `users` never changes, `notes` takes what the cases write. `mallory` is who attacks through nginx.
"""
import json
import os
import signal
import socket
import subprocess
import time

from lib import places
from lib.client import Broken, Client
from lib.direct import open_sqlite
from lib.gateway import SANITIZER, Gateway, grant, sqlite_database, tenant

from raw_case import BODY_BYTES_MAX
from raw_wire import Endpoint

USERS_COUNT = 50
VICTIM_ORG = "acme"  # as the log has it


class UnixClient(Client):
    def __init__(self, path):
        super().__init__(0, (), timeout=30)
        self._path = path

    def _connect(self):
        self.close()
        self._socket = Endpoint(path=self._path).connect(self.timeout)


class Front(Gateway):
    """`address` as in the configuration; with "systemd", `listener` is the socket to pass. `soft_limit`: of open files, at start."""

    def __init__(self, preset, tenants, settings=None, address="127.0.0.1", listener=None, soft_limit=None, folder=None):
        settings = {name: dict(values) for name, values in (settings or {}).items()}
        settings.setdefault("server", {})["address"] = address
        super().__init__(preset, tenants, settings, folder)
        self._address, self._listener, self._soft_limit = address, listener, soft_limit
        if listener is not None:
            self.port = listener.getsockname()[1]

    @property
    def endpoint(self):
        if self._address.startswith("unix:"):
            return Endpoint(path=self._address[len("unix:"):])
        return Endpoint(port=self.port)

    def client(self, identity=True, timeout=None):
        return UnixClient(self.endpoint.path) if self.endpoint.path else super().client(identity, timeout)

    def start(self, ready=True, wait=30):
        """As its parent does, but by way of a shell: it alone can put the descriptor and the process's own id where they are looked for."""
        script, passed = "", ()
        if self._soft_limit:
            script += f"ulimit -Sn {self._soft_limit}; "
        if self._listener is not None:
            number = self._listener.fileno()
            passed = (number,)
            script += f"exec 3<&{number}; export LISTEN_FDS=1 LISTEN_PID=$$; "
        with open(self.stderr, "ab") as err:
            self._server = subprocess.Popen(["/bin/bash", "-c", script + 'exec "$@"', "bash", self.binary, "serve", "--config", self.config],
                                            stdin=subprocess.DEVNULL, stdout=err, stderr=err, env=self.environment(), pass_fds=passed)
        end = time.monotonic() + wait
        while time.monotonic() < end:
            if self._server.poll() is not None:
                raise RuntimeError(f"the gateway ended with {self._server.returncode}: {self.log()[-2000:]}")
            try:
                if self.client(identity=False, timeout=2).request("GET", "/readyz" if ready else "/livez").status == 200:
                    return self
            except (OSError, Broken):
                pass
            time.sleep(0.02)
        raise RuntimeError(f"the gateway was not ready in {wait} s: {self.log()[-2000:]}")

    def end(self, timeout=20):
        """SIGTERM; (exit code, seconds)."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        code = self.wait(timeout)
        return code, time.monotonic() - began

    def forget(self):
        """Its end was looked at: stop() must not look again."""
        self._server = None

    def memory_kb(self, key="VmRSS"):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as text:
            return next(int(line.split()[1]) for line in text if line.startswith(key + ":"))

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class Stage:
    """One pair of databases, and the gateways on them."""

    def __init__(self, context, name):
        self.preset, self.seed = context.preset, context.seed
        self.is_new = is_new_front(context.preset)
        self.folder = places.scratch(name)
        path, other = (os.path.join(self.folder, f"{tenant_name}.sqlite") for tenant_name in ("acme", "mallory"))
        for file, owner in ((path, "user"), (other, "mallory")):
            direct = open_sqlite(file)
            direct.run("CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(100) NOT NULL)")
            direct.run("CREATE TABLE notes (id INTEGER PRIMARY KEY AUTOINCREMENT, text VARCHAR(200) NOT NULL)")
            direct.run("CREATE TABLE marks (id INTEGER PRIMARY KEY, text VARCHAR(200) NOT NULL)")
            direct.run("CREATE TABLE wide (id INTEGER PRIMARY KEY, text VARCHAR(2000) NOT NULL)")
            for number in range(1, USERS_COUNT + 1):
                direct.run("INSERT INTO users VALUES (?, ?)", number, f"{owner}-{number}")
            direct.run("BEGIN")
            for number in range(1, 1001):
                direct.run("INSERT INTO wide VALUES (?, ?)", number, "w" * 400)
            direct.run("COMMIT")
            if file == path:
                self.direct = direct
            else:
                direct.close()
        self.tenants = [tenant([sqlite_database(path)]),
                        tenant([sqlite_database(other, grants=[grant("reader", ["*"], ["GET"])])], "mallory", "org-6", "demo", "project-6", "space-6")]
        self.users = self.direct.rows("SELECT id, name FROM users ORDER BY id")
        self.fronts = []

    def front(self, **more):
        settings = more.pop("settings", {})
        merged = {"server": {"body_bytes_max": BODY_BYTES_MAX, **settings.get("server", {})}}
        merged.update({name: values for name, values in settings.items() if name != "server"})
        for attempt in range(3):
            front = Front(self.preset, self.tenants, merged, **more)
            try:
                front.start()
            except RuntimeError as error:
                # The port was free on loopback, and some connection of the machine has it on another address.
                if "Address already in use" in str(error) and attempt < 2:
                    continue
                self.fronts.append(front)
                raise
            self.fronts.append(front)
            return front
        raise AssertionError("not reached")

    def is_unharmed(self):
        return self.direct.rows("SELECT id, name FROM users ORDER BY id") == self.users

    def heal(self):
        """So that each case that harms is named, and none that comes after it."""
        self.direct.run("DELETE FROM users")
        for row in self.users:
            self.direct.run("INSERT INTO users VALUES (?, ?)", *row)

    def count(self, table):
        return self.direct.one(f"SELECT count(*) FROM {table}")

    def end(self, report, front):
        """Stops one gateway and gives its log, judged: how it ended, and that nothing hostile was ever executed."""
        self.fronts.remove(front)
        wrong = front.stop()
        report.check(not wrong, "; ".join(wrong))
        found = SANITIZER.search(front.log())
        report.check(not found, f"in its output: {found and front.log()[found.start():found.start() + 2000]}")
        with open(front.access_log, encoding="utf-8") as text:
            lines = [json.loads(line) for line in text if line.strip()]
        report.check(lines, "the log is empty")
        evil = [line for line in lines if line.get("request_id") == "evil" and line.get("org") == VICTIM_ORG]
        report.check(not evil, f"a request within a body was executed: {evil[:2]}")
        if not wrong:
            places.remove(front.folder)
        return lines

    def destroy(self, report):
        for front in list(self.fronts):
            self.end(report, front)
        self.direct.close()
        places.remove(self.folder)


def is_new_front(preset):
    """Whether this build knows unix sockets, systemd and caps."""
    binary = os.path.join(places.build_folder(preset), "rowgate")
    table = subprocess.run([binary, "config", "settings"], stdout=subprocess.PIPE, check=False).stdout
    return b"server.connections_max" in table


def listening_socket():
    """What systemd would hold for the service."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(4096)
    return listener
