"""The rules of the source tree and of the documents: layers, doors, tables made by the code, and links."""
import os
import re
import subprocess

from lib import places
from lib.report import Report

ROOT = places.ROOT
CODE = ("filters", "schemas", "sql", "gateway")
LINES_MAX = 600

# Which library may include which: a folder, and those it may see besides itself. Longest folder first wins.
LAYERS = {
    "filters": [],
    "schemas": ["filters"],
    "sql/plan": ["schemas", "filters"],
    "sql/render": ["sql/plan", "schemas", "filters"],
    "sql/exec": ["sql/render", "sql/plan", "schemas", "filters"],
    "sql/mysql": ["sql/exec", "sql/render", "sql/plan", "schemas", "filters", "sql/backends.h"],
    "sql/sqlite": ["sql/exec", "sql/render", "sql/plan", "schemas", "filters", "sql/backends.h"],
    "sql": ["sql", "schemas", "filters"],
    "gateway/http": [],
    "gateway/request": ["gateway/http/ascii.h", "sql/plan", "schemas", "filters"],
    "gateway/observe": [],
    "gateway/fairness": ["gateway/error.h", "gateway/http"],
    "gateway/auth": ["gateway/error.h", "gateway/http", "gateway/config/source.h", "gateway/config/section.h", "gateway/grants", "gateway/observe/json_text.h", "filters"],
    "gateway/config": ["gateway/auth/settings.h", "gateway/http", "gateway/request", "filters", "schemas"],
    "gateway/preview": ["gateway/auth", "gateway/config/source.h", "filters"],
    "gateway/grants": ["gateway/config/section.h", "sql/plan/asks.h", "filters"],
    "gateway/tenants": ["sql/plan", "gateway/auth", "gateway/config", "gateway/grants", "gateway/fairness", "sql/exec", "sql/backends.h", "filters", "schemas"],
    "gateway/respond": ["gateway/error.h", "gateway/http", "gateway/observe/json_text.h", "schemas", "filters", "sql/exec/row.h"],
    "gateway": ["gateway", "sql", "schemas", "filters"],
}
# Third-party headers with one owner.
OWNERS = {
    r"httplib\.h": ["gateway/http"],
    r"(mysql_connection|mysql_driver|mysql_error)\.h|cppconn/.*": ["sql/mysql"],
    r"sqlite3\.h": ["sql/sqlite"],
    r"rapidjson/.*": ["gateway/auth/json.cpp", "gateway/request", "gateway/respond"],
    r"openssl/.*": ["gateway/auth"],
    r"curl/.*": ["gateway/auth/jwks_fetch.cpp"],
    r"toml\+\+/.*|toml\.hpp": ["gateway/auth/key_file.cpp", "gateway/config", "gateway/tenants"],
    r"CLI/.*": ["gateway/main.cpp"],
}
# Who may turn text into an identifier: what reads a database's catalog.
IDENT_MAKERS = re.compile(r"^(schemas/|sql/(mysql|sqlite)/|tests/)")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def files(*endings):
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard"], stdout=subprocess.PIPE, check=True)
    for path in listed.stdout.decode().splitlines():
        if path.endswith(endings) and os.path.isfile(os.path.join(ROOT, path)):
            yield path


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as opened:
        return opened.read()


def is_inside(path, place):
    return path == place or path.startswith(place + "/")


def layer_of(path):
    inside = [place for place in LAYERS if is_inside(path, place)]
    return max(inside, key=len) if inside else None


def check_layers(report):
    for path in files(".h", ".cpp"):
        layer = layer_of(path)
        if layer is None:
            continue
        for included in re.findall(r'^#include "([^"]+)"', text_of(path), re.M):
            allowed = is_inside(included, layer) or any(is_inside(included, place) for place in LAYERS[layer])
            # A part of sql or gateway is not its parent: the parent's rule is for files that lie directly in it.
            report.check(allowed, f"{path} includes {included}, which is not below {layer}")
        for included in re.findall(r"^#include <([^>]+)>", text_of(path), re.M):
            for pattern, owners in OWNERS.items():
                if re.fullmatch(pattern, included):
                    report.check(any(is_inside(path, owner) for owner in owners), f"{path} includes <{included}>, which belongs to {owners}")


def check_sources(report):
    for path in files(".h", ".cpp"):
        text = text_of(path)
        if "from_catalog(" in text and path != "schemas/ident.h":
            report.check(IDENT_MAKERS.match(path), f"{path} makes an identifier; only what reads a catalog may")
        report.check(not UNFINISHED.search(text), f"{path} holds a note of unfinished work")
        if path.startswith("tests/"):
            continue
        lines = text.count("\n")
        report.check(lines <= LINES_MAX, f"{path} has {lines} lines; {LINES_MAX} at most")
        if path.endswith(".h"):
            report.check(text.startswith("// "), f"{path} does not open with a comment that says what it is")
            report.check("#pragma once" in text, f"{path} has no #pragma once")
        report.check(not re.search(r"^namespace \w*(util|helper|manager)", text, re.M), f"{path} is in a namespace that says nothing")


def rows_of_table(text):
    return [line.strip() for line in text.splitlines() if line.startswith("|")]


def printed(binary, *arguments):
    return subprocess.run([binary, *arguments], stdout=subprocess.PIPE, check=True).stdout.decode()


def check_tables(report, binary):
    """A table between `<!-- table: NAME … -->` and the next blank line after it is what the program prints."""
    for path, name, command in (("gateway/API.md", "errors", ["errors"]), ("deploy/CONFIGURATION.md", "settings", ["config", "settings"]),
                                ("gateway/METRICS.md", "metrics", ["metrics"])):
        after = re.split(rf"<!-- table: {name}[^>]*-->\n", text_of(path))
        if not report.check(len(after) == 2, f"{path} has no place for the table of {name}"):
            continue
        stands = rows_of_table(after[1].split("\n\n", 1)[0] if not after[1].startswith("\n") else after[1][1:].split("\n\n", 1)[0])
        report.equal(stands, rows_of_table(printed(binary, *command)), f"{path}: the table of {name} is not what `rowgate {' '.join(command)}` prints")
    operators = re.search(r"enum class Operator \{([^}]*)\}", text_of("filters/ast.h")).group(1)
    names = [name.strip() for name in operators.split(",")]
    report.equal(len(names), 13, "the number of operators")
    for name in names:
        report.check(re.search(rf"^\| *`?{name}`?\b", text_of("filters/GRAMMAR.md"), re.M), f"filters/GRAMMAR.md has no row for the operator {name}")


def check_links(report):
    for path in files(".md"):
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text_of(path)):
            if "://" in target:
                continue
            there = os.path.normpath(os.path.join(ROOT, os.path.dirname(path), target))
            report.check(os.path.exists(there), f"{path} links to {target}, which is not there")


def run(context):
    report = Report("check")
    check_layers(report)
    check_sources(report)
    check_tables(report, os.path.join(context.build, "rowgate"))
    check_links(report)
    return report
