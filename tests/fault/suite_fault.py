"""The way to the database fails, and the database itself: scenes at chosen moments first, then random faults under a load that keeps a ledger."""
import threading
import time
import traceback

import random_load
import scenes_link
import scenes_server
import scenes_sqlite
from lib.report import Report, say


def play(lab, scenes, report, only, after=lambda: None):
    for scene in scenes:
        name = scene.__name__
        if only and only not in name:
            continue
        begun, failed = time.monotonic(), report.failed
        try:
            scene(lab)
        except Exception:  # pylint: disable=broad-except
            traceback.print_exc()
            report.fail(f"{name}: the scene broke")
        finally:
            after()
        lost = report.failed - failed
        say(f"   {time.monotonic() - begun:5.1f} s {name}" + (f": {lost} failed" if lost else ""))


def run(context):
    report = Report("fault", shown_max=80)
    only = getattr(context, "only", None)
    lab = scenes_sqlite.SqliteLab(context, report)
    try:
        lab.settle()
        beside = threading.Thread(target=play, args=(lab, scenes_sqlite.SCENES, report, only))
        beside.start()
        play(lab, scenes_link.SCENES + scenes_server.SCENES, report, only, lab.mend)
        beside.join()
        begun = time.monotonic()
        random_load.run(lab, context, report, 600 if context.full else 10)
        say(f"   {time.monotonic() - begun:5.1f} s random faults")
    finally:
        lab.destroy()
    return report
