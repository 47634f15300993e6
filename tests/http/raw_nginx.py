"""A private nginx with the server of deploy/nginx.conf, so that what is shipped is what is tested, on free ports and without TLS.

In place of the identity service: who sends `Authorization: Bearer victim` is acme's, everybody else is mallory's.
"""
import os
import re
import subprocess
import time

from lib import places
from lib.gateway import IDENTITY, free_port

from raw_wire import Connection, Endpoint

NGINX = "/usr/sbin/nginx"
SHIPPED = os.path.join(places.ROOT, "deploy", "nginx.conf")
MALLORY = {"X-Org-Id": "org-6", "X-Project-Id": "project-6", "X-Space-Id": "space-6", "X-User-Id": "mallory", "X-User-Roles": "reader"}


def replaced(text, pattern, by):
    """Each of these is in the shipped file exactly once: else this would test something else than it says."""
    text, count = re.subn(pattern, by, text, flags=re.S | re.M)
    if count != 1:
        raise RuntimeError(f"deploy/nginx.conf has {count} times {pattern}")
    return text


class Nginx:
    def __init__(self, folder, upstream_port, buffering):
        self.folder = os.path.join(folder, f"nginx-{buffering}")
        os.makedirs(self.folder)
        self.port, identify = free_port(), free_port()
        text = open(SHIPPED, encoding="utf-8").read()
        text = replaced(text, r"server 127\.0\.0\.1:8080;", f"server 127.0.0.1:{upstream_port};")
        text = replaced(text, r"^server \{\n    listen 80;.*?^\}\n", "")
        text = replaced(text, r"listen 443 ssl http2;", f"listen 127.0.0.1:{self.port};")
        text = replaced(text, r"(^    ssl_[^\n]*\n)+", "")
        text = replaced(text, r"http://127\.0\.0\.1:9000/identify", f"http://127.0.0.1:{identify}/identify")
        text = replaced(text, r"^    location / \{\n", "    location / {\n        add_header X-Proxied-Id $request_id always;\n"
                                                       f"        proxy_request_buffering {buffering};\n")
        maps, headers = [], []
        for name, value in IDENTITY:
            variable = "$known_" + name.lower().replace("-", "_")
            maps.append(f'map $http_authorization {variable} {{ default "{MALLORY[name]}"; "Bearer victim" "{value}"; }}')
            headers.append(f"add_header {name} {variable};")
        temporary = " ".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        self.config = os.path.join(self.folder, "nginx.conf")
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(f"daemon off; master_process off; pid {self.folder}/pid; error_log {self.folder}/error.log;\n"
                      f"events {{ worker_connections 512; }}\nhttp {{ access_log off; {temporary}\n" + "\n".join(maps) +
                      f"\nserver {{ listen 127.0.0.1:{identify}; large_client_header_buffers 4 32k; location = /identify {{ {' '.join(headers)} return 204; }} }}\n{text}\n}}\n")
        self._server = None

    @property
    def endpoint(self):
        return Endpoint(port=self.port)

    def start(self):
        with open(os.path.join(self.folder, "stderr"), "wb") as err:
            self._server = subprocess.Popen([NGINX, "-p", self.folder, "-c", self.config, "-e", f"{self.folder}/error.log"],
                                            stdin=subprocess.DEVNULL, stdout=err, stderr=err)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                Connection(self.endpoint).close()
                return self
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("nginx does not start: " + self.log())

    def log(self):
        texts = []
        for name in ("stderr", "error.log"):
            with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as text:
                texts.append(text.read())
        return "".join(texts)[-4000:]

    def stop(self):
        if self._server is not None:
            self._server.terminate()
            try:
                self._server.wait(10)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            self._server = None


def upstream_connections(port):
    """The clients' ports of the connections that are established with this port of ours."""
    found = set()
    with open("/proc/net/tcp", encoding="ascii") as table:
        next(table)
        for line in table:
            _, local, remote, state = line.split()[:4]
            if state == "01" and int(remote.split(":")[1], 16) == port:
                found.add(int(local.split(":")[1], 16))
    return found
