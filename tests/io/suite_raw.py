"""Runs the raw-socket suite, a program of its own, against a gateway on SQLite."""
import os
import re
import subprocess

from lib import places
from lib.direct import open_sqlite
from lib.gateway import Gateway, sqlite_database, tenant
from lib.report import Report, say


def run(context):
    report = Report("raw")
    program = os.path.join(places.TESTS, "io", "raw_http.py")
    if not os.path.exists(program):
        report.fail("there is no tests/io/raw_http.py")
        return report
    folder = places.scratch("raw")
    path = os.path.join(folder, "main.sqlite")
    direct = open_sqlite(path)
    direct.run("CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(100) NOT NULL)")
    direct.run("INSERT INTO users VALUES (1, 'one'), (2, 'two')")
    gateway = Gateway(context.preset, [tenant([sqlite_database(path)])]).start()
    try:
        ran = subprocess.run(["/usr/bin/python3", program, "127.0.0.1", str(gateway.port)], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, check=False, timeout=300)
        text = ran.stdout.decode(errors="replace")
        closing = re.findall(r"^(\d+) passed, (\d+) failed$", text, re.M)
        if closing:
            report.add(int(closing[-1][0]), int(closing[-1][1]))
        report.check(bool(closing) and (ran.returncode == 0) == (closing[-1][1] == "0"), f"raw_http.py ended with {ran.returncode}")
        if ran.returncode != 0:
            say(text[-6000:])
        report.equal(direct.one("SELECT count(*) FROM users"), 2, "rows afterwards")
    finally:
        gateway.destroy(report)
        places.remove(folder)
    return report
