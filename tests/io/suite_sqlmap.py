"""sqlmap on path, query, header and body, on both databases: it must find nothing. Short: one of each, at
sqlmap's level 1; --full: more of each, at level 3 and risk 2.
"""
import os
import re
import subprocess

from lib import places
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import IDENTITY, Gateway, mariadb_database, sqlite_database, table_path, tenant
from lib.report import Report, say

FOUND = re.compile(r"identified the following injection point|is vulnerable|appears to be '.*' injectable|seems to be '.*' injectable")
NOTHING = re.compile(r"all tested parameters do not appear to be injectable|does not seem to be injectable")


def run(context):
    report = Report("sqlmap")
    folder = places.scratch("sqlmap")
    server = context.mariadb.get()
    server.make_schema("rg_sqlmap")
    path = os.path.join(folder, "main.sqlite")
    directs = {"ms": open_mariadb(server, "rg_sqlmap"), "sl": open_sqlite(path)}
    for direct in directs.values():
        key = "INT AUTO_INCREMENT PRIMARY KEY" if direct.kind == "ms" else "INTEGER PRIMARY KEY AUTOINCREMENT"
        direct.run(f"CREATE TABLE users (id {key}, name VARCHAR(100) NOT NULL, email VARCHAR(100) NOT NULL)")
        direct.run("INSERT INTO users VALUES " + ",".join(f"({n},'user {n}','u{n}@test.com')" for n in range(1, 51)))
    gateway = Gateway(context.preset, [tenant([mariadb_database(server, "rg_sqlmap"), sqlite_database(path)])], {"": {"access_log": ""}}).start()
    try:
        running = []
        for kind in ("ms", "sl"):
            for name, arguments in attempts(gateway, kind, context.full):
                running.append((kind, name, start(folder, kind, name, arguments, context.full)))
                if len(running) == 2:
                    judge(report, running, context.full)
                    running = []
        judge(report, running, context.full)
        for kind, direct in directs.items():
            report.equal(direct.one("SELECT count(*) FROM users WHERE id <= 50 AND name LIKE 'user %'"), 50, f"[{kind}] rows afterwards")
    finally:
        gateway.destroy(report)
        places.remove(folder)
    return report


def attempts(gateway, kind, full):
    users = f"http://127.0.0.1:{gateway.port}{table_path(kind, 'users')}"
    yield "filter", ["-u", f"{users}?name=eq.user%201*&limit=5"]
    yield "path", ["-u", f"{users}*?limit=5"]
    yield "user header", ["-u", f"{users}?limit=5", "--header=X-User-Id: user-1*"]
    yield "value in a body", ["-u", f"{users}?id=eq.50", "--method=PUT", '--data={"email":"a@b*"}', "--header=Content-Type: application/json"]
    if not full:
        return
    yield "number", ["-u", f"{users}?id=eq.1*"]
    yield "list", ["-u", f"{users}?id=in.1,2*"]
    yield "pattern", ["-u", f"{users}?name=li.user*"]
    yield "column", ["-u", f"{users}?id*=eq.1"]
    yield "order", ["-u", f"{users}?order=id*&limit=5"]
    yield "select", ["-u", f"{users}?select=id*&limit=5"]
    yield "database", ["-u", users.replace("/main/", "/main*/") + "?limit=5"]
    yield "roles header", ["-u", f"{users}?limit=5", "--header=X-User-Roles: admin*"]
    yield "name in a body", ["-u", f"{users}?id=eq.50", "--method=PUT", '--data={"email*":"a@b"}', "--header=Content-Type: application/json"]


def start(folder, kind, name, arguments, full):
    own = [argument.split("=", 1)[1] for argument in arguments if argument.startswith("--header=")]
    arguments = [argument for argument in arguments if not argument.startswith("--header=")]
    replaced = {line.split(":")[0] for line in own}
    headers = "\n".join([f"{key}: {value}" for key, value in IDENTITY if key not in replaced] + own)
    log = os.path.join(folder, f"{kind}-{name.replace(' ', '-')}.log")
    size = ["--level=3", "--risk=2"] if full else ["--level=1", "--risk=1"]
    out = open(log, "wb")
    child = subprocess.Popen(["sqlmap", "--batch", "--flush-session", "--disable-coloring", "--skip-waf", "--ignore-code=401", "--threads=1", "--timeout=10",
                              f"--output-dir={folder}/out-{kind}-{name.replace(' ', '-')}", f"--dbms={'MySQL' if kind == 'ms' else 'SQLite'}",
                              f"--headers={headers}", *size, *arguments],
                             stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    out.close()
    return child, log


def judge(report, running, full):
    for kind, name, (child, log) in running:
        try:
            child.wait(3600 if full else 120)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            report.fail(f"[{kind}] {name}: sqlmap took too long")
        with open(log, encoding="utf-8", errors="replace") as text:
            output = text.read()
        found = FOUND.search(output)
        good = report.check(not found, f"[{kind}] {name}: sqlmap: {found and found[0]}")
        good &= report.check(NOTHING.search(output), f"[{kind}] {name}: sqlmap did not come to an end of its own")
        codes = re.findall(r"^(\d{3}) \([A-Za-z ]+\) - (\d+) times", output, re.M)
        report.note(f"{kind} {name}" + (" " + " ".join(f"{code}:{times}" for code, times in codes) if codes else ""))
        if not good:
            say(output[-3000:])
