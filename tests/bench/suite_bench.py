"""The short form of tests/bench/run: every row once, with room for a busy machine, so that a collapse is seen and a bad minute is not.
What does not depend on the minute (instructions, memory) has its full line. With --full the table's own sizes and lines."""
import os
import shutil
import sys

from lib.report import Report

sys.path.insert(1, os.path.dirname(os.path.realpath(__file__)))
import limits  # noqa: E402
import rates  # noqa: E402
import table  # noqa: E402
from servers import World  # noqa: E402

# A row's line, times this. Rates must reach so much of theirs; latencies may be so many times theirs.
ROOM = {"post_memory": 1, "instructions": 1, "idle_memory": 1, "idle_p99": 4, "slow_p99": 5, "deployment": 1.4,
        **dict.fromkeys(["preview_vs_read", "preview_vs_read_dense", "sqlite_preview_vs_read", "sqlite_preview_vs_read_dense"], 2.5),
        **dict.fromkeys(["delete_100k_vs_client", "sqlite_delete_100k_vs_client"], 2.5)}
RATE_ROOM = 0.5


def wanted_rows(context):
    """In the gate without xmysql, which comes by npm from the network, without the rows that the suite `slow` has a short form of, and without
    the one that waits longest for MariaDB to come to rest."""
    absent = set() if context.named and shutil.which("npm") else {"read_vs_xmysql"}
    if not context.named:
        absent |= {"idle_p99", "idle_memory", "slow_p99", "delete_100k_vs_client"}
    return [name for name in table.ALL if name not in absent]


def run(context):
    report = Report("bench")
    world = World(context.preset)
    try:
        rows = table.measure(world, rates.Sizes() if context.full else rates.SHORT, wanted_rows(context))
    finally:
        wrong = world.close()
    report.check(not wrong, "; ".join(wrong))
    for row in rows:
        if not report.check(row.why_not == "", f"{row.name}: {row.why_not}") or row.line is None:
            continue
        line = row.line * (1 if context.full else ROOM.get(row.name, 1 if row.is_ceiling else RATE_ROOM))
        holds = row.ratio <= line if row.is_ceiling else row.ratio >= line
        report.check(holds, f"{row.name}: {row.a} against {row.b} is a ratio of {row.ratio:.2f}; the line is {line:.2f}")
        report.note(f"{row.name} {row.ratio:.2f}")
    figure, recorded = next(((row.raw.get("instructions"), row.raw.get("recorded")) for row in rows if row.name == "instructions"), (None, None))
    if figure is not None and report.check(recorded is not None, "tests/bench/INSTRUCTIONS holds no figure: tests/bench/run --rows instructions --record"):
        report.check(figure <= recorded * limits.INSTRUCTIONS_GROWTH,
                     f"{figure:,} instructions, {recorded:,} are recorded: more than a tenth beyond; if that is wanted, tests/bench/run --rows instructions --record")
    return report
