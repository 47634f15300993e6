"""What the parts of the suite `deletes` without an oracle run on: a gateway over one database of parents and children."""
import os

from lib import places
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import Gateway, mariadb_database, sqlite_database, tenant

SCHEMA = "rg_deletes_race"


def make_tables(direct):
    number = "INT" if direct.kind == "ms" else "INTEGER"
    direct.run(f"CREATE TABLE parents (id {number} NOT NULL PRIMARY KEY, bucket {number} NOT NULL, note VARCHAR(20))")
    direct.run(f"CREATE TABLE children (id {number} NOT NULL PRIMARY KEY, parent {number} NOT NULL, "
               "FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE)")
    if direct.kind == "ms":
        direct.run("CREATE INDEX buckets ON parents (bucket)")
    else:
        direct.run("CREATE INDEX parent_of ON children (parent)")  # InnoDB makes its own


class Place:
    """A gateway over one database with parents and children."""

    def __init__(self, context, kind, name, server=None, with_tables=True):
        self.kind, self.folder = kind, places.scratch(name)
        self.path = os.path.join(self.folder, "main.sqlite")
        self.server = server or context.mariadb.get()
        if kind == "ms":
            self.server.make_schema(SCHEMA)
            self.direct, entry = open_mariadb(self.server, SCHEMA), mariadb_database(self.server, SCHEMA)
        else:
            self.direct, entry = open_sqlite(self.path), sqlite_database(self.path)
        if with_tables:
            make_tables(self.direct)
        self.gateway = Gateway(context.preset, [tenant([entry])]).start()

    def ids(self):
        return set(self.direct.column("SELECT id FROM parents"))

    def close(self, report):
        self.gateway.destroy(report)
        self.direct.close()
        places.remove(self.folder)
