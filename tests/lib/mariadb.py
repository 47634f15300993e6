"""A MariaDB of the tests' own: in a scratch folder, reached through a socket only, gone at the end."""
import os
import signal
import subprocess
import threading
import time

import pymysql

from lib import places

# The server's own settings are unhelpful on purpose: the gateway must rely on none of them.
ODD_DEFAULTS = ["--default-time-zone=+05:00", "--sql-mode=", "--character-set-server=latin1"]


class MariaDB:
    def __init__(self, options=(), folder=None):
        self.folder = folder or places.scratch("mariadb")
        self.socket = os.path.join(self.folder, "s")
        self._data = os.path.join(self.folder, "data")
        self._log = os.path.join(self.folder, "log")
        self._options = list(options)
        self._server = None
        self._as = ["--user=root"] if os.geteuid() == 0 else []
        # A folder of its own: a server that starts removes what it takes for left-over temporary tables, other servers' included.
        self._temporary = os.path.join(self.folder, "tmp")
        os.mkdir(self._temporary)
        made = subprocess.run(["mariadb-install-db", "--no-defaults", *self._as, f"--datadir={self._data}",
                               "--auth-root-authentication-method=normal", "--skip-test-db"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, env={**os.environ, "TMPDIR": self._temporary})
        if made.returncode != 0:
            places.remove(self.folder)
            raise RuntimeError("mariadb-install-db: " + made.stdout.decode(errors="replace")[-2000:])

    def start(self):
        mariadbd = "/usr/sbin/mariadbd"
        with open(self._log, "ab") as log:
            self._server = subprocess.Popen(
                [mariadbd, "--no-defaults", *self._as, f"--datadir={self._data}", f"--socket={self.socket}", "--skip-networking", f"--tmpdir={self._temporary}",
                 f"--pid-file={self.folder}/pid", "--innodb-flush-log-at-trx-commit=2", "--skip-log-bin", "--max-connections=400",
                 *ODD_DEFAULTS, *self._options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 60
        while True:
            if self._server.poll() is not None:
                raise RuntimeError("MariaDB did not start: " + self.log_tail())
            try:
                self.connect().close()
                return self
            except pymysql.Error:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def log_tail(self):
        with open(self._log, "rb") as log:
            return log.read()[-2000:].decode(errors="replace")

    def connect(self, schema=None):
        """autocommit, UTC, strict; every text as str, every binary value as bytes."""
        return pymysql.connect(unix_socket=self.socket, user="root", database=schema, charset="utf8mb4", autocommit=True,
                               init_command="SET time_zone='+00:00', sql_mode='STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO'")

    def make_schema(self, name):
        connection = self.connect()
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")
            cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
        connection.close()

    def stop(self):
        self._end(signal.SIGTERM)

    def kill(self):
        self._end(signal.SIGKILL)

    def _end(self, number):
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(number)
            self._server.wait(60)
        self._server = None

    def pause(self):
        """Comes back when every thread stands still: on a busy machine some go on for a moment after the signal."""
        self._server.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._server.pid, os.WSTOPPED)

    def resume(self):
        self._server.send_signal(signal.SIGCONT)

    def destroy(self):
        self.kill()
        places.remove(self.folder)


class Shared:
    """One server for all suites of a run, started by the first that asks."""

    def __init__(self):
        self._server = None
        self._lock = threading.Lock()

    def get(self):
        with self._lock:
            if self._server is None:
                self._server = MariaDB().start()
            return self._server

    def destroy(self):
        if self._server is not None:
            self._server.destroy()
            self._server = None
