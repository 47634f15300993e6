"""deploy/demo, as a newcomer runs it: starts, prints lines that work when pasted, keeps its data, stops all that it started."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from lib import places
from lib.gateway import free_port
from lib.report import Report, short

DEMO = os.path.join(places.ROOT, "deploy", "demo")
HEADERS = ["X-Org-Id: 01KKBPGAE4CR13W14E4T4ACSAB", "X-Project-Id: 01KF6G55AK87WWGQ145SDA2AC9", "X-Space-Id: 01KF6G55AK87WWGQ145SDA25X9",
           "X-User-Id: 01KBY3K9NDC5XW523M2V1Z0373", "X-User-Roles: users, admin"]
ACME = ["X-Org-Id: acme-org", "X-Project-Id: acme-demo", "X-Space-Id: acme-main", "X-User-Id: 01KBY3K9NDC5XW523M2V1Z0373", "X-User-Roles: users, admin"]


def run(context):
    report = Report("demo")
    arguments(report)
    for mysql in (False, True):
        folder = tempfile.mkdtemp(prefix="rowgate-demo-")
        try:
            life(report, folder, mysql)
        finally:
            stop_leftover(folder)
            shutil.rmtree(folder, ignore_errors=True)
    # A folder whose socket path would be too long for the system.
    base = tempfile.mkdtemp(prefix="rowgate-demo-")
    folder = os.path.join(base, "d" * 120)
    try:
        demo, pid = start(report, folder, free_port(), True)
        if pid:
            stop(report, pid, folder)
    finally:
        stop_leftover(folder)
        shutil.rmtree(base, ignore_errors=True)
    return report


def demo_run(*flags, timeout=600, cwd="/"):
    return subprocess.run([DEMO, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False, timeout=timeout,
                          cwd=cwd, text=True)


def arguments(report):
    for flags in (["--nosuch"], ["--port", "x"], ["--port", "0"], ["--port", "70000"], ["--port"], ["extra"]):
        ran = demo_run(*flags)
        report.check(ran.returncode == 2 and "usage:" in ran.stderr, f"demo {flags}: {ran.returncode} {ran.stderr!r}")
    ran = demo_run("--help")
    report.check(ran.returncode == 0 and "--detach" in ran.stdout, f"demo --help: {ran.returncode}")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        folder = tempfile.mkdtemp(prefix="rowgate-demo-")
        ran = demo_run("--detach", "--port", str(holder.getsockname()[1]), "--dir", folder)
        report.check(ran.returncode not in (0, 2) and "taken" in ran.stderr, f"a taken port: {ran.returncode} {ran.stderr!r}")
        report.check(not running(folder), f"a taken port left something running: {running(folder)}")
        shutil.rmtree(folder, ignore_errors=True)


def running(folder):
    """Command lines of what runs with this folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as text:
                line = text.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if folder in line and int(pid) != os.getpid():
            found.append((int(pid), line))
    return found


def stop_leftover(folder):
    for pid, _ in running(folder):
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass


def start(report, folder, port, mysql):
    flags = ["--detach", "--port", str(port), "--dir", folder] + (["--mysql"] if mysql else [])
    ran = demo_run(*flags)
    found = re.search(r"^pid (\d+)$", ran.stdout, re.M)
    if not report.check(ran.returncode == 0 and found, f"demo {flags}: {ran.returncode} {short(ran.stdout)} {short(ran.stderr)}"):
        return ran, None
    return ran, int(found.group(1))


def stop(report, pid, folder):
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + 30
    while time.monotonic() < end and (os.path.exists(f"/proc/{pid}") and not is_zombie(pid) or running(folder)):
        time.sleep(0.05)
    report.check(not running(folder), f"still running after SIGTERM: {running(folder)}")


def is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as text:
            return text.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def curl(method, url, headers, data=None):
    command = ["curl", "-s", "-w", "\n%{http_code}", "-X", method, url]
    for header in headers:
        command += ["-H", header]
    if data is not None:
        command += ["-H", "Content-Type: application/json", "-d", data]
    text = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=30).stdout.decode()
    body, _, status = text.rpartition("\n")
    try:
        return int(status), json.loads(body)
    except ValueError:
        return int(status or 0), body


def pasted(output):
    """The curl commands of the output, each with its continued lines."""
    return re.findall(r"^curl (?:.*\\\n)*.*$", output, re.M)


def life(report, folder, mysql):
    port = free_port()
    demo, pid = start(report, folder, port, mysql)
    if pid is None:
        return
    lines = pasted(demo.stdout)
    report.equal(len(lines), 3, "curl lines of the demo")
    for line in lines:
        ran = subprocess.run(["bash", "-c", line.replace("curl ", "curl -sS --fail-with-body ", 1)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             check=False, timeout=30)
        report.check(ran.returncode == 0, f"pasted: {line}: {ran.stdout.decode()} {ran.stderr.decode()}")
    for name in ("config.toml", "tenants/btec.toml", "tenants/acme.toml", "demo_db.sqlite", "acme_demo_db.sqlite"):
        report.check(os.path.exists(os.path.join(folder, name)), f"there is no {name}")
    for kind in ("ms", "sl") if mysql else ("sl",):
        for base in ("/minimal/api/rest/auto/v1", "/v1"):
            users = f"http://127.0.0.1:{port}{base}/btec/tst/{kind}/demo_db/users"
            row = 10 if lines and f"/{kind}/" not in lines[-1] and base == "/v1" else 11 if base == "/v1" else 12
            for rows in (1, 0):  # the seed's DELETE, twice
                report.equal(curl("DELETE", f"{users}?id=eq.{row}", HEADERS), (200, {"rows_affected": rows}), f"[{kind}] DELETE {row} for the {2 - rows}. time")
        status, listed = curl("GET", f"{users}?order=id", HEADERS)
        report.check(status == 200 and len(listed) >= 27 and listed[0]["id"] == 1 and set(listed[0]) == {"id", "name", "email", "is_active", "created_at"},
                     f"[{kind}] the demo's users: {status} {short(listed)}")
        acme = users.replace("btec/tst", "acme/demo")
        status, listed = curl("GET", f"{acme}?id=in.10,11,12", ACME)
        report.check(status == 200 and len(listed) == 3, f"[{kind}] acme has a copy of its own: {status} {short(listed)}")
        report.equal(curl("GET", acme, HEADERS)[0], 403, f"[{kind}] btec's identity at acme's door")
        report.equal(curl("DELETE", users, HEADERS)[0], 406, f"[{kind}] DELETE without a filter")
    if not mysql:
        status, problem = curl("GET", f"http://127.0.0.1:{port}/v1/btec/tst/ms/demo_db/users", HEADERS)
        report.check(status == 404 and "deploy/demo --mysql" in str(problem), f"the hint to --mysql: {status} {problem}")
    ran = demo_run("--detach", "--port", str(free_port()), "--dir", folder, *(["--mysql"] if mysql else []))
    report.check(ran.returncode == 1, f"a second demo in the same folder: {ran.returncode} {short(ran.stdout)} {short(ran.stderr)}")
    report.equal(curl("GET", f"http://127.0.0.1:{port}/readyz", [])[0], 200, "the first demo, after a second one was refused")
    stop(report, pid, folder)
    # Started again it finds its data as it left it.
    port = free_port()
    _, pid = start(report, folder, port, mysql)
    if pid is None:
        return
    for kind in ("ms", "sl") if mysql else ("sl",):
        status, rows = curl("GET", f"http://127.0.0.1:{port}/v1/btec/tst/{kind}/demo_db/users?id=in.1,12", HEADERS)
        report.equal((status, [row["id"] for row in rows] if isinstance(rows, list) else rows), (200, [1]), f"[{kind}] the data of the first run")
    # The gateway dies: the rest goes with it.
    gateways = [found for found, line in running(folder) if "rowgate serve" in line]
    report.check(gateways, "the gateway is not to be found")
    for found in gateways:
        os.kill(found, signal.SIGKILL)
    end = time.monotonic() + 30
    while time.monotonic() < end and running(folder):
        time.sleep(0.05)
    report.check(not running(folder), f"still running after the gateway died: {running(folder)}")
