"""The tests' own door to a database, beside the gateway: one small interface over pymysql and sqlite3."""
import sqlite3


class Direct:
    """`?` marks a parameter in both databases; SQL given here holds no other question mark."""

    def __init__(self, kind, connect):
        self.kind = kind
        self._connect = connect
        self._connection = connect()

    def _execute(self, sql, values):
        if self.kind == "ms":
            cursor = self._connection.cursor()
            if values:
                cursor.execute(sql.replace("%", "%%").replace("?", "%s"), values)
            else:
                cursor.execute(sql)
            return cursor
        return self._connection.execute(sql, values)

    def rows(self, sql, *values):
        return [tuple(row) for row in self._execute(sql, values).fetchall()]

    def column(self, sql, *values):
        return [row[0] for row in self._execute(sql, values).fetchall()]

    def one(self, sql, *values):
        return self.column(sql, *values)[0]

    def run(self, sql, *values):
        cursor = self._execute(sql, values)
        return cursor.rowcount

    def script(self, text):
        """Statements separated by a line that ends with a semicolon."""
        for statement in text.split(";\n"):
            if statement.strip():
                self._execute(statement, ())

    def quote(self, name):
        mark = "`" if self.kind == "ms" else '"'
        return mark + name.replace(mark, mark * 2) + mark

    def again(self):
        """A second connection to the same database, for another thread."""
        return Direct(self.kind, self._connect)

    def close(self):
        self._connection.close()


def open_mariadb(server, schema):
    return Direct("ms", lambda: server.connect(schema))


def open_sqlite(path):
    def connect():
        connection = sqlite3.connect(path, timeout=20, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")
        return connection
    return Direct("sl", connect)


def small_table(path):
    """A new SQLite file with the table t of three rows: for what is not about data."""
    direct = open_sqlite(path)
    direct.run("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER NOT NULL)")
    direct.run("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)")
    return direct
