"""The tables, grants and gateways that the cases of section 6 (contract_deletes*.py) run on, in both databases, and how they ask.

Every table is put back after a request that changed something, by the tests' own connection and without foreign keys; triggers write
to `trail`, which is put back last."""
import importlib
import os
import subprocess

import contract_cells
from lib import places
from lib.contract import Trial
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import Gateway, grant, mariadb_database, sqlite_database, table_path
from lib.report import short

ROWS_MAX, PREVIEW_ROWS_MAX = 12, 20
SETTINGS = {"limits": {"rows_max": ROWS_MAX}, "": {"preview_rows_max": PREVIEW_ROWS_MAX},
            "server": {"body_bytes_max": 1 << 20}, "auth": {"modes": ["headers", "api_key"]}}
SPACE_2 = {"X-Space-Id": "space-2"}
NARROW, TIGHT = "narrow", "tight"  # databases: by an account that does not see everything; with caps of its own


def role(name, **more):
    return {"X-User-Roles": name, **more}


# name -> (columns, foreign keys and the like). INT PRIMARY KEY is an integer key in both databases; no auto-increment.
TABLES = {
    "item": ("id INT PRIMARY KEY, name VARCHAR(20) NOT NULL, kind VARCHAR(10) NOT NULL, qty INT NULL, code INT NULL, owner VARCHAR(10) NOT NULL, "
             "CONSTRAINT item_code UNIQUE (code), CONSTRAINT item_name UNIQUE (name)"),
    "many": "id INT PRIMARY KEY, v INT NOT NULL",
    "author": "id INT PRIMARY KEY, name VARCHAR(20) NULL",
    "book": "id INT PRIMARY KEY, author_id INT NOT NULL, CONSTRAINT book_author FOREIGN KEY (author_id) REFERENCES author (id) ON DELETE CASCADE",
    "chapter": "id INT PRIMARY KEY, book_id INT NOT NULL, CONSTRAINT chapter_book FOREIGN KEY (book_id) REFERENCES book (id) ON DELETE CASCADE",
    "review": "id INT PRIMARY KEY, book_id INT NULL, CONSTRAINT review_book FOREIGN KEY (book_id) REFERENCES book (id) ON DELETE SET NULL",
    "land": "id INT PRIMARY KEY, v INT NULL",
    "town": "id INT PRIMARY KEY, land_id INT NOT NULL, CONSTRAINT town_land FOREIGN KEY (land_id) REFERENCES land (id) ON DELETE RESTRICT",
    "firm": "id INT PRIMARY KEY, v INT NULL",
    "staff": "id INT PRIMARY KEY, firm_id INT NOT NULL, CONSTRAINT staff_firm FOREIGN KEY (firm_id) REFERENCES firm (id) ON DELETE CASCADE",
    "badge": "id INT PRIMARY KEY, staff_id INT NOT NULL, CONSTRAINT badge_staff FOREIGN KEY (staff_id) REFERENCES staff (id)",
    "duo": "a INT NOT NULL, b VARCHAR(5) NOT NULL, v INT NULL, PRIMARY KEY (a, b)",
    "trio": "id INT PRIMARY KEY, a INT NULL, b VARCHAR(5) NULL, CONSTRAINT trio_duo FOREIGN KEY (a, b) REFERENCES duo (a, b) ON DELETE CASCADE",
    "node": "id INT PRIMARY KEY, parent INT NULL, CONSTRAINT node_parent FOREIGN KEY (parent) REFERENCES node (id) ON DELETE CASCADE",
    "link": "id INT PRIMARY KEY, next INT NULL, CONSTRAINT link_next FOREIGN KEY (next) REFERENCES link (id) ON DELETE SET NULL",
    "deep": "id INT PRIMARY KEY, parent INT NULL, CONSTRAINT deep_parent FOREIGN KEY (parent) REFERENCES deep (id) ON DELETE CASCADE",
    "city": "code VARCHAR(5) NOT NULL PRIMARY KEY, v INT NULL",
    "street": "id INT PRIMARY KEY, city VARCHAR(5) NULL, "
              "CONSTRAINT street_city FOREIGN KEY (city) REFERENCES city (code) ON DELETE SET NULL ON UPDATE CASCADE",
    "hq": "id INT PRIMARY KEY, v INT NULL",
    "spy_net": "id INT PRIMARY KEY, hq_id INT NOT NULL, CONSTRAINT spy_fk FOREIGN KEY (hq_id) REFERENCES hq (id) ON DELETE CASCADE",
    "vault": "id INT PRIMARY KEY, v INT NULL",
    "spy_lock": "id INT PRIMARY KEY, vault_id INT NOT NULL, CONSTRAINT spy_lock_fk FOREIGN KEY (vault_id) REFERENCES vault (id)",
    "traced": "id INT PRIMARY KEY, v INT NULL",
    "capped": "id INT PRIMARY KEY, v INT NULL",
    "casc": "id INT PRIMARY KEY, v INT NULL",
    "casc_child": "id INT PRIMARY KEY, casc_id INT NOT NULL, CONSTRAINT casc_fk FOREIGN KEY (casc_id) REFERENCES casc (id) ON DELETE CASCADE",
    "one": "id INT PRIMARY KEY, v INT NULL",
    "sure": "id INT PRIMARY KEY, v INT NULL",
    "lax": "id INT PRIMARY KEY, v INT NULL",
    "nokey": "v INT NULL, w VARCHAR(10) NULL",
    "uniq": "u INT NOT NULL, n INT NULL, w VARCHAR(10) NULL, CONSTRAINT uniq_u UNIQUE (u), CONSTRAINT uniq_n UNIQUE (n)",
    "near": "id INT PRIMARY KEY, v INT NULL",
    "clan": "id INT PRIMARY KEY, name VARCHAR(20) {loose} NOT NULL, alias VARCHAR(20) {strict} NOT NULL",
    "pair": "a VARCHAR(5) {loose} NOT NULL, n INT NOT NULL, PRIMARY KEY (a, n)",
    "trail": "what VARCHAR(20) NULL",
}
COLLATIONS = {"ms": {"loose": "COLLATE utf8mb4_general_ci", "strict": "COLLATE utf8mb4_nopad_bin"}, "sl": {"loose": "COLLATE NOCASE", "strict": ""}}
CLAN = ["ann", "Ann", "ANN", "Anna", "bo", "Bo", "_x%"]
FIVE = [(n, n * 10) for n in range(1, 6)]
ROWS = {
    "item": [(n, f"n{n}", "ab"[n % 2], n * 10 if n % 5 else None, 100 + n if n % 3 else None, "ann" if n <= 7 else "bob") for n in range(1, 15)],
    "many": [(n, n % 3) for n in range(1, 31)],
    "author": [(1, "A"), (2, "B"), (3, "C")],
    "book": [(10, 1), (11, 1), (20, 2)],
    "chapter": [(100, 10), (101, 10), (110, 11), (200, 20)],
    "review": [(1, 10), (2, 10), (3, 11), (4, None)],
    "land": FIVE[:3], "town": [(1, 1), (2, 1), (3, 2)],
    "firm": FIVE[:2], "staff": [(1, 1), (2, 1), (3, 2)], "badge": [(1, 2)],
    "duo": [(1, "x", 1), (1, "y", 2), (2, "x", 3)], "trio": [(1, 1, "x"), (2, 1, "x"), (3, 1, "y"), (4, 1, None), (5, None, "x")],
    "node": [(1, None), (2, 1), (3, 2), (4, 2), (5, 5), (6, None)], "link": [(1, None), (2, 1), (3, 2), (4, 4)],
    "deep": [(n, n - 1 if n > 1 else None) for n in range(1, 18)],
    "city": [("ber", 1), ("ham", 2), ("ulm", 3)], "street": [(1, "ber"), (2, "ber"), (3, "ham")],
    "hq": FIVE[:2], "spy_net": [(1, 1), (2, 1)], "vault": FIVE[:2], "spy_lock": [(1, 1)],
    "traced": FIVE[:3], "capped": FIVE, "casc": FIVE, "casc_child": [(1, 1), (2, 1), (3, 2)], "one": FIVE, "sure": FIVE, "lax": FIVE,
    "nokey": [(1, "one"), (2, "two"), (2, "two")], "uniq": [(1, 1, "a"), (2, None, "b"), (3, 3, None), (4, None, "b")], "near": FIVE[:2], "egg": [(1, 1), (2, 3), (3, 2), (4, None)], "hen": [(1, 1), (2, 2), (3, 3)],
    "clan": [(n, name, name) for n, name in enumerate(CLAN, 1)], "pair": [("a", 1), ("B", 1), ("a", 2)],
    "trail": [],
}
HIDDEN = ("spy_net", "spy_lock")


def make_tables(direct):
    for name, columns in TABLES.items():
        direct.run(f"CREATE TABLE {name} ({columns.format(**COLLATIONS[direct.kind])})" + (" ENGINE=InnoDB" if direct.kind == "ms" else ""))
    egg = "CREATE TABLE egg (id INT PRIMARY KEY, hen_id INT NULL{})"
    hen = "CREATE TABLE hen (id INT PRIMARY KEY, egg_id INT NULL, CONSTRAINT hen_egg FOREIGN KEY (egg_id) REFERENCES egg (id) ON DELETE CASCADE)"
    back = ", CONSTRAINT egg_hen FOREIGN KEY (hen_id) REFERENCES hen (id) ON DELETE CASCADE"
    if direct.kind == "ms":
        direct.run(egg.format(""))
        direct.run(hen)
        direct.run("ALTER TABLE egg ADD" + back[1:])
    else:
        direct.run(egg.format(back))
        direct.run(hen)
    contract_cells.make_tables(direct)
    if direct.kind == "ms":
        direct.run("CREATE TRIGGER traced_gone AFTER DELETE ON traced FOR EACH ROW INSERT INTO trail VALUES (concat('gone ', OLD.id))")
        direct.run("CREATE TRIGGER traced_new BEFORE UPDATE ON traced FOR EACH ROW INSERT INTO trail VALUES (concat('new ', OLD.id))")
    else:
        direct.run("CREATE TABLE loose (k VARCHAR(10) PRIMARY KEY, v INT)")
        direct.run("CREATE TRIGGER traced_gone AFTER DELETE ON traced BEGIN INSERT INTO trail VALUES ('gone ' || OLD.id); END")
        direct.run("CREATE TRIGGER traced_new BEFORE UPDATE ON traced BEGIN INSERT INTO trail VALUES ('new ' || OLD.id); END")


def make_far(server):
    """A child in another schema, which the account `rg_narrow` is not shown."""
    server.make_schema("rg_far")
    connection = server.connect("rg_far")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE far_child (id INT PRIMARY KEY, near_id INT NOT NULL, "
                       "CONSTRAINT far_fk FOREIGN KEY (near_id) REFERENCES rg_deletes.near (id) ON DELETE CASCADE)")
        cursor.execute("SET foreign_key_checks=0")
        cursor.execute("INSERT INTO far_child VALUES (1, 1)")
        cursor.execute("DROP USER IF EXISTS 'rg_narrow'@'localhost'")
        cursor.execute("CREATE USER 'rg_narrow'@'localhost'")
        cursor.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON rg_deletes.* TO 'rg_narrow'@'localhost'")
    connection.close()


def grants():
    """Who may what. `admin` sees all but the hidden tables; the rest are named after what they are for."""
    policed = {"capped": {"affected_max": 2}, "casc": {"cascaded_max": 1}, "one": {"conditional_delete": "one"}, "sure": {"confirm": True},
               "lax": {"missing": "ok"}}
    plain = [name for name in ROWS if name not in HIDDEN and name not in policed] + ["cells", "key_*", "loose"]
    made = [grant("admin", plain), grant("spymaster", ["spy_*", "hq", "vault"]), grant("reader", ["item"], ["GET"]),
            grant("remover", ["item"], ["DELETE"]), grant("writer", ["item", "nokey"], ["POST", "PUT", "PATCH"]),
            # Reads ann's, deletes and changes those of kind a.
            {**grant("split", ["item"], ["GET"]), "row_filter": "owner=eq.ann"},
            {**grant("split", ["item"], ["DELETE", "PUT", "PATCH", "POST"]), "row_filter": "kind=eq.a"},
            # Sees three columns; filters by the key too.
            {**grant("blinkered", ["item"]), "read": ["name", "kind", "owner"], "filter": ["id", "kind"], "write": ["id", "name", "kind", "owner"]},
            # No key for either.
            {**grant("mute", ["clan"], ["GET", "DELETE"]), "read": ["id"], "filter": ["id", "name"]}, grant("deaf", ["clan"], ["DELETE"]),
            {**grant("keyblind", ["item", "author"], ["GET", "DELETE", "PATCH", "PUT"]), "read": ["name"], "filter": ["name"], "write": ["name"]}]
    for table, policy in policed.items():
        made.append({**grant("admin", [table]), **policy})
    made += [grant("strict", ["capped", "one", "sure", "lax", "casc"]), {**grant("strict", ["capped"], ["DELETE"]), "affected_max": 1}]
    return made


def tenants(server, sqlite_path):
    def databases(**caps):
        made = [mariadb_database(server, "rg_deletes", grants=grants()), sqlite_database(sqlite_path, grants=grants())]
        made += [mariadb_database(server, "rg_deletes", TIGHT, grants=grants(), affected_max=2, cascaded_max=3),
                 sqlite_database(sqlite_path, TIGHT, grants=grants(), affected_max=2, cascaded_max=3)]
        return made + [{**mariadb_database(server, "rg_deletes", NARROW, grants=grants()), "user": "rg_narrow"}]
    spaces = [{"id": "space-1", "databases": databases()},
              {"id": "space-2", "affected_max": 3, "cascaded_max": 1, "databases": databases()},
              {"id": "space-3", "answer_bytes_max": 120, "databases": databases()}]
    return [{"name": "acme", "id": "org-1", "projects": [{"name": "demo", "id": "project-1", "spaces": spaces}]}]


def make_key(gateway, *options, roles="users,admin"):
    """An API key for user-1, by the command line."""
    ran = subprocess.run([gateway.binary, "keys", "create", "--config", gateway.config, "--org-id", "org-1", "--project-id", "project-1", "--space-id",
                          "space-1", "--user", "user-1", "--roles", roles, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         env=gateway.environment(), check=False, timeout=60)
    if ran.returncode != 0:
        raise RuntimeError(ran.stderr.decode())
    return ran.stdout.decode().strip()


class DeleteTrial(Trial):
    """A Trial on these tables. Those that a request changed are put back one by one."""

    def __init__(self, kind, gateway, direct, report, keys):
        self.keys = keys
        direct.run("SET foreign_key_checks=0" if kind == "ms" else "PRAGMA foreign_keys=OFF")
        self._fresh = None
        super().__init__(kind, gateway, direct, report)

    def content(self):
        self.tables = list(ROWS)
        if self.is_mariadb:
            return {name.partition(".")[2]: sum_ for name, sum_ in super().content().items()}
        return {table: self.direct.rows(f"SELECT * FROM {table} ORDER BY 1, 2" if table not in ("trail",) else "SELECT * FROM trail") for table in ROWS}

    def reset(self):
        now = self.content()
        for table in ROWS:  # `trail` is the last
            if self._fresh is None or now[table] != self._fresh[table] or table == "trail":
                self.fill(table, ROWS[table])
        self._before = self.content()
        self._fresh = self._fresh or self._before

    def fill(self, table, rows):
        self.direct.run(f"DELETE FROM {table}")
        if rows:
            values = ",".join(f"({','.join('?' * len(rows[0]))})" for _ in rows)
            self.direct.run(f"INSERT INTO {table} VALUES {values}", *[value for row in rows for value in row])

    def settle(self):
        """What the tables hold now is what the next refusal has to leave."""
        self._before = self.content()

    def other(self, database, target):
        """The target in another database entry of the same tables."""
        address, _, query = target.partition("?")
        table, slash, key = address.partition("/")
        return table_path(self.kind, table, database=database) + slash + key + ("?" + query if query else "")

    def preview(self, method, target, body=None, headers=(), status=200, **members):
        """Asks for a preview; `members`: what it must say. Gives the whole answer back, or an empty one."""
        mark = "&" if "?" in target else "?"
        answer = self.ask(method, f"{target}{mark}_preview=true", status, body=body, headers=headers, changes=False)
        if answer is None or answer.status != 200:
            return {}
        try:
            told = answer.json()
        except ValueError:
            self.report.fail(f"[{self.kind}] preview of {method} {target} is not JSON: {answer!r}")
            return {}
        wrong = [f"{name} is {told.get(name)!r}, wanted {value!r}" for name, value in {"hints": None, **members}.items() if told.get(name) != value]
        if (told.get("token") is None) != (told.get("expires") is None):
            wrong.append("token and expires do not go together")
        names = set(told) - {"refused", "hints"}
        if names != {"would_affect", "sample", "cascades", "triggers", "token", "expires"}:
            wrong.append(f"members {sorted(told)}")
        self.report.check(not wrong, f"[{self.kind}] preview of {method} {target} {short(repr(body))}: {'; '.join(wrong)}: {told}")
        return told

    def cascades(self, *wanted):
        """Of a preview. Where the database keeps no names of constraints, theirs are empty."""
        return [{"table": table, "constraint": name, "action": action, "rows": rows} for table, name, action, rows in wanted]


def run(context, report, parts):
    """The parts on both databases, twice on each: the second time on what the first has left."""
    folder = places.scratch("io-deletes")
    server = context.mariadb.get()
    server.make_schema("rg_deletes")
    path = os.path.join(folder, "main.sqlite")
    directs = {"ms": open_mariadb(server, "rg_deletes"), "sl": open_sqlite(path)}
    for direct in directs.values():
        make_tables(direct)
    make_far(server)
    gateway = Gateway(context.preset, tenants(server, path), SETTINGS)
    try:
        keys = {"one row": make_key(gateway, "--verbs", "DELETE", "--tables", "item", "--affected-max", "1"),
                "confirmed": make_key(gateway, "--verbs", "DELETE", "--tables", "many", "--confirm")}
        gateway.start()
        for _ in ("first", "on what the first left"):
            for kind, direct in directs.items():
                trial = DeleteTrial(kind, gateway, direct, report, keys)
                for part in parts:
                    importlib.import_module(part).run(trial)
                trial.client.close()
        importlib.import_module("contract_previews").shared_keys(context, report, tenants(server, path), directs, folder)
    finally:
        gateway.destroy(report)
        for direct in directs.values():
            direct.close()
        places.remove(folder)
