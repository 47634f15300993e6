"""The HTTP contract, case by case, on both databases, and twice on each: the second time on what the first has left."""
import importlib
import os

from lib import places
from lib.contract import EVIL_TABLE, LONG_NAME, RESET, Trial, make_fixture
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import Gateway, grant, mariadb_database, sqlite_database, tenant
from lib.report import Report

PARTS = ("contract_address", "contract_identity", "contract_filters", "contract_reads", "contract_writes", "contract_bodies",
         "contract_keys", "contract_undelivered", "contract_order")
DELETES = ("contract_deletes", "contract_caps", "contract_previews", "contract_cells", "contract_strange")
SETTINGS = {"server": {"body_bytes_max": 65536}, "": {"database_hint": "a hint of the operator's"}}


def grants(kind):
    full = [name for name in RESET if name not in ("secret", "readonly")]
    full += [EVIL_TABLE[kind].replace("*", "?"), LONG_NAME, "generated", "many", "adults", "latin"]
    return [grant("admin", full), grant("users", ["readonly"], ["GET"]), grant("auditor", ["*"], ["GET"]),
            grant("poster", ["pe*", "order?"], ["POST"]), grant("reader", ["people"], ["GET"]), grant("remover", ["people"], ["DELETE"])]


def run(context):
    report = Report("io")
    folder = places.scratch("io")
    server = context.mariadb.get()
    server.make_schema("rg_io")
    server.make_schema("rg_other")
    sqlite_path = os.path.join(folder, "main.sqlite")
    directs = {"ms": open_mariadb(server, "rg_io"), "sl": open_sqlite(sqlite_path)}
    others = {"ms": open_mariadb(server, "rg_other"), "sl": open_sqlite(os.path.join(folder, "other.sqlite"))}
    for direct in directs.values():
        make_fixture(direct)
    for kind, direct in others.items():
        key = "INT AUTO_INCREMENT PRIMARY KEY" if kind == "ms" else "INTEGER PRIMARY KEY"
        direct.run(f"CREATE TABLE people (id {key}, name VARCHAR(100))")
        direct.run("INSERT INTO people VALUES (1, 'another tenant''s')")
    tenants = [
        tenant([mariadb_database(server, "rg_io", grants=grants("ms")), sqlite_database(sqlite_path, grants=grants("sl"))]),
        tenant([mariadb_database(server, "rg_other"), sqlite_database(os.path.join(folder, "other.sqlite"))],
               name="other", org_id="org-2", project="demo", project_id="project-2", space_id="space-2"),
    ]
    gateway = Gateway(context.preset, tenants, SETTINGS).start()
    try:
        for _ in ("first", "on what the first left"):
            for kind in ("ms", "sl"):
                trial = Trial(kind, gateway, directs[kind], report)
                for part in PARTS:
                    importlib.import_module(part).run(trial)
                trial.client.close()
    finally:
        gateway.destroy(report)
    importlib.import_module("deletes_scene").run(context, report, DELETES)
    life = importlib.import_module("contract_life")
    life.run(context, report, tenants, directs, SETTINGS)
    places.remove(folder)
    return report
