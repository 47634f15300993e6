"""The rows that are no plain rate: a large POST and its memory, instructions, many idle and many slow clients, a large deployment."""
import json
import os
import re
import statistics
import subprocess
import threading
import time

import pymysql

from lib import mariadb, places
from lib.gateway import ORG, grant, mariadb_database, table_path, tenant
from lib.report import say
from rates import SETTLED, Medians, Row, compare, take_turns
from servers import (CONNECTIONS, HERE, POINT_ROWS, Beside, Spoilt, gateway_client, headers_of, identity_headers, load, memory_kib, run, users_path)

POST_ROWS = 10000
BODY_FACTOR = 5
INSTRUCTIONS_MAX = 25000
INSTRUCTIONS_GROWTH = 1.10
IDLE_MEMORY_KIB = 40 * 1024
BUSY = 64


def milliseconds(value):
    return f"{value / 1000:,.2f} ms"


def mebibytes(kib):
    return f"{kib / 1024:,.1f} MiB"


def post_rows(world, sizes, wanted):
    """POST of 10,000 rows in one request, and LOAD DATA LOCAL INFILE of the same rows into the same table; the gateway's peak memory beside."""
    rows = [(f"Person number {i}", f"person{i}@example.org", i % 2, "2026-01-02 03:04:05") for i in range(POST_ROWS)]
    body = json.dumps([dict(zip(("name", "email", "is_active", "created_at"), row)) for row in rows], separators=(",", ":")).encode()
    path = os.path.join(world.folder, "rows.tsv")
    with open(path, "w", encoding="utf-8") as out:
        out.writelines("\t".join(map(str, row)) + "\n" for row in rows)
    direct = pymysql.connect(unix_socket=world.database().socket, user="root", database="bench", charset="utf8mb4", autocommit=True, local_infile=True,
                             init_command="SET time_zone='+00:00'")
    gateway = world.fresh_gateway("posts")
    client = gateway_client(gateway)
    peaks = []

    def empty():
        with direct.cursor() as cursor:
            cursor.execute("TRUNCATE imported")
        time.sleep(SETTLED)
        # The gateway sees the new table before the clock starts, as it would in a service that does not truncate between requests.
        nothing = client.request("DELETE", users_path(table="imported") + "?id=eq.-1")
        if nothing.status != 200:
            raise Spoilt(f"DELETE of no row: {nothing}")

    def count():
        with direct.cursor() as cursor:
            cursor.execute("SELECT COUNT(*), SUM(email LIKE 'person%'), MIN(created_at), MAX(is_active) FROM imported")
            got = cursor.fetchone()
        if got[0] != POST_ROWS or got[1] != POST_ROWS or str(got[2]) != "2026-01-02 03:04:05" or got[3] != 1:
            raise Spoilt(f"the table holds {got}")

    def imported():
        empty()
        begun = time.perf_counter()
        with direct.cursor() as cursor:
            cursor.execute(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE imported (name, email, is_active, created_at)")
        seconds = time.perf_counter() - begun
        count()
        return 1 / seconds

    def posted():
        empty()
        with open(f"/proc/{gateway.pid}/clear_refs", "w", encoding="ascii") as reset:
            reset.write("5")
        begun = time.perf_counter()
        answer = client.request("POST", users_path(table="imported"), body)
        seconds = time.perf_counter() - begun
        if answer.status != 201 or answer.json()["rows_affected"] != POST_ROWS:
            raise Spoilt(f"POST: {answer}")
        peaks.append(memory_kib(gateway.pid, "VmHWM"))
        count()
        return 1 / seconds

    try:
        if client.request("GET", users_path() + "?id=eq.1").status != 200:
            raise Spoilt("GET before the posts failed")
        idle = memory_kib(gateway.pid, "VmRSS")
        medians = Medians(*take_turns(world, {"load_data": imported, "gateway": posted}, sizes.posts))
    finally:
        direct.close()
        world.end(gateway)
    memory = Row("post_memory", f"its peak memory above the idle gateway; against the body of {len(body):,} bytes", line=BODY_FACTOR, is_ceiling=True,
                 raw={"idle_kib": idle, "peaks_kib": peaks})
    if peaks:
        above = max(peaks) - idle
        memory.a, memory.b, memory.ratio = mebibytes(above), mebibytes(len(body) / 1024), above * 1024 / len(body)
    else:
        memory.why_not = "no POST went through"
    times = {name: f"{1000 / statistics.median(values):,.1f} ms" if values else "" for name, values in medians.figures.items()}
    speed = compare("post_rows", f"POST of {POST_ROWS:,} rows in one request; against LOAD DATA LOCAL INFILE of the same", 0.5, medians, "gateway", "load_data",
                    a=times["gateway"], b=times["load_data"])
    return [row for row in (speed, memory) if row.name in wanted]


def count_instructions(world):
    """Of one request's parse, bind, guard and render: (count of 2N runs - count of N runs) / N."""
    counts = []
    for times in (200, 400):
        ran = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", world.program("stages"), str(times)],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=120)
        found = re.search(r"Collected\s*:\s*(\d+)", ran.stderr.decode(errors="replace"))
        if ran.returncode != 0 or not found:
            raise Spoilt("valgrind: " + ran.stderr.decode(errors="replace")[-400:])
        counts.append(int(found.group(1)))
    return (counts[1] - counts[0]) // 200


def compiler_of(world):
    """The compiler that made the programs, as CMake knows it."""
    with open(os.path.join(places.build_folder(world.build), "CMakeCache.txt"), encoding="utf-8") as text:
        found = re.search(r"^CMAKE_CXX_COMPILER:[A-Z]+=(.+)$", text.read(), re.M)
    return run([found.group(1), "--version"]).splitlines()[0] if found else "unknown"


def recorded_instructions():
    """What the repository's file says: its figure, or None."""
    try:
        with open(os.path.join(HERE, "INSTRUCTIONS"), encoding="utf-8") as text:
            return int(re.search(r"^([\d,]+) instructions", text.read(), re.M).group(1).replace(",", ""))
    except (OSError, AttributeError):
        return None


def record_instructions(world, figure):
    with open(os.path.join(HERE, "INSTRUCTIONS"), "w", encoding="utf-8") as out:
        out.write(f"{figure:,} instructions\n\nparse, bind, guard and render of DELETE …?id=bw.10.20&name=li.x&status=in.a,b,c, by callgrind of stages.cpp.\n"
                  f"{compiler_of(world)}, {time.strftime('%Y-%m-%d')}. Written by tests/bench/run --write or --record; the suite `bench` fails when it grows by a "
                  f"tenth or past {INSTRUCTIONS_MAX:,}.\n")


def instruction_rows(world, _sizes, _wanted):
    row = Row("instructions", "parse, bind, guard and render of DELETE …?id=bw.10.20&name=li.x&status=in.a,b,c, callgrind", line=1.0, is_ceiling=True)
    try:
        figure = count_instructions(world)
        recorded = recorded_instructions()
        row.a, row.b, row.ratio = f"{figure:,}", f"{INSTRUCTIONS_MAX:,}", figure / INSTRUCTIONS_MAX
        row.raw = {"instructions": figure, "recorded": recorded}
    except (Spoilt, OSError) as spoilt:
        row.why_not = str(spoilt)
    return [row]


def drive(world, port, path, connections, seconds, *more):
    return load(world, "drive", "--port", port, "--connections", connections, "--seconds", seconds, "--target", path, *more,
                *headers_of(identity_headers()))


def idle_rows(world, sizes, wanted):
    """Many idle keep-alive connections beside 64 busy ones."""
    if world.files_max < sizes.idle + 1000:
        raise Spoilt(f"{sizes.idle} connections need more than {world.files_max} open files: raise the hard limit (ulimit -Hn)")
    gateway = world.fresh_gateway("idle")
    path = users_path() + "?id=eq.{}"
    memory = []

    def busy(label):
        figures = drive(world, gateway.port, path, BUSY, sizes.seconds, "--ids", POINT_ROWS)
        say(f"   {label}: {figures['rate']:,.0f}/s, p99 {milliseconds(figures['p99_us'])}")
        return figures["p99_us"]

    def crowded():
        idle = Beside(world, "idle", gateway.port, sizes.idle, "/livez")
        try:
            p99 = busy(f"beside {sizes.idle:,} idle")
            now = memory_kib(gateway.pid, "VmRSS")
        finally:
            kept = idle.end()["open"]
        if kept != sizes.idle:
            raise Spoilt(f"{kept} of {sizes.idle} idle connections were still open")
        memory.append(now)
        return p99

    try:
        busy("warm")
        medians = Medians(*take_turns(world, {"alone": lambda: busy("alone"), "crowded": crowded}, sizes.rounds))
    finally:
        world.end(gateway)
    p99 = compare("idle_p99", f"p99 of 64 busy connections beside {sizes.idle:,} idle ones; against without them", 1.5, medians, "crowded", "alone",
                  is_ceiling=True)
    room = Row("idle_memory", f"the gateway's memory with {sizes.idle:,} idle connections and 64 busy ones; against 40 MiB", line=1.0, is_ceiling=True,
               raw={"rss_kib": memory})
    if memory:
        room.a, room.b, room.ratio = mebibytes(max(memory)), mebibytes(IDLE_MEMORY_KIB), max(memory) / IDLE_MEMORY_KIB
    else:
        room.why_not = p99.why_not or "not measured"
    if p99.ratio is not None:
        p99.a, p99.b = milliseconds(medians["crowded"]), milliseconds(medians["alone"])
    return [row for row in (p99, room) if row.name in wanted]


def slow_rows(world, sizes, _wanted):
    """Clients that are slow with head, body or answer, a third each, beside 32 at half of their unhindered rate."""
    gateway = world.fresh_gateway("slow")
    path = users_path() + "?id=eq.{}"
    listing = users_path() + "?id=gt.0"
    try:
        full = drive(world, gateway.port, path, CONNECTIONS, sizes.seconds, "--ids", POINT_ROWS)["rate"]
        steady = ["--ids", POINT_ROWS, "--rate", round(full / 2)]
        # Both as long: a moment in which the machine does something else is as likely in either.
        seconds = sizes.seconds * (1 if sizes.is_short else 3)

        def calm():
            return drive(world, gateway.port, path, CONNECTIONS, seconds, *steady)["p99_us"]

        def attacked():
            attackers = Beside(world, "slow", gateway.port, sizes.attackers, listing)
            time.sleep(1)
            try:
                return drive(world, gateway.port, path, CONNECTIONS, seconds, *steady)["p99_us"]
            finally:
                say(f"   {sizes.attackers:,} attackers connected {attackers.end()['connects']:,} times")
                time.sleep(1)  # the next round has none of them

        medians = Medians(*take_turns(world, {"calm": calm, "attacked": attacked}, sizes.rounds))
    finally:
        world.end(gateway)
    row = compare("slow_p99", f"p99 of 32 clients at half rate ({full / 2:,.0f}/s) beside {sizes.attackers:,} slow attackers, none failing; against without them",
                  2, medians, "attacked", "calm", is_ceiling=True)
    if row.ratio is not None:
        row.a, row.b = milliseconds(medians["attacked"]), milliseconds(medians["calm"])
    return [row]


def fill_deployment(server, tables):
    """Schema `one` with one table, `many` with so many of the same definition: 100 columns, 1,000 rows in those that are read."""
    types = ("INT DEFAULT 7", "VARCHAR(20) DEFAULT 'some text'", "DECIMAL(10,2) DEFAULT 1.25", "DATETIME DEFAULT '2026-01-02 03:04:05'")
    columns = ", ".join(f"column_{i:03} {types[i % len(types)]}" for i in range(1, 100))
    server.make_schema("one")
    server.make_schema("many")
    connection = server.connect("one")
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE one.table_0 (id INT PRIMARY KEY, {columns})")
        cursor.execute("INSERT INTO one.table_0 (id) SELECT seq FROM seq_1_to_1000")
        cursor.execute("CREATE TABLE many.table_0 LIKE one.table_0")
        cursor.execute("INSERT INTO many.table_0 SELECT * FROM one.table_0")
    connection.close()

    def make(part):
        own = server.connect("many")
        with own.cursor() as cursor:
            for i in range(1 + part, tables, 4):
                cursor.execute(f"CREATE TABLE table_{i} LIKE table_0")
        own.close()

    threads = [threading.Thread(target=make, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def size_rows(world, sizes, _wanted):
    """One row by key from a gateway of many tenants and a database of many tables, and from one of one and one."""
    begun = time.monotonic()
    server = mariadb.MariaDB(["--innodb-file-per-table=0", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=512M",
                              "--table-open-cache=4000", f"--open-files-limit={world.files_max}"])
    try:
        server.start()
        fill_deployment(server, sizes.tables)
        made = time.monotonic() - begun
        grants = [grant("users", ["table_*"], ["GET"])]
        tenants = [tenant([mariadb_database(server, "many", grants=grants)])]
        for i in range(sizes.tenants - 1):
            database = mariadb_database(server, "many", grants=grants)
            database["required"] = False
            tenants.append(tenant([database], name=f"{ORG}-{i}", org_id=f"org-other-{i}", project_id=f"project-other-{i}", space_id=f"space-other-{i}"))
        begun = time.monotonic()
        small = world.fresh_gateway("one", tenants=[tenant([mariadb_database(server, "one", grants=grants)])])
        large = world.fresh_gateway("many", tenants=tenants)
        say(f"   {sizes.tables:,} tables made in {made:.0f} s; both gateways ready in {time.monotonic() - begun:.0f} s")
        client = gateway_client(large)
        for i in range(sizes.loaded):
            if client.request("GET", table_path("ms", f"table_{i}") + "?id=eq.1&select=id").status != 200:
                raise Spoilt(f"table_{i} could not be read")
        path = table_path("ms", "table_0") + "?id=eq.{}&select=id,column_001,column_099"

        def measure(gateway):
            return lambda: drive(world, gateway.port, path, CONNECTIONS, sizes.seconds, "--ids", 1000)["p50_us"]

        contenders = {"one": measure(small), "many": measure(large)}
        for warm in contenders.values():
            warm()
        medians = Medians(*take_turns(world, contenders, sizes.rounds))
        memory = memory_kib(large.pid, "VmRSS")
        world.end(small)
        world.end(large)
    finally:
        server.destroy()
    row = compare("deployment", f"p50 of one row by key with {sizes.tenants:,} tenants and {sizes.tables:,} tables of 100 columns, {sizes.loaded:,} loaded "
                  f"({mebibytes(memory)}); against one tenant, one table", 1.1, medians, "many", "one", is_ceiling=True)
    if row.ratio is not None:
        row.a, row.b = milliseconds(medians["many"]), milliseconds(medians["one"])
    row.raw["rss_kib"] = memory
    return [row]
