#!/usr/bin/python3
"""Runs the suites: arguments in, build, one suite after the other, one closing line. Started by tests/run, which installs first."""
import argparse
import importlib.util
import os
import random
import re
import signal
import subprocess
import sys
import time
import traceback

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path[0] = os.path.join(ROOT, "tests")

from lib import mariadb, places  # noqa: E402
from lib.report import Report, say  # noqa: E402

# In the order in which they run: what fails fast and explains most comes first.
SUITES = {
    "check": "the rules of the source tree and of the documents",
    "compile_fail": "what must not compile does not",
    "unit": "unit tests",
    "golden": "requests to SQL, as text",
    "io": "the HTTP contract, on both databases, twice",
    "http": "raw sockets, direct, on a unix socket and behind nginx; many clients; drain and restart",
    "unfiltered": "a write without a filter changes nothing, in every spelling",
    "roundtrip": "what goes out can be sent back in",
    "matrix": "every type, every literal, every operator, against a typed comparison",
    "prepared": "reads that come again with another number are answered as if nothing were known of the first",
    "ddl": "tables that change while they are written to",
    "hostile": "hostile requests: no 500, no foreign SQL",
    "outage": "databases that go and come back",
    "metrics": "the metrics, who reads them, and the log's file",
    "tenants": "the tenants' files: changed, faulty, many, under load; the budget of connections",
    "grants": "columns, row filters and forced values of grants, against an oracle",
    "differential": "two organizations: what is somebody else's is as what does not exist",
    "deletes": "random deletes and updates over random foreign keys, against an oracle on a copy of the data",
    "cors": "pages of other origins, in headless Chromium",
    "fairness": "a tenant that floods, and its neighbour",
    "caps": "what one request of a space may take: rows, bytes in and out, time; the queue of a database",
    "keys": "API keys, whole and narrowed, used, revoked and mistyped; the audit log of writes",
    "explain": "whoami and explain-access say what the gateway that serves would do, and why",
    "examples": "what the documents show of roles, grants, claims, tokens, keys and rates, as they show it",
    "jwt": "good tokens pass, bad ones are one 401; keys rotate, issuers fail",
    "slow": "slow attackers and idle connections beside healthy clients",
    "fault": "the way to the database, and the database itself, fail at chosen and at random moments",
    "memory": "hard budgets of memory",
    "soak": "mixed load: memory flat, nothing leaked",
    "bench": "the table of ratios in short form: no row has collapsed",
    "sqlmap": "sqlmap finds nothing",
    "demo": "the demo works as its own output says",
    "fuzz": "the parsers under libFuzzer",
}
RELEASE_ONLY = ("fuzz", "sqlmap", "bench")  # they bring their own build, or would only be slower
TARGETS = {
    "unit": ["unit_filters", "unit_schemas", "unit_sql", "unit_gateway"],
    "golden": ["golden"],
    "hostile": ["rowgate", "hostile"],
    "bench": ["rowgate", "bench_bare", "bench_stock", "bench_stages", "bench_load", "bench_sqlite_loop"],
    "fuzz": [],
    "compile_fail": [],
}
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed$", re.M)


class Context:
    """What a suite is given."""

    def __init__(self, arguments):
        self.preset = arguments.preset
        self.full = arguments.full
        self.seed = arguments.seed
        self.named = bool(arguments.suites)  # asked for by name: may take a little longer than in the gate
        self.mariadb = mariadb.Shared()
        self.build = places.build_folder(arguments.preset)

    @property
    def is_sanitized(self):
        return self.preset in ("asan", "tsan")

    def random(self, name):
        """A suite's own random numbers: the same for the same seed whatever suites run beside it."""
        return random.Random(f"{self.seed}/{name}")


def parse():
    parser = argparse.ArgumentParser(prog="tests/run", description="Runs the test suites; with no suite named, all in short form.",
                                     epilog="suites: " + " ".join(SUITES))
    parser.add_argument("suites", nargs="*", metavar="SUITE")
    parser.add_argument("--full", action="store_true", help="the full sizes")
    parser.add_argument("--preset", default="release", choices=["release", "dev", "asan", "tsan"])
    parser.add_argument("--seed", type=int, default=None, help="repeats a random run")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.suites if name not in SUITES]
    if unknown:
        parser.error(f"unknown suite {unknown[0]}; known: {' '.join(SUITES)}")
    if arguments.seed is None:
        arguments.seed = int.from_bytes(os.urandom(4), "big")
    return arguments


def build(preset, targets):
    """Configures and builds; ends the run when that fails, for then nothing that follows would mean anything."""
    started = time.monotonic()
    log = os.path.join(ROOT, "build", f"{preset}.log")
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with open(log, "wb") as out:
        for command in (["cmake", "--preset", preset], ["cmake", "--build", f"build/{preset}", "--target", *targets]):
            if subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, check=False).returncode != 0:
                with open(log, "rb") as text:
                    say(text.read()[-6000:].decode(errors="replace"))
                say(f"the {preset} build failed; all of it: {log}")
                say("0 passed, 1 failed")
                sys.exit(1)
    say(f"== build {preset}: {time.monotonic() - started:.0f} s")


def install(group):
    return subprocess.run([os.path.join(ROOT, "deploy", "install.sh"), group], check=False).returncode == 0


def command_suite(name, command, environment=None, timeout=900):
    """A suite that is a program of its own and closes with `N passed, N failed`; without that line its exit code counts."""
    report = Report(name)
    if not os.path.exists(command[0]):
        report.fail(f"there is no {os.path.relpath(command[0], ROOT)}")
        return report
    try:
        ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT, check=False, timeout=timeout,
                             env={**os.environ, **(environment or {})})
        text, code = ran.stdout.decode(errors="replace"), ran.returncode
    except subprocess.TimeoutExpired as expired:
        text, code = (expired.stdout or b"").decode(errors="replace") + f"\nno end within {timeout} s", 1
    closing = CLOSING.findall(text)
    passed, failed = (int(closing[-1][0]), int(closing[-1][1])) if closing else (0, 0)
    if code != 0 and failed == 0:
        failed = 1
    elif not closing:
        passed = 1
    report.add(passed, failed)
    if failed:
        say(text[-8000:])
    return report


def run_unit(context):
    """Each executable of build/<preset>/unit; doctest's own figures are summed: its assertions are the checks."""
    report = Report("unit")
    server = context.mariadb.get()
    server.make_schema("test")
    environment = {"ROWGATE_TEST_MYSQL_SOCKET": server.socket}
    for target in TARGETS["unit"]:
        binary = os.path.join(context.build, "unit", target)
        if not os.path.exists(binary):
            report.fail(f"there is no {binary}")
            continue
        try:
            ran = subprocess.run([binary], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=600,
                                 env={**os.environ, **environment})
            text, code = ran.stdout.decode(errors="replace"), ran.returncode
        except subprocess.TimeoutExpired:
            text, code = "no end within 600 s", 1
        cases = re.search(r"test cases:\s*\d+\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed", text)
        passed, failed = (int(cases.group(1)), int(cases.group(2))) if cases else (0, 0)
        if code != 0 and failed == 0:
            failed = 1
        if passed + failed == 0:
            failed = 1  # an executable without a test proves nothing
        report.add(passed, failed)
        report.note(f"{target} {passed}")
        if failed:
            say(text[-6000:])
    return report


def run_module(context, name, path):
    specification = importlib.util.spec_from_file_location(f"suite_{name}", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.run(context)


def run_suite(context, name):
    tests = places.TESTS
    if name == "unit":
        return run_unit(context)
    if name == "golden":
        return command_suite(name, [os.path.join(context.build, "golden"), os.path.join(tests, "golden")])
    if name == "compile_fail":
        return command_suite(name, [os.path.join(tests, "compile_fail", "run")])
    if name in ("sqlmap", "fuzz", "bench", "http", "slow", "fairness", "memory", "soak") and not install(name):
        report = Report(name)
        report.fail("its packages cannot be installed")
        return report
    folder = {"check": "check", "bench": "bench", "http": "http", "slow": "http", "fault": "fault", "memory": "memory", "soak": "memory",
              "tenants": "tenants", "cors": "tenants", "grants": "tenants", "differential": "tenants", "fairness": "tenants", "caps": "tenants",
              "deletes": "deletes", "examples": "tenants", "keys": "auth", "explain": "auth", "jwt": "auth"}.get(name, "io")
    sys.path.insert(1, os.path.join(tests, folder)) if os.path.join(tests, folder) not in sys.path else None
    return run_module(context, name, os.path.join(tests, folder, f"suite_{name}.py"))


def main():
    arguments = parse()
    # A signal ends the run as an exception, so that the servers it started are ended too.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    started = time.monotonic()
    names = arguments.suites or [name for name in SUITES if arguments.preset == "release" or name not in RELEASE_ONLY]
    names = list(dict.fromkeys(names))
    say(f"seed {arguments.seed}; the same run again: --seed {arguments.seed}")
    targets = []
    for name in names:
        for target in TARGETS.get(name, ["rowgate"]):
            if target not in targets:
                targets.append(target)
    if targets:
        build(arguments.preset, targets)
    context = Context(arguments)
    context.build_with = build
    passed = failed = 0
    figures = []
    try:
        for name in names:
            begun = time.monotonic()
            say(f"== {name}: {SUITES[name]}")
            try:
                report = run_suite(context, name)
            except Exception:  # a suite that breaks is a failure, and the others still run
                traceback.print_exc()
                report = Report(name)
                report.fail("the suite itself broke")
            passed += report.passed
            failed += report.failed
            elapsed = time.monotonic() - begun
            notes = "; " + ", ".join(report.notes) if report.notes else ""
            figures.append((name, report.passed, report.failed, elapsed))
            say(f"   {report.passed} passed, {report.failed} failed in {elapsed:.1f} s{notes}")
    finally:
        context.mariadb.destroy()
    if len(figures) > 1:
        say(f"== all suites, {time.monotonic() - started:.0f} s")
        for name, good, bad, elapsed in figures:
            say(f"   {name:<14}{good:>9} passed {bad:>6} failed {elapsed:>8.1f} s")
    say(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
