"""The program itself: flags, configuration, whom it trusts, how it stops."""
import os
import re
import signal
import subprocess
import threading
import time

from lib import places
from lib.client import Broken
from lib.gateway import Gateway, table_path
from lib.report import short


def run(context, report, tenants, directs, settings):
    binary = os.path.join(context.build, "rowgate")
    command_line(report, binary)
    configuration(context, report, tenants)
    trust(context, report, tenants)
    bases(context, report, tenants)
    taken_port(context, report, tenants)
    for kind in ("ms", "sl"):
        graceful_stop(context, report, tenants, directs[kind], settings)


def call(binary, *arguments, environment=None):
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ROWGATE_")}
    ran = subprocess.run([binary, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False, timeout=30,
                         env={**kept, **(environment or {})})
    return ran.returncode, ran.stdout.decode(errors="replace"), ran.stderr.decode(errors="replace")


def command_line(report, binary):
    code, out, _ = call(binary, "--version")
    report.check(code == 0 and re.search(r"\b\d+\.\d+\.\d+\b", out), f"--version: {code} {out!r}")
    for arguments in (["--help"], ["serve", "--help"], ["config", "--help"]):
        code, out, _ = call(binary, *arguments)
        report.check(code == 0 and len(out) > 20, f"{arguments}: {code} {short(out)}")
    for arguments in (["--nosuch"], ["nosuch"], ["serve", "--nosuch"], ["serve", "--config", "/nonexistent/config.toml"], ["config", "nosuch"]):
        code, out, err = call(binary, *arguments)
        report.check(code != 0 and (out + err).strip(), f"{arguments} ends with {code} and says {short(out + err)}")


def configuration(context, report, tenants):
    gateway = Gateway(context.preset, tenants)
    code, out, err = call(gateway.binary, "config", "check", "--config", gateway.config)
    report.check(code == 0, f"config check of a good file: {code} {out} {err}")
    code, printed, err = call(gateway.binary, "config", "print", "--config", gateway.config)
    report.check(code == 0 and f"{gateway.port}" in printed, f"config print: {code} {short(printed)} {err}")
    again = os.path.join(gateway.folder, "again.toml")
    with open(again, "w", encoding="utf-8") as out_file:
        out_file.write(printed)
    code, twice, err = call(gateway.binary, "config", "print", "--config", again)
    report.check(code == 0 and twice == printed, f"what config print prints is not read back to the same: {code} {err}")
    code, printed, _ = call(gateway.binary, "config", "print", "--config", gateway.config, environment={"ROWGATE_SERVER_PORT": "12345"})
    report.check(code == 0 and "12345" in printed, f"the environment does not override: {code} {short(printed)}")
    code, out, err = call(gateway.binary, "config", "check", "--config", gateway.config, environment={"ROWGATE_SERVER_PROT": "1"})
    report.check(code != 0 and "ROWGATE_SERVER_PROT" in out + err, f"an unknown ROWGATE_ variable: {code} {short(out + err)}")
    with open(gateway.config, encoding="utf-8") as good_file:
        good = good_file.read()
    tenant_file = os.path.join(gateway.folder, "tenants", "acme.toml")
    with open(tenant_file, encoding="utf-8") as good_file:
        good_tenant = good_file.read()
    for broken, word in (("prot = 1\n", "prot"), ("[server]\nport = \"x\"\n", "port"), ("[server]\nport = 70000\n", "port"), ("[serv]\nport = 1\n", "serv"),
                         ("access_log = 5\n", "access_log"), ("base_paths = [\"v1\"]\n", "base_paths"), ("trusted_proxies = [\"localhost\"]\n", "localhost"),
                         ("[limits]\nrows_max = -1\n", "rows_max"), ("x = \n", "")):
        with open(gateway.config, "w", encoding="utf-8") as out_file:
            out_file.write('tenants_folder = "tenants"\n' + broken)
        for arguments in (["config", "check"], ["serve"]):
            code, out, err = call(gateway.binary, *arguments, "--config", gateway.config)
            report.check(code != 0 and word in out + err and "config.toml" in out + err,
                         f"{arguments} with {broken!r}: {code} {short(out + err)}")
    with open(gateway.config, "w", encoding="utf-8") as out_file:
        out_file.write(good)
    for broken, word in (("nam = \"x\"\n" + good_tenant, "nam"), (good_tenant.replace("verbs =", "verps ="), "verps"),
                         (good_tenant.replace('"DELETE"', '"DELET"'), "DELET"), (good_tenant.replace('type = "sl"', 'type = "pg"'), "pg"),
                         (good_tenant.replace('id = "org-1"', 'id = "org-2"'), "org-2"), ("name = \"x\"\n", "acme.toml"), ("=", "acme.toml")):
        with open(tenant_file, "w", encoding="utf-8") as out_file:
            out_file.write(broken)
        code, out, err = call(gateway.binary, "tenants", "check", "--config", gateway.config)
        report.check(code == 1 and word in out + err, f"tenants check of a broken file ({word}): {code} {short(out + err)}")
    places.remove(gateway.folder)


def trust(context, report, tenants):
    """Only trusted peers may say who is asking; the tests' own peer is 127.0.0.1."""
    for proxies, status in ((["10.0.0.0/8"], 401), ([], 401), (["127.0.0.2"], 401), (["127.0.0.0/8"], 200), (["127.0.0.1"], 200), (["::1/128", "0.0.0.0/0"], 200)):
        gateway = Gateway(context.preset, tenants, {"": {"trusted_proxies": proxies}}).start()
        try:
            client = gateway.client()
            target = table_path("sl", "people") + "?id=eq.1"
            answer = client.request("GET", target)
            report.equal(answer.status, status, f"trusted_proxies {proxies}")
            if status == 401:
                report.equal(answer.problem().get("code"), "identity_untrusted", f"trusted_proxies {proxies}")
                report.equal(client.request("GET", target, drop=["X-Org-Id"]).status, 400, "a tenant header missing, from an untrusted peer")
                report.equal(client.request("GET", target, headers=[("X-Forwarded-For", "10.1.1.1")]).status, 401, "X-Forwarded-For proves nothing")
                report.equal(client.request("DELETE", target).status, 401, f"DELETE, trusted_proxies {proxies}")
            report.equal(client.request("GET", "/livez").status, 200, "livez needs no identity")
        finally:
            gateway.destroy(report)


def bases(context, report, tenants):
    gateway = Gateway(context.preset, tenants, {"": {"base_paths": ["/api", "/api/v2"]}}).start()
    try:
        client = gateway.client()
        for base, status in (("/api", 200), ("/api/v2", 200), ("/v1", 404), ("/minimal/api/rest/auto/v1", 404), ("/apix", 404)):
            report.equal(client.request("GET", table_path("sl", "people", base=base)).status, status, f"base {base}")
    finally:
        gateway.destroy(report)


def taken_port(context, report, tenants):
    first = Gateway(context.preset, tenants).start()
    second = Gateway(context.preset, tenants)
    with open(second.config, encoding="utf-8") as text:
        changed = text.read().replace(f"port = {second.port}", f"port = {first.port}")
    with open(second.config, "w", encoding="utf-8") as out:
        out.write(changed)
    try:
        code, out, err = call(second.binary, "serve", "--config", second.config)
        report.check(code != 0 and str(first.port) in out + err, f"a taken port: {code} {short(out + err)}")
        report.equal(first.client().request("GET", "/readyz").status, 200, "the first gateway, after a second one tried its port")
    finally:
        first.destroy(report)
        places.remove(second.folder)
    # Port 0 takes a free port and says which.
    gateway = Gateway(context.preset, tenants)
    with open(gateway.config, encoding="utf-8") as text:
        changed = text.read().replace(f"port = {gateway.port}", "port = 0")
    with open(gateway.config, "w", encoding="utf-8") as out:
        out.write(changed)
    with open(gateway.stderr, "ab") as err:
        server = subprocess.Popen([gateway.binary, "serve", "--config", gateway.config], stdout=err, stderr=err, env=gateway.environment())
    port = None
    for _ in range(100):
        time.sleep(0.05)
        text = gateway.log()
        if os.path.exists(gateway.access_log):
            with open(gateway.access_log, encoding="utf-8") as log:
                text += log.read()
        found = re.search(r'"port":\s*(\d+)', text)
        if found and "started" in text:
            port = int(found.group(1))
            break
    if report.check(port, f"port 0: no started event with a port in {short(gateway.log())}"):
        gateway.port = port
        report.equal(gateway.client().request("GET", "/livez").status, 200, "the port of the started event")
    server.terminate()
    report.equal(server.wait(20), 0, "exit code after SIGTERM")
    places.remove(gateway.folder)


def graceful_stop(context, report, tenants, direct, settings):
    """SIGTERM while a request waits for a lock: it is finished and answered, then the gateway ends with 0."""
    gateway = Gateway(context.preset, tenants, settings).start()
    direct.run("DELETE FROM many WHERE id = 1")
    direct.run("INSERT INTO many (id, v) VALUES (1, 1)")
    lock = direct.again()
    lock.run("BEGIN" if direct.kind == "ms" else "BEGIN IMMEDIATE")
    lock.run("UPDATE many SET v = 1 WHERE id = 1" if direct.kind == "sl" else "SELECT * FROM many WHERE id = 1 FOR UPDATE")
    answers = []

    def ask():
        try:
            answers.append(gateway.client().request("DELETE", table_path(direct.kind, "many") + "?id=eq.1"))
        except Broken as broken:
            answers.append(broken)

    idle = gateway.client()
    idle.request("GET", "/livez")
    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.4)
    gateway.signal(signal.SIGTERM)
    time.sleep(0.4)
    refused = False
    try:
        gateway.client(timeout=2).request("GET", "/livez")
    except (OSError, Broken):
        refused = True
    lock.run("ROLLBACK")
    asking.join(20)
    answer = answers[0] if answers else None
    report.check(getattr(answer, "status", None) == 200 and answer.json() == {"rows_affected": 1}, f"[{direct.kind}] the request under way: {answer!r}")
    report.check(refused, f"[{direct.kind}] a new connection is still served after SIGTERM")
    try:
        report.equal(gateway.wait(20), 0, f"[{direct.kind}] exit code after SIGTERM")
    except subprocess.TimeoutExpired:
        report.fail(f"[{direct.kind}] the gateway does not end after SIGTERM")
        gateway.signal(signal.SIGKILL)
    report.equal(direct.one("SELECT count(*) FROM many WHERE id = 1"), 0, f"[{direct.kind}] the row of the request under way")
    direct.run("INSERT INTO many (id, v) VALUES (1, 1)")
    lock.close()
    idle.close()
    # SIGINT is the same as SIGTERM.
    other = Gateway(context.preset, tenants, settings).start()
    other.signal(signal.SIGINT)
    report.equal(other.wait(20), 0, "exit code after SIGINT")
    for ended in (gateway, other):
        places.remove(ended.folder)
