#!/usr/bin/python3
"""One command, one table, one run. Started by tests/bench/run, which installs first; the short form is the suite `bench` of tests/run."""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[0:0] = [HERE, os.path.join(HERE, "..")]

import identity  # noqa: E402
import large_sets  # noqa: E402
import limits  # noqa: E402
import rates  # noqa: E402
from lib import places  # noqa: E402
from lib.report import say  # noqa: E402
from servers import ROOT, XMYSQL, Spoilt, World  # noqa: E402

PROGRAMS = ["rowgate", "bench_bare", "bench_stock", "bench_stages", "bench_load", "bench_sqlite_loop"]
# What is measured together: rows, and the function that measures those of them that are wanted.
GROUPS = [
    (("instructions",), limits.instruction_rows),
    (("N", "B", "read_by_key", "read_vs_bare", "read_vs_stock", "read_vs_xmysql", "livez"), rates.read_rows),
    (("read_by_token", "read_by_api_key"), identity.identity_rows),
    (("D", "delete_by_key"), rates.delete_rows),
    (("sqlite_delete",), rates.sqlite_rows),
    (("preview_vs_read", "preview_vs_read_dense", "delete_100k_vs_client"), large_sets.mariadb_rows),
    (("sqlite_preview_vs_read", "sqlite_preview_vs_read_dense", "sqlite_delete_100k_vs_client"), large_sets.sqlite_rows),
    (("post_rows", "post_memory"), limits.post_rows),
    (("idle_p99", "idle_memory"), limits.idle_rows),
    (("slow_p99",), limits.slow_rows),
    (("deployment",), limits.size_rows),
]
ALL = [name for names, _ in GROUPS for name in names]
BEGIN = "<!-- table: bench; written by `tests/bench/run --write` -->"
END = "<!-- end of table: bench -->"


def measure(world, sizes, wanted):
    """All wanted rows, group by group; a group that breaks leaves its rows as not measured, with the reason."""
    rows = []
    for names, function in GROUPS:
        of_group = {name for name in names if name in wanted}
        if not of_group:
            continue
        say(f"== {' '.join(name for name in names if name in of_group)}")
        try:
            made = function(world, sizes, of_group)
        except Exception as error:  # whatever it was, the other groups still run
            if not isinstance(error, Spoilt):
                traceback.print_exc()
            say(f"   {error}")
            made = [rates.Row(name, "", line=1.0, why_not=str(error) or type(error).__name__) for name in names if name in of_group]
        rows += made
        for row in made:
            say("   " + " | ".join(cells(row)))
    return rows


def cells(row):
    if row.why_not:
        return [row.name, row.what, "", "", "", "", "not measured: " + (row.why_not.splitlines() or [""])[0][:160]]
    if row.line is None:
        return [row.name, row.what, "", row.b, "", "", ""]
    sign = "≤" if row.is_ceiling else "≥"
    return [row.name, row.what, row.a, row.b, f"{sign} {row.line:g}", f"{row.ratio:.2f}", "yes" if row.is_reached else "**no**"]


def markdown(rows):
    lines = ["| row | what, against what | ours | theirs | line | ratio | reached |", "|---|---|---|---|---|---|---|"]
    return "\n".join(lines + ["| " + " | ".join(cells(row)) + " |" for row in rows])


def machine(world):
    with open("/proc/cpuinfo", encoding="utf-8") as text:
        model = re.search(r"^model name\s*:\s*(.+)$", text.read(), re.M)
    versions = {"MariaDB": ["/usr/sbin/mariadbd", "--version"], "nginx": ["dpkg-query", "-W", "-f=${Version}", "nginx"],
                "sysbench": ["sysbench", "--version"], "wrk": ["dpkg-query", "-W", "-f=${Version}", "wrk"], "Linux": ["uname", "-r"]}
    return {"cores": os.cpu_count(), "model": model.group(1) if model else os.uname().machine, "compiler": limits.compiler_of(world),
            "versions": {name: rates.version_of(command) for name, command in versions.items()} | {"xmysql": XMYSQL},
            "load_before": round(os.getloadavg()[0], 2)}


def legend(about, sizes):
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items() if version)
    return (f"{time.strftime('%Y-%m-%d')}, {about['cores']} cores ({about['model']}), everything on one machine; {versions}; {about['compiler']}. "
            f"Medians of {sizes.rounds} rounds of {sizes.seconds} s in which the contenders take turns, reads after a second that does not count. N and B are nginx and sysbench alone, D is sysbench's deletes. "
            f"Full contract: identity headers with grants, request id, access log to a file; `connections_max = 32`, else defaults; "
            f"nginx writes its log as the gateway does, in blocks of at most 100 ms; MariaDB behind a unix socket with `innodb_flush_log_at_trx_commit=1`; users has {rates.POINT_ROWS:,} rows and the demo's columns.")


def write_readme(text):
    path = os.path.join(ROOT, "README.md")
    with open(path, encoding="utf-8") as opened:
        whole = opened.read()
    if whole.count(BEGIN) != 1 or whole.count(END) != 1:
        raise SystemExit(f"README.md has no place for the table: {BEGIN} … {END}")
    before, rest = whole.split(BEGIN)
    after = rest.split(END)[1]
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def write_raw(rows, about, sizes):
    folder = os.path.join(ROOT, "build", "bench")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, time.strftime("%Y%m%d-%H%M%S") + ".json")
    with open(path, "w", encoding="utf-8") as out:
        json.dump({"machine": about, "sizes": vars(sizes), "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
                   "rows": [{**vars(row), "reached": row.is_reached} for row in rows]}, out, indent=1)
    return path


def parse():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description="Measures the gateway beside others and prints a table of ratios.",
                                     epilog="rows: " + " ".join(ALL))
    parser.add_argument("--short", action="store_true", help="one round of a second each and small numbers: to see that it works")
    parser.add_argument("--rows", default="", help="some rows only, comma separated")
    parser.add_argument("--rounds", type=int, help="another number of rounds")
    parser.add_argument("--seconds", type=int, help="another length of a round")
    parser.add_argument("--write", action="store_true", help="put the table into the README and the instruction count into the repository")
    parser.add_argument("--record", action="store_true", help="put the instruction count into the repository")
    parser.add_argument("--build", default=None, metavar="FOLDER", help="measure the programs of build/FOLDER as they are")
    parser.add_argument("--list", action="store_true", help="name the rows")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(ALL))
        sys.exit(0)
    wanted = [name for name in arguments.rows.split(",") if name] or ALL
    unknown = [name for name in wanted if name not in ALL]
    if unknown:
        parser.error(f"unknown row {unknown[0]}; known: {' '.join(ALL)}")
    has_few_rounds = (arguments.rounds or 5) < 3 or (arguments.seconds or 5) < 3
    if arguments.write and (arguments.short or arguments.rows or arguments.build or has_few_rounds):
        parser.error("--write is for all rows of the release preset, in at least 3 rounds of 3 s")
    if arguments.record and "instructions" not in wanted:
        parser.error("--record needs the row instructions")
    return arguments, wanted


def build():
    for command in (["cmake", "--preset", "release"], ["cmake", "--build", "build/release", "--target", *PROGRAMS]):
        ran = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if ran.returncode != 0:
            raise SystemExit(ran.stdout[-6000:].decode(errors="replace"))


def main():
    arguments, wanted = parse()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    if arguments.build is None:
        build()
    sizes = rates.Sizes(**vars(rates.SHORT)) if arguments.short else rates.Sizes()
    sizes.rounds = arguments.rounds or sizes.rounds
    sizes.seconds = arguments.seconds or sizes.seconds
    world = World(arguments.build or "release")
    about = machine(world)
    if about["load_before"] > 0.5:
        say(f"the machine is not idle (load {about['load_before']}): ratios will be off")
    wrong = []
    try:
        rows = measure(world, sizes, wanted)
        figure = next((row.raw.get("instructions") for row in rows if row.name == "instructions"), None)
        if (arguments.write or arguments.record) and figure:
            limits.record_instructions(world, figure)
    finally:
        wrong = world.close()
    text = markdown(rows) + "\n\n" + legend(about, sizes)
    say("\n" + text + "\n")
    say("raw figures: " + os.path.relpath(write_raw(rows, about, sizes), ROOT))
    for sentence in wrong:
        say("a server did not end well: " + sentence)
    if arguments.write:
        write_readme(text)
    sys.exit(1 if wrong or not all(row.is_reached for row in rows) else 0)


if __name__ == "__main__":
    main()
