"""The connection front on raw sockets: what is refused, what is served, who gets which answer; direct, on a unix socket, behind nginx."""
import os
import threading
import traceback

from lib.report import Report, say

import raw_behind
import raw_direct
import raw_life
import raw_many
from raw_stage import Stage, is_new_front


def run_part(report, name, function, *arguments):
    try:
        function(*arguments)
    except Exception as error:  # the other parts still run
        traceback.print_exc()
        report.fail(f"{name} broke: {error!r}")


def direct(stage, report):
    front = stage.front()
    where = front.endpoint
    report.note(f"{raw_direct.run_tables(stage, where, report, 'tcp')} cases")
    raw_direct.split_everywhere(stage, where, report)
    raw_direct.long_keep_alive(where, report)
    raw_direct.one_segment(where, report)
    raw_direct.head_like_get(where, report)
    raw_direct.vanishing_clients(stage, where, report)
    stage.end(report, front)


def unix(stage, report):
    path = os.path.join(stage.folder, "front.sock")
    front = stage.front(address=f"unix:{path}", settings={"": {"trusted_proxies": ["unix"]}})
    where = front.endpoint
    raw_direct.run_tables(stage, where, report, "unix")
    raw_direct.split_everywhere(stage, where, report)
    raw_direct.long_keep_alive(where, report)
    stage.end(report, front)
    report.check(not os.path.exists(path), "the unix socket's file stays behind")


def run(context):
    report = Report("http")
    parts = [("direct", direct), ("slow", raw_life.deadlines), ("many", raw_many.many_clients), ("drain", raw_life.drain)]
    if is_new_front(context.preset):
        parts += [("unix", unix), ("caps", raw_many.caps), ("activation", raw_life.activation)]
    else:
        say("   not run: unix socket, connection caps, socket activation: this build does not know them")
    for name, function in parts:
        stage = Stage(context, f"http-{name}")
        try:
            run_part(report, name, function, stage, report)
        finally:
            stage.destroy(report)
    behind = []
    for buffering in ("on", "off"):
        stage = Stage(context, f"http-nginx-{buffering}")
        thread = threading.Thread(target=run_part, args=(report, f"nginx, buffering {buffering}", raw_behind.behind_nginx, stage, report, buffering))
        thread.start()
        behind.append((stage, thread))
    for stage, thread in behind:
        thread.join()
        stage.destroy(report)
    return report
