"""What a measurement needs around it: the servers, each on a free port or socket and gone at the end, and the three clients (wrk, sysbench,
our own load). A client that saw one wrong answer raises Spoilt: a rate of errors is no rate."""
import json
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests")) if os.path.join(ROOT, "tests") not in sys.path else None

from lib import mariadb, places  # noqa: E402
from lib.client import Client  # noqa: E402
from lib.gateway import IDENTITY, Gateway, free_port, grant, mariadb_database, sqlite_database, table_path, tenant  # noqa: E402

HERE = os.path.join(ROOT, "tests", "bench")
CONNECTIONS = 32  # of the clients, and of the gateway to its database
POINT_ROWS = 100000
XMYSQL = "0.5.1"
COLUMNS = ("(id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100) NOT NULL, email VARCHAR(100) NOT NULL UNIQUE, is_active TINYINT(1) DEFAULT 1, "
           "created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)")
ROW = ("CONCAT('Person number ', seq), CONCAT('person', seq, '@example.org'), seq % 2, '2026-01-02 03:04:05'")
NGINX = """daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/nginx.error; {user}
events {{ worker_connections 4096; }}
http {{ access_log {folder}/nginx.access combined buffer=64k flush=100ms; sendfile on; keepalive_requests 1000000000; default_type application/json;
  client_body_temp_path {folder}/n1; proxy_temp_path {folder}/n2; fastcgi_temp_path {folder}/n3; uwsgi_temp_path {folder}/n4; scgi_temp_path {folder}/n5;
  server {{ listen 127.0.0.1:{port} backlog=4096; root {folder}/static; }} }}
"""


class Spoilt(Exception):
    """This figure cannot be had, and why."""


def run(command, timeout=120, **more):
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=timeout, **more)
    text = ran.stdout.decode(errors="replace")
    if ran.returncode != 0:
        raise Spoilt(f"{os.path.basename(command[0])} ended with {ran.returncode}: {(text + ran.stderr.decode(errors='replace'))[-600:]}")
    return text


def wait_for_port(server, port, what, log=None, seconds=30):
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if server.poll() is not None or time.monotonic() > end:
                tail = open(log, "rb").read()[-600:].decode(errors="replace") if log else ""
                raise Spoilt(f"{what} does not serve: {tail}") from None
            time.sleep(0.02)


class World:
    """The servers, started when they are first asked for."""

    def __init__(self, build, keep_in=None):
        self.build = build  # folder of the programs, below build/
        self.folder = tempfile.mkdtemp(prefix="rowgate-bench-", dir=keep_in or disk_folder())
        os.chmod(self.folder, 0o755)
        self._running = []
        self._things = {}
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.files_max = hard

    def program(self, name):
        return os.path.join(places.build_folder(self.build), "bench", name)

    def _once(self, name, make):
        if name not in self._things:
            self._things[name] = make()
        return self._things[name]

    def start(self, command, name, **more):
        log = os.path.join(self.folder, name + ".log")
        with open(log, "ab") as out:
            server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, **more)
        self._running.append(server)
        return server, log

    def database(self):
        """MariaDB with every commit on the disk, the tables filled."""
        def make():
            folder = os.path.join(self.folder, "mariadb")
            os.mkdir(folder)
            server = mariadb.MariaDB(["--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=512M", "--innodb-log-file-size=512M",
                                      "--local-infile=1"], folder=folder)
            self._things["database"] = server
            server.start()
            server.make_schema("bench")
            server.make_schema("sysbench")
            with server.connect("bench").cursor() as cursor:
                cursor.execute("GRANT ALL ON *.* TO 'bench'@'localhost' IDENTIFIED BY 'bench'")
                for table in ("users", "victims", "imported"):
                    cursor.execute(f"CREATE TABLE {table} {COLUMNS}")
                cursor.execute(f"INSERT INTO users SELECT seq, {ROW} FROM seq_1_to_{POINT_ROWS}")
                cursor.execute("ANALYZE TABLE users")
            return server
        return self._once("database", make)

    def sqlite_file(self):
        def make():
            path = os.path.join(self.folder, "main.sqlite")
            direct = sqlite3.connect(path, isolation_level=None)
            direct.execute("PRAGMA journal_mode=WAL")
            direct.execute("CREATE TABLE victims (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL, email VARCHAR(100) NOT NULL UNIQUE, "
                           "is_active TINYINT(1) DEFAULT 1, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)")
            direct.close()
            return path
        return self._once("sqlite", make)

    def gateway(self):
        return self._once("gateway", lambda: self.fresh_gateway("gateway"))

    def fresh_gateway(self, name, tenants=None, settings=None):
        folder = os.path.join(self.folder, name)
        os.makedirs(folder, exist_ok=True)
        if tenants is None:
            grants = [grant("users", ["users", "victims", "imported"]), grant("auditors", ["log_*"], ["GET"])]
            tenants = [tenant([mariadb_database(self.database(), "bench", grants=grants), sqlite_database(self.sqlite_file(), grants=grants)])]
        made = Gateway(self.build, tenants, {"database": {"connections_max": CONNECTIONS}, **(settings or {})}, folder=folder)
        made.start(wait=60)
        self._running.append(made)
        return made

    def end(self, server):
        """Ends one server before the others."""
        self._running.remove(server)
        if isinstance(server, Gateway):
            wrong = server.stop()
            if wrong:
                raise Spoilt("; ".join(wrong))
        else:
            end_group(server)

    def nginx_port(self):
        def make():
            static = os.path.join(self.folder, "static")
            os.mkdir(static)
            with open(os.path.join(static, "row.json"), "w", encoding="ascii") as out:
                out.write("[" + "x" * 298 + "]")
            port = free_port()
            config = os.path.join(self.folder, "nginx.conf")
            with open(config, "w", encoding="ascii") as out:
                out.write(NGINX.format(folder=self.folder, port=port, user="user root;" if os.geteuid() == 0 else ""))
            server, log = self.start(["/usr/sbin/nginx", "-c", config, "-p", self.folder, "-e", os.path.join(self.folder, "nginx.error")], "nginx")
            wait_for_port(server, port, "nginx", log)
            return port
        return self._once("nginx", make)

    def bare_port(self):
        return self._once("bare", lambda: self._told_port([self.program("bare"), self.database().socket, "bench"], "bare"))

    def stock_port(self):
        """Its configuration is the gateway's own, with a log of its own."""
        def make():
            config = os.path.join(os.path.dirname(self.gateway().config), "stock.toml")
            with open(self.gateway().config, encoding="utf-8") as text:
                whole = text.read()
            with open(config, "w", encoding="utf-8") as out:
                out.write(whole.replace('"access.log"', '"stock.log"'))
            return self._told_port([self.program("stock"), config], "stock")
        return self._once("stock", make)

    def _told_port(self, command, name):
        server, log = self.start(command, name)
        end = time.monotonic() + 30
        while True:
            with open(log, encoding="utf-8") as text:
                line = text.readline()
            if line.endswith("\n") and line.strip().isdigit():
                wait_for_port(server, int(line), name, log)
                return int(line)
            if server.poll() is not None or time.monotonic() > end:
                raise Spoilt(f"{name} does not serve: {line}")
            time.sleep(0.02)

    def xmysql_port(self):
        def make():
            folder = os.path.join(ROOT, "build", "bench", f"xmysql-{XMYSQL}")
            program = os.path.join(folder, "node_modules", "xmysql", "bin", "index.js")
            if not os.path.exists(program):
                os.makedirs(folder, exist_ok=True)
                if not (shutil.which("node") and shutil.which("npm")):  # from Debian, when no other is there
                    run([os.path.join(ROOT, "deploy", "install.sh"), "xmysql"], timeout=600)
                try:
                    run(["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", f"xmysql@{XMYSQL}"], timeout=180)
                except (OSError, subprocess.TimeoutExpired) as error:
                    raise Spoilt(f"npm install xmysql: {error}") from error
            port = free_port()
            server, log = self.start(["node", program, "-h", "localhost", "-S", self.database().socket, "-u", "bench", "-p", "bench", "-d", "bench",
                                      "-r", "127.0.0.1", "-n", str(port), "-c", "2"], "xmysql", cwd=self.folder)
            end = time.monotonic() + 30
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/users/7", timeout=2) as answer:
                        if json.load(answer)[0]["id"] == 7:
                            return port
                except (OSError, ValueError, KeyError, IndexError):
                    pass
                if server.poll() is not None or time.monotonic() > end:
                    raise Spoilt("xmysql does not serve: " + open(log, "rb").read()[-600:].decode(errors="replace"))
                time.sleep(0.1)
        return self._once("xmysql", make)

    def forget_logs(self):
        """Logs of the last round: emptied, so that none fills the disk; every writer appends."""
        for name in ("nginx.access", "gateway/access.log", "gateway/stock.log"):
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                os.truncate(path, 0)

    def close(self):
        wrong = []
        for server in reversed(self._running):
            if isinstance(server, Gateway):
                wrong += server.stop()
            else:
                end_group(server)
        for thing in self._things.values():
            if isinstance(thing, mariadb.MariaDB):
                thing.kill()
        places.remove(self.folder)
        return wrong


def disk_folder():
    """Durable figures need a disk: a folder in memory would make fsync free."""
    for candidate in (tempfile.gettempdir(), "/var/tmp", os.path.join(ROOT, "build")):
        kind = subprocess.run(["stat", "-f", "-c", "%T", candidate], stdout=subprocess.PIPE, check=False).stdout.decode().strip()
        if kind not in ("tmpfs", "ramfs", ""):
            return candidate
    raise Spoilt("there is no folder on a disk")


def end_group(server):
    """A server of ours with all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
        except ProcessLookupError:
            break
        try:
            server.wait(10)
            break
        except subprocess.TimeoutExpired:
            continue


def identity_headers():
    return [f"{name}: {value}" for name, value in IDENTITY]


def wrk(port, path, seconds, ids=False, connections=CONNECTIONS, identity=False, headers=None):
    """Requests a second; with `ids`, the path ends where an id of the users table is to stand. `headers` stand for those of `identity`."""
    command = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s"]
    if ids:
        command += ["-s", os.path.join(HERE, "read.lua"), f"http://127.0.0.1:{port}/", "--", str(POINT_ROWS), path]
        command += [line.replace(": ", ":", 1) for line in (identity_headers() if identity else headers or [])]
    else:
        command += [f"http://127.0.0.1:{port}{path}"]
    text = run(command, timeout=seconds + 60)
    errors = re.search(r"Non-2xx.*|Socket errors.*", text)
    if errors:
        raise Spoilt(f"wrk on {path}: {errors.group(0)}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))


def load(world, *arguments, timeout=120):
    """What our own client reports; an answer that is not the one expected spoils it."""
    ran = subprocess.run([world.program("load"), *[str(argument) for argument in arguments]], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         check=False, timeout=timeout)
    complaint = ran.stderr.decode(errors="replace").strip()[:400]
    if ran.returncode != 0:
        raise Spoilt(complaint)
    figures = json.loads(ran.stdout)
    if figures["bad_status"] or figures["mismatches"] or figures["broken"]:
        raise Spoilt(f"of {figures['requests']} requests {figures['bad_status']} were refused, {figures['mismatches']} answered otherwise, "
                     f"{figures['broken']} not answered: {complaint}")
    return figures


def headers_of(lines):
    return [part for line in lines for part in ("--header", line)]


class Beside:
    """load's connections that stay: idle, or slow on purpose."""

    def __init__(self, world, mode, port, count, target):
        self._client = subprocess.Popen([world.program("load"), mode, "--port", str(port), "--connections", str(count), "--target", target,
                                         *headers_of(identity_headers())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if self._client.stdout.readline() != b"ready\n":
            raise Spoilt("load " + mode + ": " + self._client.stderr.read().decode(errors="replace")[-400:])

    def end(self):
        out, _ = self._client.communicate(timeout=60)
        return json.loads(out)


def sysbench(script, database, schema, seconds, threads, *options):
    text = run(["sysbench", script, "--db-driver=mysql", f"--mysql-socket={database.socket}", "--mysql-user=root", f"--mysql-db={schema}",
                f"--threads={threads}", f"--time={seconds}", "--events=0", *options, "run"], timeout=seconds + 60)
    found = re.search(r"transactions:\s+(\d+)\s+\(([\d.]+) per sec", text)
    total = re.search(r"total time:\s+([\d.]+)s", text)
    if not found or not total:
        raise Spoilt("sysbench: " + text[-400:])
    return float(found.group(2)), float(total.group(1))


def memory_kib(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii") as text:
        return int(re.search(rf"^{field}:\s+(\d+) kB", text.read(), re.M).group(1))


def gateway_client(gateway):
    return Client(gateway.port, IDENTITY, timeout=60)


def users_path(kind="ms", table="users"):
    return table_path(kind, table)
