"""Runs the gateway under test: writes its configuration, waits until it is ready, stops it and looks at how it ended."""
import json
import os
import re
import signal
import socket
import subprocess
import time

from lib import places
from lib.client import Broken, Client

SANITIZER = re.compile(r"AddressSanitizer|ThreadSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:|Assertion .* failed|"
                       r"terminate called")
ALL_VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
BASE = "/v1"
LONG_BASE = "/minimal/api/rest/auto/v1"
ORG, PROJECT = "acme", "demo"
IDENTITY = [("X-Org-Id", "org-1"), ("X-Project-Id", "project-1"), ("X-Space-Id", "space-1"),
            ("X-User-Id", "user-1"), ("X-User-Roles", "users, admin")]


def grant(role, tables, verbs=ALL_VERBS):
    return {"role": role, "tables": list(tables), "verbs": list(verbs)}


def sqlite_database(path, name="main", grants=None, **more):
    return {"type": "sl", "name": name, "path": path, "required": True, "grants": grants or [grant("admin", ["*"])], **more}


def mariadb_database(server, schema, name="main", grants=None, **more):
    return {"type": "ms", "name": name, "socket": server.socket, "user": "root", "schema": schema, "required": True,
            "grants": grants or [grant("admin", ["*"])], **more}


def tenant(databases, name=ORG, org_id="org-1", project=PROJECT, project_id="project-1", space_id="space-1"):
    return {"name": name, "id": org_id, "projects": [{"name": project, "id": project_id,
                                                      "spaces": [{"id": space_id, "databases": databases}]}]}


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def tenant_toml(entry):
    lines = [f"name = {toml(entry['name'])}", f"id = {toml(entry['id'])}"]
    for project in entry["projects"]:
        lines.append("[[project]]")
        lines += [f"{key} = {toml(value)}" for key, value in project.items() if key != "spaces"]
        for space in project["spaces"]:
            lines.append("[[project.space]]")
            lines += [f"{key} = {toml(value)}" for key, value in space.items() if key != "databases"]
            for database in space["databases"]:
                lines.append("[[project.space.database]]")
                lines += [f"{key} = {toml(value)}" for key, value in database.items() if key != "grants"]
                for entry_grant in database["grants"]:
                    lines.append("[[project.space.database.grant]]")
                    lines += [f"{key} = {toml(value)}" for key, value in entry_grant.items()]
    return "\n".join(lines) + "\n"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def merged(settings, more=None):
    """Settings by section, those of `more` in force."""
    result = {name: dict(values) for name, values in settings.items()}
    for name, values in (more or {}).items():
        result.setdefault(name, {}).update(values)
    return result


class Gateway:
    """`settings` are lines of the configuration by section: {"": {"database_hint": "…"}, "limits": {"rows_max": 5}}."""

    def __init__(self, preset, tenants, settings=None, folder=None):
        self.binary = os.path.join(places.build_folder(preset), "rowgate")
        self.folder = folder or places.scratch("gateway")
        self.port = free_port()
        self.config = os.path.join(self.folder, "config.toml")
        self.stderr = os.path.join(self.folder, "stderr")
        self.access_log = os.path.join(self.folder, "access.log")
        self._server = None
        self._is_slow = preset in ("asan", "tsan")
        sections = merged({"": {"tenants_folder": "tenants", "access_log": "access.log"},
                           "server": {"address": "127.0.0.1", "port": self.port}}, settings)
        os.makedirs(os.path.join(self.folder, "tenants"), exist_ok=True)
        with open(self.config, "w", encoding="utf-8") as out:
            for name in sorted(sections):
                if name:
                    out.write(f"[{name}]\n")
                for key, value in sections[name].items():
                    out.write(f"{key} = {toml(value)}\n")
        for entry in tenants:
            with open(os.path.join(self.folder, "tenants", f"{entry['name']}.toml"), "w", encoding="utf-8") as out:
                out.write(tenant_toml(entry))

    def environment(self):
        """Ours without ROWGATE_*: the gateway takes those for settings."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ROWGATE_")}
        kept["ASAN_OPTIONS"] = "detect_leaks=1:abort_on_error=0"
        kept["UBSAN_OPTIONS"] = "print_stacktrace=1"
        kept["TSAN_OPTIONS"] = "second_deadlock_stack=1"
        return kept

    def start(self, ready=True, wait=30):
        with open(self.stderr, "ab") as err:
            self._server = subprocess.Popen([self.binary, "serve", "--config", self.config], stdin=subprocess.DEVNULL,
                                            stdout=err, stderr=err, env=self.environment())
        end = time.monotonic() + wait
        while True:
            if self._server.poll() is not None:
                raise RuntimeError(f"the gateway ended with {self._server.returncode}: {self.log()[-2000:]}")
            try:
                status = self.client(identity=False).request("GET", "/readyz" if ready else "/livez").status
                if status == 200:
                    return self
            except (OSError, Broken):
                status = None
            if time.monotonic() > end:
                raise RuntimeError(f"the gateway was not ready in {wait} s (last status {status}): {self.log()[-2000:]}")
            time.sleep(0.02)

    def client(self, identity=True, timeout=None):
        return Client(self.port, IDENTITY if identity else (), timeout=timeout or (60 if self._is_slow else 30))

    @property
    def pid(self):
        return self._server.pid

    def is_running(self):
        return self._server is not None and self._server.poll() is None

    def log(self):
        with open(self.stderr, "rb") as text:
            return text.read().decode(errors="replace")

    def signal(self, number=signal.SIGTERM):
        self._server.send_signal(number)

    def wait(self, timeout=20):
        return self._server.wait(timeout)

    def stop(self):
        """What was wrong with how it ended: a list of sentences."""
        wrong = []
        if self._server is None:
            return wrong
        if self._server.poll() is not None:
            wrong.append(f"the gateway had already ended with {self._server.returncode}")
        else:
            self._server.send_signal(signal.SIGTERM)
            try:
                code = self._server.wait(30)
                if code != 0:
                    wrong.append(f"the gateway ended with {code} after SIGTERM")
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
                wrong.append("the gateway did not end within 30 s of SIGTERM")
        text = self.log()
        found = SANITIZER.search(text)
        if found:
            wrong.append("in its output: " + text[found.start():found.start() + 4000])
        self._server = None
        return wrong

    def destroy(self, report=None):
        wrong = self.stop()
        if report is not None:
            report.check(not wrong, "; ".join(wrong))
        if not wrong:
            places.remove(self.folder)
        else:
            print(f"  kept for a look: {self.folder}", flush=True)
        return wrong


def table_path(kind, table="", database="main", base=BASE):
    """`kind` is ms or sl; `table` goes in percent-encoded."""
    path = f"{base}/{ORG}/{PROJECT}/{kind}/{database}"
    return path + "/" + encode(table) if table else path


_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:,@")


def encode(text):
    """Percent-encodes all but what is plain in both a segment and a query."""
    raw = text.encode("utf-8") if isinstance(text, str) else text
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in raw)
