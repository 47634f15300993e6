"""Random hostile requests on path, query, headers, JSON names and values. None is a 500; no row that was not asked for changes; and every
statement that MariaDB was given, with its quoted catalog names and placeholders taken out, holds only words of the gateway's own.

Each write carries `own=eq.1` as its last condition, so rows with own = 0 are the proof: nothing a client sends may reach them.
"""
import json
import os
import re
import subprocess

from lib import mariadb, places
from lib.client import Broken, Client, audit
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import IDENTITY, Gateway, encode, mariadb_database, sqlite_database, table_path, tenant
from lib.report import Report, short

TABLES = {"users": ("id", "name", "note", "n", "price", "at", "own"), "we`ird\"; --": ("id", "a`b", "c\"d", ";", "own")}
NAMES = sorted({*TABLES, *(column for columns in TABLES.values() for column in columns), "tables", "information_schema", "create_time"})
# Every word and mark that the gateway may put into SQL itself. What is not here is a client's.
WORDS = set("""select from where and or not is null in between like escape order by asc desc limit offset insert into values default update set delete
 cast as decimal char date datetime time uuid inet4 inet6 binary unsigned signed double float max_statement_time lock_wait_timeout for statement case when
 then else end exists concat coalesce count sum group union all on duplicate key join left inner session global transaction isolation level read committed
 repeatable write start begin commit rollback autocommit names utf8mb4 collate character results connection character_set_results now utc_timestamp version
 database schema table_schema table_name table_type engine create_time information_schema tables columns statistics key_column_usage referential_constraints
 check_constraints views column_name data_type column_type is_nullable column_default extra generation_expression character_set_name collation_name
 character_maximum_length character_octet_length numeric_precision numeric_scale datetime_precision ordinal_position index_name seq_in_index sub_part
 non_unique constraint_name constraint_schema referenced_table_name referenced_column_name referenced_table_schema delete_rule update_rule unique_constraint_name
 check_clause view_definition position_in_unique_constraint innodb_lock_wait_timeout sql_mode time_zone last_insert_id innodb_sys_tables table_id name
 max_execution_time wait_timeout net_read_timeout net_write_timeout interval second microsecond unix_timestamp true false md5 sha2 hex ifnull if nullif concat_ws
 group_concat distinct using with consistent snapshot only straight_join force index ignore limit_rows tx_isolation transaction_isolation optimizer_switch
 is_generated constraint_type table_constraints separator share mode lock update low_priority quick foreign_key_checks unique_checks trim lower upper length
 row_count found_rows connection_id kill query show variables status warnings engine_innodb flush ping expression temporary sequence partitions timestampdiff sql_auto_is_null
 sql_safe_updates sql_select_limit check_constraint_checks in_predicate_conversion_threshold coercibility""".split())
STRINGS = [
    "' OR '1'='1", "' OR 1=1 -- ", "'; DROP TABLE users; --", "\" OR \"\"=\"", "`", "``", "a`b", "1; DELETE FROM users", "1 OR 1=1", "1) OR (1=1", "\\", "\\'",
    "\\\\' OR 1=1 -- ", "%' OR '%'='", "%", "_", "%%", "x' UNION SELECT * FROM mysql.user -- ", "1/**/OR/**/1=1", "/*!50000 OR 1=1*/", "--", "#", ";", "(SELECT 1)",
    "SLEEP(5)", "BENCHMARK(1000000,MD5(1))", "1 AND SLEEP(5)", "?", "??", ":1", "$1", "{}", "[]", "null", "NULL", "true", "0", "-0", "1e0", "1e999", "NaN",
    "0x27", "\u02bc OR 1=1", "\u2019 OR \u20191\u2019=\u20191", "ʼ", "％27", "１", "'", "''", "'''", "\"", "\"\"", "\x00", "\x01", "\n", "\r\nX: y", "\t", "\x7f", "\x1a",
    "😀", "💣'", "é", "\u202e", "\ufeff", "a" * 300, "'" * 200, "(" * 100, ",", ",,", ".", "..", "a.b", "a,b", "\"a,b\"", "\"a", "a\"", "<script>", "${jndi:x}", "{{7*7}}",
    "../../etc/passwd", "%00", "%27", "%2527", "file:///etc/passwd", "LOAD_FILE('/etc/passwd')", "@@version", "@a:=1", "own=eq.0", "&own=eq.0", "own", "users", "id",
]
RAW = [b"\xff", b"\xc0\xa7", b"\xbf\x27", b"\xe0\x80\xa7", b"%bf%27", b"%c0%a7", b"%ff", b"%", b"%zz", b"%u0027", b"'", b"\\", b"\"", b"`", b"\xed\xa0\x80"]
OPERATORS = ["eq", "ne", "lt", "gt", "le", "ge", "bw", "in", "nin", "li", "rli", "lli"]
ODD_OPERATORS = ["is", "not", "EQ", "neq", "like", "or", "and", "eq'", "eq`", "=", "", "in.(", "li.%", "sleep(5)", "fts", "e\u0071"]


def run(context):
    report = Report("hostile")
    count = 100000 if context.full else 3000
    folder = places.scratch("hostile")
    server = mariadb.MariaDB(["--log-output=FILE", f"--general-log-file={folder}/general.log", "--general-log=1"]).start()
    path = os.path.join(folder, "main.sqlite")
    gateway = None
    print(f"  seed {context.seed}", flush=True)
    as_far_as_render(report, context, count)
    try:
        server.make_schema("rg_hostile")
        directs = {"ms": open_mariadb(server, "rg_hostile"), "sl": open_sqlite(path)}
        for direct in directs.values():
            make(direct)
        gateway = Gateway(context.preset, [tenant([mariadb_database(server, "rg_hostile"), sqlite_database(path)])], {"": {"access_log": ""}}).start()
        for kind, direct in directs.items():
            attack = Attack(kind, direct, gateway, report, context.random(f"hostile-{kind}"))
            attack.run(count // 2)
            share = 100 * attack.reached // max(1, attack.sent)
            report.check(share >= 30, f"[{kind}] only {share} % of the requests reached the database")
            report.note(f"{kind}: {attack.sent} requests, {share} % reached the database, " + " ".join(f"{s}:{n}" for s, n in sorted(attack.seen.items())))
        statements = read_log(os.path.join(folder, "general.log"))
        report.check(len(statements) > 20, f"the general log holds only {len(statements)} statements")
        for statement in sorted(statements):
            foreign = foreign_words(statement)
            report.check(not foreign, f"a statement with words that are not ours, {foreign}: {short(statement)}")
        report.note(f"{len(statements)} different statements")
    finally:
        if gateway is not None:
            gateway.destroy(report)
        server.destroy()
        places.remove(folder)
    return report


def as_far_as_render(report, context, count):
    """The same question without a server: the program build/<preset>/hostile looks at every SQL text that comes out of render."""
    binary = os.path.join(context.build, "hostile")
    if not report.check(os.path.exists(binary), f"there is no {binary}"):
        return
    ran = subprocess.run([binary, str(context.seed), str(count)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=1800)
    text = ran.stdout.decode(errors="replace")
    closing = re.findall(r"^(\d+) passed, (\d+) failed$", text, re.M)
    if report.check(ran.returncode == 0 and closing, f"hostile {context.seed} {count} ended with {ran.returncode}: {text[-4000:]}"):
        report.add(int(closing[-1][0]), int(closing[-1][1]))
        report.note(text.strip().split("\n")[0].removeprefix("hostile: "))


def make(direct):
    key = "INT AUTO_INCREMENT PRIMARY KEY" if direct.kind == "ms" else "INTEGER PRIMARY KEY AUTOINCREMENT"
    quote = direct.quote
    direct.run(f"CREATE TABLE users (id {key}, name VARCHAR(200) NULL, note TEXT NULL, n INT NULL, price DECIMAL(10,2) NULL, at DATETIME NULL, own INT NOT NULL DEFAULT 1)")
    odd = list(TABLES)[1]
    direct.run(f"CREATE TABLE {quote(odd)} (id {key}, {quote('a`b')} VARCHAR(50) NULL, {quote('c' + chr(34) + 'd')} INT NULL, {quote(';')} INT NULL, own INT NOT NULL DEFAULT 1)")
    for table in TABLES:
        for number in range(1, 41):
            direct.run(f"INSERT INTO {quote(table)} (own) VALUES ({number % 2})")
    direct.run("UPDATE users SET name = 'guarded', note = '', n = 0, price = 1.5 WHERE own = 0")


class Attack:
    def __init__(self, kind, direct, gateway, report, numbers):
        self.kind, self.direct, self.report, self.numbers = kind, direct, report, numbers
        self.client = Client(gateway.port, IDENTITY)
        self.seen = {}
        self.sent = self.reached = 0
        self.guarded = self.guards()

    def guards(self):
        return {table: self.direct.rows(f"SELECT * FROM {self.direct.quote(table)} WHERE own = 0 ORDER BY id") for table in TABLES}

    def pick(self, sequence):
        return self.numbers.choice(sequence)

    def nasty(self):
        text = self.pick(STRINGS)
        if self.numbers.random() < 0.3:
            text += self.pick(STRINGS)
        return text

    def value(self, column):
        """Percent-encoded. Half of them are right for the column, so that the request comes as far as SQL."""
        if self.numbers.random() < 0.04:
            return self.pick(RAW).decode("latin-1")
        if column in ("name", "note", "a`b"):
            return encode(self.nasty().replace("\0", ""))
        if self.numbers.random() < 0.8:
            return {"price": "1.5", "at": "2024-02-29T12:00:00"}.get(column, str(self.numbers.randint(-3, 40)))
        return encode(self.nasty())

    def condition(self, columns):
        column = self.pick(columns)
        name = encode('"' + column.replace('"', '\\"') + '"') if self.numbers.random() < 0.5 or '"' in column or "." in column else encode(column)
        if self.numbers.random() < 0.06:
            name = encode(self.nasty())
        if self.numbers.random() < 0.05:
            return f"{name}={encode(self.pick(ODD_OPERATORS))}.{self.value(column)}"
        operator = self.pick(OPERATORS if column in ("name", "note", "a`b") else OPERATORS[:9])
        if operator in ("in", "nin", "bw"):
            quote = lambda: encode('"' + self.nasty().replace("\0", "").replace("\\", "\\\\").replace('"', '\\"') + '"')  # noqa: E731
            items = [quote() if column in ("name", "note", "a`b") else self.value(column) for _ in range(2 if operator == "bw" else self.numbers.randint(1, 4))]
            return f"{name}={operator}." + ",".join(items)
        return f"{name}={operator}.{self.value(column)}"

    def query(self, columns, is_read):
        parts = [self.condition(columns) for _ in range(self.numbers.choice((1, 1, 1, 2, 3)))]
        if is_read and self.numbers.random() < 0.4:
            parts.append(self.pick(("select=", "order=")) + encode(self.pick(list(columns)) if self.numbers.random() < 0.7 else self.nasty()))
        if self.numbers.random() < 0.05:
            parts.append(self.pick(("limit=", "offset=", "or=", "_x=", "ids=", "")) + encode(self.nasty()))
        # The last word is ours: a write never reaches a guarded row, whatever stands before.
        return "&".join(parts + ["own=eq.1"])

    def body(self, columns):
        row = {}
        for _ in range(self.numbers.randint(1, 3)):
            column = self.pick([column for column in columns if column not in ("id", "own")])
            if self.numbers.random() < 0.06:
                column = self.nasty()
            row[column] = self.nasty() if column in ("name", "note") or self.numbers.random() < 0.2 else self.pick((None, 1, 2, "3"))
            if self.numbers.random() < 0.03:
                row[column] = self.pick(([self.nasty()], {self.nasty(): 1}, True, 1e300))
        text = json.dumps(row, ensure_ascii=self.numbers.random() < 0.5)
        if self.numbers.random() < 0.04:
            at = self.numbers.randrange(len(text))
            text = text[:at] + self.pick(STRINGS) + text[at:]
        return text.encode("utf-8", "surrogatepass")

    def one(self):
        method = self.pick(("GET", "GET", "DELETE", "PUT", "PATCH", "POST"))
        table = self.pick(list(TABLES))
        columns = TABLES[table]
        path = table_path(self.kind, table)
        if self.numbers.random() < 0.05:
            path = table_path(self.kind, "") + "/" + encode(self.nasty())
        elif self.numbers.random() < 0.02:
            path += "/" + encode(self.nasty())
        target = path if method == "POST" else f"{path}?{self.query(columns, method == 'GET')}"
        headers = []
        if self.numbers.random() < 0.08:
            name = self.pick(("X-User-Id", "X-User-Roles", "Prefer", "Accept", "X-Request-Id", "X-Org-Id", "User-Agent", "Content-Type", "X-Forwarded-For"))
            headers.append((name, re.sub(r"[\x00-\x1f\x7f]", "", self.nasty()).encode()[:200]))
        return method, target.encode("latin-1", "ignore")[:8000], self.body(columns) if method in ("PUT", "PATCH", "POST") else None, headers

    def run(self, count):
        for number in range(count):
            method, target, body, headers = self.one()
            told = f"[{self.kind}] {method} {short(target.decode('latin-1'))} {short(repr(body))} {headers}"
            self.sent += 1
            try:
                answer = self.client.request(method, target, body, headers)
            except (Broken, ValueError) as broken:
                self.report.fail(f"{told}: {broken}")
                continue
            self.seen[answer.status] = self.seen.get(answer.status, 0) + 1
            # 2xx and 409 alone are certain to have been in the database.
            self.reached += answer.status < 300 or answer.status == 409
            wrong = audit(answer, method, is_hostile=True)
            self.report.check(answer.status < 500 and not wrong or answer.status == 501, f"{told}: {wrong} {answer!r}")
            if number % 50 == 49:
                now = self.guards()
                if not self.report.check(now == self.guarded, f"{told}: guarded rows changed, here or in the 50 requests before"):
                    self.guarded = now
                for table in TABLES:
                    self.direct.run(f"DELETE FROM {self.direct.quote(table)} WHERE own <> 0 AND id > 60")
                    self.direct.run(f"INSERT INTO {self.direct.quote(table)} (own) VALUES (1)")


LINE = re.compile(r"^(?:\d{6} +\d{1,2}:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+)?\t+ *(\d+) (Connect|Query|Prepare|Execute|Close stmt|Quit|Init DB|Reset stmt|Statistics|Ping|Kill|Error)\t?", re.M)


def read_log(path):
    """The gateway's statements as prepared, and its other commands: each different text once."""
    with open(path, encoding="utf-8", errors="replace", newline="") as log:
        text = log.read()
    marks = list(LINE.finditer(text))
    ours, statements = set(), set()
    # The tests' own door is another client; its connections are told apart by what they prepare: nothing.
    for mark in marks:
        if mark[2] == "Prepare":
            ours.add(mark[1])
    for mark, following in zip(marks, marks[1:] + [None]):
        if mark[1] in ours and mark[2] in ("Prepare", "Query"):
            statements.add(text[mark.end():following.start() if following else len(text)].strip())
    return statements


def foreign_words(statement):
    bare = statement
    for name in sorted(NAMES, key=len, reverse=True):
        bare = bare.replace("`" + name.replace("`", "``") + "`", " ")
    found = [] if "`" not in bare else ["a quoted name that is not in the catalog"]
    # Literals of the gateway's own: 'utf8mb4', '+00:00', '!', the pinned sql_mode, 'BASE TABLE'.
    bare = re.sub(r"'(utf8mb4[a-z0-9_]*|[+]00:00|!|[A-Z_,]+|BASE TABLE|lower_case_table_names|VIEW|[%Y:dHisf. -]+|YES|NO|PRIMARY|json_valid|)'", " ", bare)
    found += re.findall(r"'[^']*'?|\"[^\"]*\"?|--|/\*|#|;", bare)
    found += [word for word in re.findall(r"[A-Za-z_][A-Za-z0-9_]*", bare) if word.lower() not in WORDS]
    return found + [word for word in re.findall(r"[^\sA-Za-z0-9_,.()=<>?*+@/-]", re.sub(r"'[^']*'", " ", bare)) if word not in "`'\""]
