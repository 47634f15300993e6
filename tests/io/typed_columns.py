"""Every column type of each database: how it is declared, which rows stand in it, which literals are worth asking for."""
from decimal import Decimal

from typed_values import (Address, Bit, Boolean, Bytes, Clock, Day, Document, Double, Exact, Integer, Member, Moment, Shape, Single, Text,
                          Uuid)

# Asked of every type. A third and more of all literals of a column must be valid there: the columns add their own.
SHAPES = [
    "0", "", "1abc", "1e0", "-0", "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616", "2147483647",
    "2147483648", "4294967296", "-1", "1", "01", "1.50", "1.505", " 1", "1 ", "１", "true", "false", "null", "[]", "{}", "NaN", "inf", "0x10", "1.",
    ".5", "+1", "2024-02-29", "2023-02-29", "2024-02-29T12:34:56", "2024-02-29 12:34:56Z", "2024-02-29T12:34:56+02:00",
    "2024-02-29 12:34:56.123456", "12:34:56", "123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000", "b64:AQID",
    "\\x616263", "red", "RED", "purple", "😀", "é", "A", "a", "a ", "a'b", "a%b", "127.0.0.1",
]


class Column:
    def __init__(self, name, declared, family, rows, literals, key="v"):
        self.name, self.declared, self.family, self.rows, self.literals, self.key = name, declared, family, rows, literals, key

    def __repr__(self):
        return self.name


def integer(name, declared, low, high, sqlite=False, top=None):
    rows = sorted({low, low + 1, 0, 1, 2, 10, 100, high - 1, high} | ({-1, -2} if low < 0 else set()))
    literals = [str(value) for value in (*rows, low - 1, high + 1, 3, 99)] + ["-0"]
    if top is not None:  # what a SQLite cell can hold
        rows = [min(value, top) for value in rows]
        rows = sorted(set(rows))
    return Column(name, declared, Integer(low, high, sqlite), rows, literals)


def integers(sqlite):
    found = []
    for word, bits in (("TINYINT", 8), ("SMALLINT", 16), ("MEDIUMINT", 24), ("INT", 32), ("BIGINT", 64)):
        found.append(integer(word.lower(), word, -2 ** (bits - 1), 2 ** (bits - 1) - 1, sqlite))
        found.append(integer(word.lower() + "_u", word + " UNSIGNED", 0, 2 ** bits - 1, sqlite, top=2 ** 63 - 1 if sqlite else None))
    return found


TEXTS = ["", "a", "A", "a ", " a", "b", "0", "1", "1abc", "null", "true", "é", "e", "ß", "ss", "a%b", "a_b", "a\\b", "a'b", "axb", "red"]
WIDE = ["😀", "💣", "☃"]
TEXT_LITERALS = TEXTS + ["E", "É", "%", "_", "abc", "B", "z", "Z", "é ", "S", "\\", "*", "?", "[", "aa", "'", '"', "long" * 20]


def text(name, declared, charset="utf8mb4", collation=None, characters=None, fixed=False, sqlite=False, key="v"):
    rows = TEXTS + (WIDE if charset == "utf8mb4" else ["ÿ"])
    return Column(name, declared, Text(characters, charset, collation, fixed, sqlite), rows, TEXT_LITERALS + WIDE, key)


def binary(name, declared, most=None, exactly=None, sqlite=False, key="v"):
    rows = [b"", b"\0", b"a", b"A", b"a ", b"ab", b"\xff\0", b"abc", b"\x01\x02\x03", b"0", b"1abc"[:4]]
    literals = ["\\x", "\\x00", "\\x61", "\\x41", "\\x6120", "\\xFF00", "\\xff00", "b64:", "b64:YQ==", "b64:AA==", "b64:YWJj", "\\x30",
                "\\x61000000", "\\x61626300", "\\x6", "\\xzz", "b64:YQ", "b64:YR==", "b64:Y Q=", "\\x00000000", "b64:/wA=", "\\x7a", "\\x0000", "\\x61" * 1]
    return Column(name, declared, Bytes(most, exactly, sqlite), rows if exactly is None else [row.ljust(exactly, b"\0") for row in rows[1:]], literals, key)


EXACT = ["-99999999.99", "-1.50", "-0.01", "0.00", "0.01", "1.00", "1.49", "1.50", "1.51", "12.34", "99999999.98", "99999999.99"]
EXACT_LITERALS = EXACT + ["1.5", "1.500", "1.501", "1.499", "1.4999999", "150e-2", "1.5E0", "15e-1", "99999999.995", "99999999.985", "100000000", "1e8",
                          "-0.001", "0.005", "0.009", "1e-9", "-1.505", "2", "1", "-99999999.999", "1e300"]
FLOATS = [0.0, 0.1, 0.2, 0.3, -0.1, 1.5, 16777216.0, 1e10, -1e-10, 3e38, 1e-38]
FLOAT_LITERALS = ["0.1", "0.10000000149011612", "0.10000000149011611", "0.3", "0.30000001192092896", "16777216", "16777217", "1e10", "3e38", "3.5e38",
                  "1e-38", "1e-50", "0.0", "-0.0", "1.5", "1.50000001", "-0.1", "1E1", "0.2", "0.2000000029802322", "-1e-10", "15e-1", "1e400"]
DOUBLES = [0.0, 0.1, 0.3, 0.30000000000000004, -1.5, 1e308, 5e-324, 9007199254740992.0, 9007199254740994.0, 1e-7, 1.5]
DOUBLE_LITERALS = ["0.1", "0.3", "0.30000000000000004", "0.300000000000000044", "0.29999999999999999", "9007199254740993", "9007199254740992", "1e308",
                   "1.8e308", "5e-324", "2e-324", "1e-400", "-1.5", "1.5", "15e-1", "0.0000001", "1E-7", "0", "-0.0", "1e309", "100000000000000000000"]
DAYS = ["0001-01-01", "1969-12-31", "1970-01-01", "2024-02-28", "2024-02-29", "2024-03-01", "2038-01-19", "9999-12-31"]
DAY_LITERALS = DAYS + ["2024-02-30", "2023-02-28", "1900-02-29", "2000-02-29", "0000-00-00", "0000-01-01", "2024-00-10", "2024-1-1", "20240229", "10000-01-01",
                       "2024-02-29 00:00:00", "2100-01-01", "1000-01-01", "-2024-01-01", "2024/02/29", "2024-02-27", "1999-12-31"]
MOMENTS = ["2024-02-29 12:34:56", "2024-02-29 12:34:57", "2024-02-29 00:00:00", "2024-02-28 23:59:59", "1999-12-31 23:59:59", "2000-01-01 00:00:00",
           "2024-02-29 10:34:56"]
FRACTIONS = ["2024-02-29 12:34:56.123456", "2024-02-29 12:34:56.123457", "2024-02-29 12:34:56.000001", "2024-02-29 12:34:56.5"]
MOMENT_LITERALS = MOMENTS + FRACTIONS + [
    "2024-02-29T12:34:56.1", "2024-02-29T12:34:56.0", "2024-02-29T12:34:56.000000", "2024-02-29T12:34:56.1234567", "2024-02-29 24:00:00",
    "2024-02-29 12:60:00", "2024-02-29 12:34:60", "2024-02-29 12:34", "2024-02-29T12:34:56.", "2024-02-29  12:34:56", "2024-02-29t12:34:56",
    "2024-02-29T14:34:56+02:00", "2024-02-29T10:34:56-02:00", "2024-02-29T12:34:56z", "2024-02-29T12:34:56+0200", "2024-02-29T12:34:56+15:00",
    "2024-02-29Z", "2024-03-01", "2024-02-28", "0000-00-00 00:00:00", "2024-02-30 00:00:00", "2001-01-01", "2010-06-15T08:00:00", "2020-06-15 08:00:00"]
CLOCKS = ["-838:59:59", "-00:00:01", "00:00:00", "00:00:01", "09:00:00", "12:34:56", "23:59:59", "24:00:00", "100:00:00", "838:59:59"]
CLOCK_FRACTIONS = ["838:59:59.999999", "12:34:56.123456", "12:34:56.123457", "-00:00:00.5", "00:00:00.000001"]
CLOCK_LITERALS = CLOCKS + CLOCK_FRACTIONS + ["-00:00:00", "12:34:56.0", "12:34:56.5", "12:34:56.1234567", "839:00:00", "-839:00:00", "838:59:59.5", "1:00:00", "12:34",
                                             "12:60:00", "12:00:60", "123456", "099:00:00", "99:00:00", "012:34:56", "11:00:00", "-01:00:00"]
UUIDS = ["00000000-0000-0000-0000-000000000000", "123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174001",
         "0f0e0d0c-1234-5678-9abc-def012345678", "ffffffff-ffff-ffff-ffff-ffffffffffff", "a0000000-0000-4000-8000-000000000000",
         "b0000000-0000-1000-8000-000000000000", "90000000-ffff-1fff-8000-000000000000"]
UUID_LITERALS = UUIDS + [value.upper() for value in UUIDS[1:6]] + ["123e4567e89b12d3a456426614174000", "{123e4567-e89b-12d3-a456-426614174000}",
                                                                  "123e4567-e89b-12d3-a456-42661417400", "123e4567-e89b-12d3-a456-42661417400g",
                                                                  "80000000-0000-0000-0000-000000000000", "123f0000-0000-0000-0000-000000000000",
                                                                  "c0000000-0000-4000-8000-000000000000", Uuid.NOT_KEPT, "11111111-1111-1111-1111-111111111111"]
MEMBERS = ["red", "green", "blue", "0", "1", "2", "a"]
DOCUMENTS = ["{}", "[]", "{\"a\": 1}", "[1, 2.5, null]", "\"text\"", "{\"😀\": [true]}"]


def mariadb_columns():
    columns = integers(False)
    columns.append(Column("tinyint_1", "TINYINT(1)", Boolean(), [0, 1, 2, -1, 127], ["0", "1", "true", "false", "TRUE", "2", "-1"]))
    columns.append(Column("boolean", "BOOLEAN", Boolean(), [0, 1], ["0", "1", "true", "false", "yes"]))
    for bits in (1, 8, 33, 64):
        top = 2 ** bits - 1
        values = sorted({0, 1, top // 2, top - 1, top})
        columns.append(Column(f"bit_{bits}", f"BIT({bits})", Bit(bits), values, [str(value) for value in (*values, top + 1, 2, 3)] + ["b'1'"]))
    columns.append(Column("decimal_10_2", "DECIMAL(10,2)", Exact(10, 2), [Decimal(value) for value in EXACT], EXACT_LITERALS))
    columns.append(Column("decimal_u", "DECIMAL(10,2) UNSIGNED", Exact(10, 2, unsigned=True), [Decimal(value) for value in EXACT[3:]], EXACT_LITERALS))
    columns.append(Column("decimal_5_0", "DECIMAL(5,0)", Exact(5, 0), [Decimal(value) for value in ("-99999", "-1", "0", "1", "2", "99998", "99999")],
                          ["99999", "99999.5", "99998.5", "100000", "-99999", "-99999.5", "1.0", "1.5", "0.5", "-0.5", "2", "1e0", "1e4", "12345", "-1", "0.0"]))
    wide = ["12345678901234567890123456789012345.123456789012345678901234567890", "12345678901234567890123456789012345.123456789012345678901234567891",
            "12345678901234567890123456789012345.123456789012345678901234567889", "-99999999999999999999999999999999999.999999999999999999999999999999",
            "0.000000000000000000000000000001", "0", "9007199254740993", "9007199254740992", "9007199254740994"]
    columns.append(Column("decimal_65_30", "DECIMAL(65,30)", Exact(65, 30), [Decimal(value) for value in wide],
                          wide + [wide[0] + "1", wide[0][:-1], "9007199254740993.0", "0.0000000000000000000000000000001", "1e-30", "1e34", "1e35", "-1e35", "9007199254740992.5", "1e64", "2", "3"]))
    columns.append(Column("float", "FLOAT", Single(), FLOATS, FLOAT_LITERALS))
    columns.append(Column("double", "DOUBLE", Double(), DOUBLES, DOUBLE_LITERALS))
    columns.append(Column("year", "YEAR", Integer(1901, 2155), [1901, 1970, 1999, 2000, 2023, 2024, 2155],
                          ["1901", "1900", "1970", "2000", "2023", "2024", "2155", "2156", "24", "70", "00", "1999", "2001", "2100", "1950", "0000"]))
    columns.append(Column("date", "DATE", Day(), DAYS, DAY_LITERALS))
    columns.append(Column("time", "TIME", Clock(0), CLOCKS, CLOCK_LITERALS))
    columns.append(Column("time_6", "TIME(6)", Clock(6), CLOCKS + CLOCK_FRACTIONS, CLOCK_LITERALS))
    columns.append(Column("datetime", "DATETIME", Moment(0), MOMENTS + ["0001-01-01 00:00:00", "9999-12-31 23:59:59"], MOMENT_LITERALS))
    columns.append(Column("datetime_6", "DATETIME(6)", Moment(6), MOMENTS + FRACTIONS, MOMENT_LITERALS))
    columns.append(Column("datetime_3", "DATETIME(3)", Moment(3), MOMENTS + ["2024-02-29 12:34:56.123", "2024-02-29 12:34:56.124"], MOMENT_LITERALS))
    columns.append(Column("timestamp", "TIMESTAMP NULL DEFAULT NULL", Moment(0, True), MOMENTS + ["1970-01-01 00:00:01", "2038-01-19 03:14:07"], MOMENT_LITERALS))
    columns.append(Column("timestamp_6", "TIMESTAMP(6) NULL DEFAULT NULL", Moment(6, True), MOMENTS + FRACTIONS, MOMENT_LITERALS))
    columns.append(Column("uuid", "UUID", Uuid(), UUIDS, UUID_LITERALS))
    columns.append(Column("inet4", "INET4", Address(4), ["0.0.0.0", "9.0.0.1", "10.0.0.1", "127.0.0.1", "192.168.0.1", "255.255.255.255"],
                          ["0.0.0.0", "9.0.0.1", "10.0.0.1", "100.0.0.1", "192.168.0.1", "255.255.255.255", "256.0.0.1", "1.2.3", "1.2.3.4.5", "1.2.3.4 ", "2.0.0.0",
                           "128.0.0.0", "11.0.0.0", "9.255.255.255", "200.0.0.0"]))
    columns.append(Column("inet6", "INET6", Address(6), ["::", "::1", "2001:db8::1", "2001:db8::2", "fe80::1", "ffff::"],
                          ["::", "::1", "0:0:0:0:0:0:0:1", "2001:DB8::1", "2001:db8::1", "2001:db8:0:0:0:0:0:2", "fe80::1", "ffff::", "1::2::3", "12345::", "g::",
                           "2002::", "::2", "a::", "2001:db8::3", "fe80::", "1::"]))
    columns.append(Column("enum", "ENUM('red','green','blue','0','1','2','a')", Member(MEMBERS), MEMBERS,
                          MEMBERS + ["3", "7", "Red", "red ", "yellow", "green", "blue", "2"]))
    columns.append(Column("set", "SET('red','green','blue','0','1','2','a')", Member(MEMBERS, True), ["", "red", "red,green", "green,blue", "1", "0,1", "a", "red,a"],
                          ["red,green", "green,red", "red", "a,red", "1", "0,1", "1,0", "0", "red,red", "red,", ",red", "red, green", "3", "8", "2,a", "blue", "green,blue"]))
    columns.append(text("char_10", "CHAR(10)", characters=10, fixed=True, collation="utf8mb4_general_ci"))
    columns.append(text("varchar", "VARCHAR(100)", characters=100, collation="utf8mb4_general_ci"))
    for collation in ("utf8mb4_bin", "utf8mb4_nopad_bin", "utf8mb4_unicode_ci", "utf8mb4_uca1400_ai_ci", "utf8mb4_uca1400_as_cs", "utf8mb4_unicode_nopad_ci"):
        columns.append(text(f"varchar_{collation[8:]}", f"VARCHAR(100) COLLATE {collation}", characters=100, collation=collation))
    columns.append(text("varchar_latin1", "VARCHAR(100) CHARACTER SET latin1", "latin1", "latin1_swedish_ci", 100))
    columns.append(text("varchar_latin1_bin", "VARCHAR(100) CHARACTER SET latin1 COLLATE latin1_bin", "latin1", "latin1_bin", 100))
    columns.append(text("varchar_utf8mb3", "VARCHAR(100) CHARACTER SET utf8mb3", "utf8mb3", "utf8mb3_general_ci", 100))
    for word in ("TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT"):
        columns.append(text(word.lower(), word, collation="utf8mb4_general_ci", key="v(20)"))
    columns.append(binary("binary_4", "BINARY(4)", exactly=4))
    columns.append(binary("varbinary", "VARBINARY(20)", 20))
    for word in ("TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB"):
        columns.append(binary(word.lower(), word, key="v(20)"))
    columns.append(Column("json", "JSON", Document(), DOCUMENTS, ["{\"a\":1}", "1", "\"text\"", "[1,2]"], key="v(20)"))
    columns.append(Column("geometry", "GEOMETRY", Shape(), [], ["POINT(1 1)"], key=None))
    return columns


def sqlite_columns():
    columns = integers(True)
    columns.append(integer("integer", "INTEGER", -2 ** 63, 2 ** 63 - 1, True))
    columns.append(Column("tinyint_1", "TINYINT(1)", Boolean(True), [0, 1, 2, -1], ["0", "1", "true", "false", "TRUE", "2", "-1"]))
    columns.append(Column("boolean", "BOOLEAN", Boolean(True), [0, 1], ["0", "1", "true", "false", "yes"]))
    columns.append(Column("bit_8", "BIT(8)", Bit(8, True), [0, 1, 127, 254, 255], ["0", "1", "127", "128", "254", "255", "256", "2", "3"]))
    columns.append(Column("decimal_10_2", "DECIMAL(10,2)", Exact(10, 2, True), [float(value) for value in EXACT], EXACT_LITERALS))
    columns.append(Column("numeric_15_5", "NUMERIC(15,5)", Exact(15, 5, True), [0, 1, -1, 1.5, 1.50001, 1.49999, 1234567890.12345, 1234567890.12346, 9999999999.99999, 1000],
                          ["1.50001", "1.500001", "1.50002", "1.49999", "1.5", "1234567890.12345", "1234567890.12346", "1234567890.123455", "9999999999.99999",
                           "10000000000", "1e3", "1000", "1000.0", "0.00001", "-1", "-1.00001", "0.0", "2", "1e-5", "1e10", "100e1", "1.499995"]))
    columns.append(Column("float", "FLOAT", Single(True), FLOATS, FLOAT_LITERALS))
    columns.append(Column("double", "DOUBLE", Double(True), DOUBLES, DOUBLE_LITERALS))
    columns.append(Column("real", "REAL", Double(True), DOUBLES, DOUBLE_LITERALS))
    columns.append(Column("year", "YEAR", Integer(1901, 2155, True), [1901, 1970, 2000, 2024, 2155],
                          ["1901", "1900", "1970", "2000", "2023", "2024", "2155", "2156", "24", "1999", "2001", "2100", "1950", "0000"]))
    columns.append(Column("date", "DATE", Day(True), DAYS, DAY_LITERALS))
    columns.append(Column("time", "TIME", Clock(0, True), CLOCKS, CLOCK_LITERALS))
    columns.append(Column("time_6", "TIME(6)", Clock(6, True), CLOCKS + CLOCK_FRACTIONS, CLOCK_LITERALS))
    columns.append(Column("datetime", "DATETIME", Moment(0, False, True), MOMENTS, MOMENT_LITERALS))
    columns.append(Column("datetime_6", "DATETIME(6)", Moment(6, False, True), MOMENTS + FRACTIONS[:3], MOMENT_LITERALS))
    columns.append(Column("timestamp", "TIMESTAMP", Moment(0, True, True), MOMENTS, MOMENT_LITERALS))
    columns.append(Column("timestamp_6", "TIMESTAMP(6)", Moment(6, True, True), MOMENTS + FRACTIONS[:3], MOMENT_LITERALS))
    columns.append(Column("uuid", "UUID", Uuid(True), UUIDS, UUID_LITERALS))
    columns.append(text("char_10", "CHAR(10)", characters=10, fixed=True, collation="BINARY", sqlite=True))
    columns.append(text("varchar", "VARCHAR(100)", characters=100, collation="BINARY", sqlite=True))
    columns.append(text("varchar_nocase", "VARCHAR(100) COLLATE NOCASE", characters=100, collation="NOCASE", sqlite=True))
    columns.append(text("varchar_rtrim", "VARCHAR(100) COLLATE RTRIM", characters=100, collation="RTRIM", sqlite=True))
    columns.append(text("text", "TEXT", collation="BINARY", sqlite=True))
    columns.append(binary("blob", "BLOB", sqlite=True))
    columns.append(binary("varbinary", "VARBINARY(20)", 20, sqlite=True))
    columns.append(binary("binary_4", "BINARY(4)", exactly=4, sqlite=True))
    columns.append(Column("json", "JSON", Document(True), ["{}", "[]", "{\"a\": 1}", "\"text\""], ["{\"a\":1}", "\"text\"", "[1,2]"]))
    return columns


# Cells of another storage class, by the class that the column's type asks for: no comparison may match them.
STRAYS = {"integer": ["abc", 1.5, b"1"], "real": ["abc", b"1.5"], "text": [b"a", b"2024-02-29"], "blob": ["a", 1]}
