"""Slow attackers and idle connections beside healthy clients: nobody healthy fails, and their 99th percentile stays what it was.

Baseline and load alternate within one run, and medians are compared: an absolute time means nothing here.
"""
import statistics
import time

from lib.gateway import table_path
from lib.report import Report

import load_tools
from load_tools import ATTACKS, Attack, healthy, idle_connections
from raw_stage import Stage

ROW = table_path("sl", "users") + "?id=eq.7"
WIDE = table_path("sl", "wide")
IDLE_MEMORY_KB = 40 * 1024


class Sizes:
    def __init__(self, full):
        self.attackers = 2000 if full else 200
        self.window = 8.0 if full else 2.0     # s
        self.turns = 3
        self.is_short = not full
        # The short windows have few samples: they only find what is clearly broken, and are tried again when they find something.
        self.rate_share = 0.9 if full else 0.6
        self.attack_ratio = 2.0 if full else 4.0
        self.idle = 10000 if full else 1000
        self.idle_ratio = 1.5 if full else 3.0
        self.idle_turns = 5 if full else 3
        self.slack_us = 0 if full else 5000


class Comparison:
    """Windows without and with the load, in turns. In short form one good turn ends it."""

    def __init__(self, sizes, ratio):
        self.before, self.during = [], []
        self._sizes, self._ratio = sizes, ratio

    @property
    def usual(self):
        return statistics.median(window.p99 for window in self.before)

    @property
    def loaded(self):
        return (min if self._sizes.is_short else statistics.median)(window.p99 for window in self.during)

    @property
    def limit(self):
        return max(self.usual * self._ratio, self.usual + self._sizes.slack_us)

    def share(self):
        """Of the rate: those that are held back are not slow, they are missing."""
        best = max if self._sizes.is_short else statistics.median
        return best(window.rate for window in self.during) / max(1.0, statistics.median(window.rate for window in self.before))

    def holds(self):
        return self.loaded <= self.limit and self.share() >= self._sizes.rate_share

    def is_enough(self):
        return self._sizes.is_short and self.holds()


def judge(report, name, comparison, is_judged):
    failed = sum(window.failed for window in comparison.before + comparison.during)
    report.equal(failed, 0, f"{name}: healthy requests that failed")
    ratio = comparison.loaded / max(1, comparison.usual)
    report.note(f"{name}: p99 {comparison.usual / 1000:.2f} -> {comparison.loaded / 1000:.2f} ms ({ratio:.2f})")
    report.check(comparison.holds() or not is_judged, f"{name}: p99 at most {comparison.limit:.0f} us and {comparison.share():.2f} of the rate: "
                                                      f"without {comparison.before}, with {comparison.during}")


def attacked(stage, report, sizes, is_judged):
    """32 healthy clients at half their unhindered rate, beside attackers of one kind after the other."""
    front = stage.front(settings={"server": {"body_bytes_max": 1 << 20}})
    unhindered = healthy(front.port, ROW, stage.folder, 32, sizes.window)
    rate = unhindered.rate / 2
    report.note(f"unhindered {unhindered.rate:.0f}/s")
    for mode, what in ATTACKS.items():
        turns = Comparison(sizes, sizes.attack_ratio)
        path = {"B": table_path("sl", "notes"), "X": WIDE}.get(mode, ROW)
        for _ in range(sizes.turns):
            turns.before.append(healthy(front.port, ROW, stage.folder, 32, sizes.window, rate))
            attack = Attack(mode, front.port, path, sizes.attackers, int(sizes.window * 2 + 30), stage.folder)
            try:
                time.sleep(2 + sizes.attackers / 1000)
                most = front.open_files()
                turns.during.append(healthy(front.port, ROW, stage.folder, 32, sizes.window, rate))
                most = max(most, front.open_files())
                report.check(attack.is_running() or mode == "R", f"{what}: the attack ended early")
            finally:
                text = attack.stop()
            if mode != "R":  # those are answered and gone
                report.check(most >= sizes.attackers * 0.5, f"{what}: only {most} open files in the gateway: {text[-600:]}")
            time.sleep(1)
            if turns.is_enough():
                break
        judge(report, f"{sizes.attackers} {what}", turns, is_judged)
    report.equal(stage.count("notes"), 0, "notes of attackers")
    stage.end(report, front)


def idle(stage, report, sizes, is_judged):
    allowed = load_tools.raise_open_files(sizes.idle + 500)
    count = min(sizes.idle, allowed - 500)
    if count < sizes.idle:
        report.note(f"only {count} idle connections: this user may open {allowed} files")
    # It is started with a low soft limit, as a login shell gives it: it must raise that itself.
    front = stage.front(soft_limit=512)
    turns, most = Comparison(sizes, sizes.idle_ratio), 0
    front_idle = front.memory_kb()
    healthy(front.port, ROW, stage.folder, 64, sizes.window)
    for _ in range(sizes.idle_turns):
        turns.before.append(healthy(front.port, ROW, stage.folder, 64, sizes.window))
        held = idle_connections(front.endpoint, count)
        try:
            turns.during.append(healthy(front.port, ROW, stage.folder, 64, sizes.window))
            most = max(most, front.memory_kb())
            report.check(front.open_files() >= count, f"the gateway has {front.open_files()} open files beside {count} idle connections")
            late = held[count // 2].exchange(load_tools.LIVE)
            report.check(late is not None and late.status == 200, f"an idle connection that asks again gets {late!r}")
        finally:
            for connection in held:
                connection.close()
        time.sleep(0.3)
        if turns.is_enough():
            break
    judge(report, f"{count} idle", turns, is_judged)
    report.note(f"memory {front_idle / 1024:.0f} MB at start, at most {most / 1024:.0f} MB beside {count} idle and 64 busy")
    report.check(most < IDLE_MEMORY_KB or not is_judged, f"{most} kB of memory beside {count} idle connections")
    with open(f"/proc/{front.pid}/limits", encoding="ascii") as text:
        soft, hard = next(line.split()[3:5] for line in text if line.startswith("Max open files"))
    report.equal(soft, hard, "the gateway's soft limit of open files, when its hard one is higher")
    stage.end(report, front)


def run(context):
    report = Report("slow")
    sizes = Sizes(context.full)
    is_judged = not context.is_sanitized
    for name, part in (("attacked", attacked), ("idle", idle)):
        stage = Stage(context, f"slow-{name}")
        try:
            part(stage, report, sizes, is_judged)
        finally:
            stage.destroy(report)
    return report
