"""The parsers under libFuzzer: builds the preset `fuzz` and runs each target on the committed corpus and what it finds beside it."""
import os
import re
import shutil
import subprocess

from lib import places
from lib.report import Report, say

TARGETS = ("filter", "target", "body", "head", "keys", "token")


def run(context):
    report = Report("fuzz")
    seconds = 600 if context.full else 60 if context.named else 20
    context.build_with("fuzz", [f"fuzz_{name}" for name in TARGETS])
    # Two at a time: the machine that the gate is made for has two cores.
    for pair in (TARGETS[at:at + 2] for at in range(0, len(TARGETS), 2)):
        running = [(name, *start(name, seconds, context.seed)) for name in pair]
        for name, folder, log, child in running:
            code = child.wait()
            with open(log, "rb") as text:
                output = text.read().decode(errors="replace")
            executed = re.findall(r"stat::number_of_executed_units:\s*(\d+)", output)
            report.check(code == 0, f"fuzz_{name} ended with {code}: {output[-4000:]}; what it found is in {folder}")
            report.note(f"{name} {executed[-1] if executed else '?'} runs in {seconds} s")
            if code == 0:
                places.remove(folder)
            else:
                say(f"  add the finding in {folder} to tests/fuzz/corpus/{name}/ with the fix")
    return report


def start(name, seconds, seed):
    folder = places.scratch(f"fuzz-{name}")
    found = os.path.join(folder, "found")
    os.makedirs(found)
    corpus = os.path.join(places.TESTS, "fuzz", "corpus", name)
    kept = os.path.join(folder, "corpus")
    if os.path.isdir(corpus):
        shutil.copytree(corpus, kept)
    else:
        os.makedirs(kept)
    log = os.path.join(folder, "log")
    binary = os.path.join(places.build_folder("fuzz"), "fuzz", f"fuzz_{name}")
    with open(log, "wb") as out:
        child = subprocess.Popen([binary, found, kept, f"-max_total_time={seconds}", f"-seed={seed & 0x7fffffff}", "-timeout=10",
                                  "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={folder}/", "-max_len=16384"],
                                 stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    return folder, log, child
