"""What the parts of the suite `tenants` share: a gateway with an operators' listener, and the files of its tenants, which change."""
import json
import os
import signal
import subprocess
import time

from lib.client import Client
from lib.gateway import Gateway, free_port, merged, sqlite_database, tenant

PROJECT = "demo"


class Tenants:
    """A gateway with an operators' listener, and the files of its tenants."""

    def __init__(self, context, entries, settings=None):
        self.admin_port = free_port()
        self.gateway = Gateway(context.preset, entries, merged({"": {"access_log_flush_ms": 0}, "admin": {"port": self.admin_port}}, settings))
        self.client = Client(self.gateway.port)
        self.admin = Client(self.admin_port)
        self._read_to, self._events = 0, {}

    def file(self, name):
        return os.path.join(self.gateway.folder, "tenants", f"{name}.toml")

    def write(self, name, text):
        """As an editor does: beside it, then renamed into place."""
        with open(self.file("." + name) + ".new", "w", encoding="utf-8") as out:
            out.write(text)
        os.rename(self.file("." + name) + ".new", self.file(name))

    def get(self, name, table="t?id=eq.1", database="main", client=None, org_id=None):
        return (client or self.client).request("GET", f"/v1/{name}/{PROJECT}/sl/{database}/{table}", headers=identity(name, org_id))

    def status(self, name, **more):
        return self.get(name, **more).status

    def becomes(self, name, wanted, within=3.0, **more):
        """The status is `wanted` within some seconds; how long it took, or None."""
        began = time.monotonic()
        while time.monotonic() - began < within:
            if self.status(name, **more) == wanted:
                return time.monotonic() - began
            time.sleep(0.01)
        return None

    def events(self, kind):
        """Those of this kind that the log has so far. Each line is read once: under load there are many."""
        with open(self.gateway.access_log, "rb") as text:
            text.seek(self._read_to)
            new = text.read()
        whole = new[:new.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for line in whole.splitlines():
            if b'"event":"request_served"' not in line:
                event = json.loads(line)
                self._events.setdefault(event["event"], []).append(event)
        return self._events.get(kind, [])

    def next_event(self, kind, known, within=10.0):
        """The event of this kind that follows the `known` first ones."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            events = self.events(kind)
            if len(events) > known:
                return events[known]
            time.sleep(0.02)
        return None

    def reload(self, within=10.0):
        """SIGHUP, and what the log says of it."""
        known = len(self.events("tenants_read"))
        self.gateway.signal(signal.SIGHUP)
        return self.next_event("tenants_read", known, within)

    def rowgate(self, *arguments):
        """A command of the program on these files: exit status, output, errors."""
        done = subprocess.run([self.gateway.binary, *arguments, "--config", self.gateway.config], capture_output=True, text=True, timeout=60,
                              env=self.gateway.environment(), check=False)
        return done.returncode, done.stdout, done.stderr

    def end(self, report):
        self.client.close()
        self.admin.close()
        self.gateway.destroy(report)


def identity(name, org_id=None):
    return [("X-Org-Id", org_id or "id-" + name), ("X-Project-Id", "project-1"), ("X-Space-Id", "space-1"), ("X-User-Id", "u"),
            ("X-User-Roles", "admin")]


def entry(org, path, **database):
    database.setdefault("required", False)
    return tenant([sqlite_database(path, **database)], name=org, org_id="id-" + org, project=PROJECT)
