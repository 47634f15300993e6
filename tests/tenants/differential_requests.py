"""Random requests of the suite `differential`, as templates: MARK stands for a word that is in every name, id and text of one side, NUMBER for
the digits that its row ids begin with, KEY_ID for the id of an API key. Filled in for A and for nobody, a template makes two requests of one shape.
"""
import base64
import hashlib
import hmac
import json
import re
import time

from lib.gateway import BASE, LONG_BASE, encode

MARK, NUMBER, KEY_ID = "QMARKQ", "QNUMBERQ", "QKEYQ"
SECRET = "a secret of more than thirty-two bytes"
ISSUER, AUDIENCE = "https://issuer.example", "rowgate"
IDENTITY_HEADERS = ("X-Org-Id", "X-Project-Id", "X-Space-Id", "X-User-Id", "X-User-Roles")
COLUMNS = ("id", "name", "secret", "owner", "n", "price", "at", "note")
NUMBERS = ("id", "n")
ROWS, REFERRED = 20, 4  # rows of items; the first of them are referred to by parts


class Side:
    """Whose things a template is about: A's, B's, or nobody's."""

    def __init__(self, name, numbers, letters, digits):
        self.name, self.digits = name, digits
        self.mark = "".join(numbers.choice(letters) for _ in range(8))
        self.hidden = "".join(numbers.choice(letters + "345") for _ in range(14)) + "9"  # in A's rows only: no request ever says it
        self.key_id = "".join(numbers.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(8))

    def fill(self, text):
        text = text.replace(MARK, self.mark).replace(NUMBER, self.digits)
        if KEY_ID in text:
            text = re.sub(KEY_ID + "_([A-Za-z0-9_-]{43})", self._key, text)
        return re.sub(r"\[pct:(.*?)\]", lambda found: percents(found[1]), text)

    def _key(self, found):
        """With a good checksum, so that it is looked for."""
        key = f"rg_{self.key_id}_{found[1]}"
        digest = int.from_bytes(hashlib.sha256(b"rowgate key checksum " + key.encode()).digest()[:4], "big") >> 2
        return key + "".join("abcdefghijklmnopqrstuvwxyz234567"[digest >> shift & 31] for shift in (25, 20, 15, 10, 5, 0))

    def forget(self, text):
        """`text` without what tells the sides apart, where an answer repeats what was asked."""
        for form in (self.mark, self.mark.upper(), percents(self.mark), self.digits, self.key_id):
            text = text.replace(form.encode(), f"<{len(form)}>".encode())
        return text

    def rows(self):
        return [{"id": int(f"{self.digits}{k:03}"), "name": f"val-{self.mark}-{k:03}", "secret": f"{self.hidden}-{k}", "owner": f"oid-{self.mark}",
                 "n": None if k % 6 == 0 else k % 7, "price": k * 1.25, "at": f"2026-01-{k:02} 08:30:00",
                 "note": None if k % 5 == 0 else f"note {self.mark} {k}"}
                for k in range(1, ROWS + 1)]


def percents(text):
    return "".join(f"%{byte:02X}" for byte in text.encode())


def names_of(mark):
    """org, project, project's id, space; the shared ones are the same in both organizations."""
    return {"org": f"org-{mark}", "org_id": f"oid-{mark}", "own": (f"prj-{mark}", f"pid-{mark}", f"sid-{mark}"),
            "shared": ("demo", "project-1", "space-1")}


def token(claims, secret=SECRET, header=None):
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header or {"alg": "HS256"}, claims)]
    text = b".".join(parts)
    return (text + b"." + base64.urlsafe_b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).rstrip(b"=")).decode()


class Template:
    """One request before MARK, NUMBER and KEY_ID are filled in."""

    def __init__(self, verb):
        self.verb, self.target, self.headers, self.body, self.claims, self.signed = verb, "", [], None, None, {}
        self.kind = "ms"
        self.conditions = None  # those of a request that is valid and B's own: what it touches is then known
        self.select, self.count, self.limit, self.offset, self.writes = COLUMNS, 0, None, 0, {}

    def is_of_two(self):
        return any(word in text for word in (MARK, NUMBER, KEY_ID) for text in
                   [self.target, repr(self.headers), repr(self.body), repr(self.claims)])


class Maker:
    """Random templates."""

    def __init__(self, numbers, b, keys):
        self.numbers, self.b, self.keys = numbers, b, keys
        self.serial = 100

    def pick(self, *choices):
        return self.numbers.choice(choices)

    def likely(self, share):
        return self.numbers.random() < share

    def make(self):
        template = Template(self.pick("GET", "GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
        is_foreign = self.likely(0.25)
        is_two = is_foreign or self.likely(0.6)
        self.word = (lambda: self.pick(MARK, self.b.mark)) if is_two else (lambda: self.b.mark)
        self.digits = (lambda: self.pick(NUMBER, NUMBER, self.b.digits)) if is_two else (lambda: self.b.digits)
        is_known = self.identity(template, is_foreign)
        if not is_known:
            self.odd(template)
        elif self.likely(0.7):
            self.plain(template)
        elif self.likely(0.7):
            self.one_oddity(template)
        else:
            self.odd(template)
        return template

    # Who asks, and for which tenant.

    def slots(self, is_foreign, is_claim):
        """The names in the path and the ids: B's, or with something of the other side's; never all of the other side's, who would be A."""
        own, other = names_of(self.b.mark), names_of(MARK)
        project = self.pick("own", "own", "shared")
        path, ids = [own["org"], own[project][0]], [own["org_id"], own[project][1], own[project][2]]
        if not is_foreign:
            return path, ids, project
        for _ in range(20):
            which = self.pick("own", "own", "shared")
            path = [self.pick(own["org"], other["org"], other["org"]), self.pick(own[project][0], other[which][0])]
            ids = [own["org_id"], own[project][1], own[project][2]]
            if is_claim and self.likely(0.7):
                ids = [self.pick(own["org_id"], own["org_id"], other["org_id"]), self.pick(own[project][1], other[which][1]),
                       self.pick(own[project][2], other[which][2])]
            is_a = [path[0], ids[0]] == [other["org"], other["org_id"]] and tuple(path[1:] + ids[1:]) in (other["own"], other["shared"])
            if MARK in repr((path, ids)) and not is_a:
                return path, ids, project
        return [other["org"], other["own"][0]], [own["org_id"], own["own"][1], own["own"][2]], project

    def identity(self, template, is_foreign):
        """Whether the caller is known, and B. Sets headers and the path to the project."""
        modes = ["headers", "jwt", "key"]
        mode = self.pick(*modes, *modes, "false") if is_foreign or self.likely(0.1) else self.pick(*modes)
        path, ids, project = self.slots(is_foreign, mode in ("headers", "jwt"))
        self.path = path
        user, roles = f"usr-{self.b.mark}", ["users"]
        if self.likely(0.1):
            roles = self.pick([f"role-{self.b.mark}"], ["users", f"role-{self.word()}"], ["mine", "users"])
        if is_foreign and self.likely(0.3):
            user, roles = f"usr-{MARK}", [f"role-{MARK}", "users"]
        said = list(zip(IDENTITY_HEADERS, [*ids, user, ",".join(roles)]))
        claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) // 1000 * 1000 + 86400, "org_id": ids[0], "project_id": ids[1],
                  "space_id": ids[2], "sub": user, "roles": roles}
        if mode == "headers":
            template.headers = said
        elif mode == "jwt":
            template.claims = claims
        elif mode == "key":
            key = self.keys["shared" if project == "shared" else "own"]
            template.headers = self.pick([("X-API-Key", key)], [("Authorization", f"Bearer {key}")])
        else:
            self.false_identity(template, said, claims)
            return False
        if mode != "headers" and (is_foreign and self.likely(0.4)):
            foreign = [f"oid-{MARK}", f"pid-{MARK}", f"sid-{MARK}", f"usr-{MARK}", f"role-{MARK}"]
            template.headers = template.headers + self.numbers.sample(list(zip(IDENTITY_HEADERS, foreign)), self.numbers.randint(1, 5))
        elif mode != "headers" and self.likely(0.1):
            template.headers = template.headers + said[:3]
        return not is_foreign

    def false_identity(self, template, said, claims):
        """Credentials that are forged, stolen, broken or too many; headers that are missing, twice, odd."""
        mark = self.word()
        foreign = {**claims, "org_id": f"oid-{mark}", "project_id": f"pid-{mark}", "space_id": f"sid-{mark}", "sub": f"usr-{mark}",
            "roles": [f"role-{mark}"]}
        key = f"{KEY_ID}_" + "".join(self.numbers.choice("abcXYZ019-_") for _ in range(43))
        way = self.numbers.randrange(9)
        if way == 0:
            template.claims = foreign
            template.signed = {"secret": "another secret of more than thirty-two bytes", "header": {"alg": "HS256", **self.pick({},
                {"kid": f"../{mark}"})}}
        elif way == 1:
            template.claims, template.signed = foreign, {"header": self.pick({"alg": "none"}, {"alg": "RS256", "kid": f"oid-{mark}"})}
        elif way == 2:
            template.claims = {**foreign, "exp": 1}
        elif way == 3:
            template.headers = self.pick([("X-API-Key", key)], [("Authorization", f"Bearer {key}")], [("X-API-Key", key[:-1] + "/")])
        elif way == 4:
            template.headers = [("X-API-Key", key), ("Authorization", f"Bearer {self.keys['own']}")] + said
        elif way == 5:
            template.headers = self.numbers.sample(said, self.numbers.randint(0, 4))
        elif way == 6:
            at = self.numbers.randrange(5)
            template.headers = said[:at] + [(said[at][0], self.pick("", said[at][1] + "x" * 300, f"oid-{mark}", said[at][1].upper()))] + said[at:]
        elif way == 7:
            at = self.numbers.randrange(5)
            template.headers = said[:at] + [(said[at][0], self.pick("", "x" * 300, said[at][1].upper(), f"{said[at][1]},"))] + said[at + 1:]
            if self.path[0] == f"org-{MARK}":
                template.headers = template.headers[:at]  # a role with a comma more is the same role
        else:
            template.headers = [("Authorization", self.pick(f"Basic {mark}", "Bearer", f"Bearer {mark}", f"Bearer rg_{mark}"))]

    def address(self, template, table, database=None, tail=""):
        template.kind = self.pick("ms", "sl")
        if database is None:
            database = self.pick("main", "main", f"db_{self.b.mark}")
        segments = [*self.path, template.kind, database] + ([table] if table is not None else [])
        if self.likely(0.1):
            at = self.numbers.randrange(len(segments))
            segments[at] = f"[pct:{segments[at]}]"
        return self.pick(BASE, BASE, BASE, LONG_BASE) + "/" + "/".join(segments) + tail

    # B's own rows: what comes is known.

    def condition(self):
        column = self.pick("id", "id", "id", "name", "name", "n", "note", "owner", "secret")
        number = lambda: f"{self.digits()}{self.numbers.randint(1, ROWS + 2):03}" if column == "id" else str(self.numbers.randint(0, 7))  # noqa: E731
        texts = {"name": lambda: f"val-{self.word()}-{self.numbers.randint(1, ROWS + 2):03}",
            "note": lambda: f"note {self.word()} {self.numbers.randint(1, ROWS)}",
                 "owner": lambda: f"oid-{self.word()}", "secret": lambda: f"{self.word()}-{self.numbers.randint(1, 9)}"}
        one = number if column in NUMBERS else texts[column]
        operator = self.pick("eq", "eq", "ne", "lt", "gt", "le", "ge", "bw", "in", "nin", "is.null", "not.is.null",
                             *(("li", "rli", "lli") if column not in NUMBERS else ()))
        if operator in ("is.null", "not.is.null"):
            return (column, operator, []) if column in ("n", "note") else (column, "eq", [one()])
        count = {"bw": 2, "in": self.numbers.randint(1, 5), "nin": self.numbers.randint(1, 5)}.get(operator, 1)
        return (column, operator, [one()[:None if operator != "rli" else 20] for _ in range(count)])

    @staticmethod
    def written(condition):
        column, operator, values = condition
        return f"{column}={operator}" + ("." + ",".join(encode(value) for value in values) if values else "")

    def plain(self, template):
        verb, pick = template.verb, self.pick
        if verb in ("GET", "HEAD", "OPTIONS") and self.likely(0.15):
            template.target = self.address(template, pick(None, f"tbl_{self.b.mark}", "seen", "parts", "log"))
            return
        if verb == "POST" and self.likely(0.1) and not template.is_of_two():  # asked twice, it would give two ids
            template.target, template.body = self.address(template, "log"), {"note": f"note {self.b.mark}"}
            return
        conditions = [self.condition() for _ in range(self.numbers.choice((0, 1, 1, 1, 2, 3)))]
        parts = []
        if verb in ("PUT", "PATCH", "DELETE"):
            conditions = conditions or [self.condition()]
            if self.likely(0.6):  # within what no part refers to
                conditions.append(("id", "gt", [f"{self.b.digits}{REFERRED:03}"]))
        if verb == "POST":
            conditions = []
        if verb in ("GET", "HEAD"):
            if self.likely(0.4):
                template.select = tuple(self.numbers.sample(COLUMNS, self.numbers.randint(1, len(COLUMNS))))
                parts.append("select=" + ",".join(template.select))
            if self.likely(0.4):
                template.limit, template.offset = self.numbers.randint(0, 8), self.numbers.choice((0, 0, 1, 3, 30))
                parts += [f"limit={template.limit}", f"offset={template.offset}", "order=" + pick("id", "id.asc", "id,n.desc")]
            elif self.likely(0.3):
                parts.append("order=" + pick("id", "n.desc,id", "name", "note.asc,id.desc"))
        parts += [self.written(one) for one in conditions]
        self.numbers.shuffle(parts)
        template.conditions = conditions
        if verb in ("PUT", "PATCH"):
            template.writes = {"note": f"note {self.word()} {self.numbers.randint(100, 999)}"}
            if self.likely(0.5):
                template.writes["n"] = self.numbers.randint(0, 9)
            template.body = template.writes
        elif verb == "POST":
            rows = []
            for _ in range(pick(1, 1, 2, 3)):
                self.serial = self.serial % 800 + 100
                while any(row["id"].endswith(f"{self.serial:03}") for row in rows):
                    self.serial += 1
                rows.append({"id": f"{self.digits()}{self.serial:03}", "name": f"val-{self.word()}-{self.serial}", "owner": f"oid-{self.word()}",
                             **({"n": self.numbers.randint(0, 9)} if self.likely(0.5) else {})})
                self.serial += self.numbers.randint(1, 3)
            template.count, template.body = len(rows), rows if len(rows) > 1 or self.likely(0.2) else rows[0]
        template.target = self.address(template, "items") + ("?" + "&".join(parts) if parts else "")
        if self.likely(0.1):
            template.headers = template.headers + [pick(("X-Request-Id", self.b.mark), ("Accept", "application/json"), ("Origin",
                f"https://app-{self.b.mark}.example"),
                                                        ("Origin", f"https://app-{self.word()}.example"), ("Prefer", "handling=strict"), ("Cookie",
                                                        f"org=org-{self.word()}"))]

    # Anything: answers are compared with each other alone.

    def one_oddity(self, template):
        """All is well but one thing, so that the request comes as far as that one."""
        takes_body = template.verb in ("POST", "PUT", "PATCH")
        parts = [] if template.verb == "POST" else [self.written(self.condition())]
        which = self.pick("part", "header", *(["body"] * 2 if takes_body else []))
        if which == "part":
            parts.append(self.odd_part())
        if takes_body:
            template.body = self.odd_body() if which == "body" else {"note": f"note {self.word()}"}
        template.target = self.address(template, "items") + ("?" + "&".join(parts) if parts else "")
        if which == "header":
            template.headers = template.headers + [self.odd_header()]

    def odd(self, template):
        verb, pick, word, digits = template.verb, self.pick, self.word, self.digits
        table = pick(*["items"] * 12, f"tbl_{word()}", f"tbl_{word()}", "seen", "parts", "log", None, f"items_{word()}", f"[pct:tbl_{word()}]",
                     "Items")
        if verb == "POST" and table == "log":
            table = "parts"
        database = pick(*[None] * 9, f"db_{word()}", f"main_{word()}", "MAIN")
        tail = pick(*[""] * 30, "/", f"/{digits()}003", f"/{word()}/{word()}", "//", "/.", f"/../{'tbl_' + word()}", "/%2e%2e", "/%zz", "/%00")
        template.target = self.address(template, table, database, tail)
        if self.likely(0.03):
            template.target = pick(f"/{word()}", f"/v2/org-{word()}", f"{BASE}/org-{word()}", f"{BASE}/org-{word()}//items",
                                   f"http://org-{word()}.example{template.target}",
                                   f"/livez?{word()}", f"/.well-known/oauth-protected-resource/{word()}", f"/readyz?org-{word()}",
                                   f"/metrics/{word()}")
        parts = [self.odd_part() if self.likely(0.45) else self.written(self.condition()) for _ in range(self.numbers.choice((0, 1, 1, 2, 3)))]
        if parts:
            template.target += "?" + "&".join(parts)
        if verb in ("POST", "PUT", "PATCH") or self.likely(0.05):
            template.body = self.odd_body()
        for _ in range(self.numbers.choice((0, 0, 0, 1, 2))):
            template.headers = template.headers + [self.odd_header()]
        if verb == "OPTIONS" and self.likely(0.4):
            template.headers = template.headers + [("Access-Control-Request-Method", pick(*"GET POST DELETE".split(), word()))]
            if self.likely(0.5):
                template.headers = [one for one in template.headers if one[0].startswith("Access")]
            template.headers = template.headers + [self.origin()]

    def origin(self):
        """A page of A's own is told apart from others at A's address: that is what its list of origins is for."""
        return ("Origin", f"https://app-{self.b.mark if MARK in self.path[0] else self.word()}.example")

    def odd_part(self):
        pick, word, digits = self.pick, self.word, self.digits
        name = f"col_{word()}"
        return pick(f"{name}=eq.1", f"select={name}", f"select=id,{name}", f"order={name}.desc", f"\"{name}\"=is.null", f"items.{name}=eq.1",
                    f"_{word()}=1",
                    f"id=eq.{word()}", f"id=foo.{digits()}001", f"id={digits()}001", f"id=in.{digits()}001,,{digits()}002",
                    f"id=bw.{digits()}001.{digits()}020",
                    f"id=bw.{digits()}001", f"id=not.eq.{digits()}001", f"id=in.{digits()}001,{word()}", f"ids={digits()}001,{digits()}002",
                    f"or=(id.eq.{digits()}001,n.eq.1)",
                    f"and=(name.eq.{word()})", f"confirm={word()}", f"on_conflict={name}", f"limit={word()}", "limit=-1", "limit=1&limit=1",
                    f"offset={digits()}001",
                    "limit=100000", f"select={name}:id", "select=*", f"select=tbl_{word()}(id)", "select=id,id", "order=id.down",
                    f"order={word()}.id", f"name=li.{word()}",
                    "name=li.", f"name=in.\"val-{word()}-001\",x", f"name=in.\"{word()}", f"price=eq.{digits()}001.5", f"price=lt.{word()}",
                    f"at=gt.{digits()}", "at=ge.2026-01-03",
                    f"note=is.{word()}", f"na%6De=eq.val-{word()}-001", f"name=eq.[pct:val-{word()}-001]", "name=eq.%zz", "name=eq.%FF",
                    f"=eq.{word()}", f"{word()}",
                    f"secret=rli.{word()}", f"X-Org-Id=eq.oid-{word()}", f"org=org-{word()}", f"note=eq.{word() * 20}",
                    f"id=eq.{digits()}0010000000000000",
                    f"name=eq.' OR owner='oid-{word()}'--".replace(" ", "+"), f"having={word()}", f"_deleted={word()}", f"columns={name}",
                    "id=in." + ",".join([f"{digits()}001"] * 3))

    def odd_body(self):
        pick, word, digits = self.pick, self.word, self.digits
        identity = f"{digits()}{self.numbers.randint(1, ROWS):03}"
        return pick({"id": identity, "name": f"val-{word()}-001"}, {"id": identity, "item": identity}, {"id": "7", "item": identity, "note": word()},
                    {"note": word()},
                    {"name": f"val-{word()}-001"}, {"id": identity}, {f"col_{word()}": word()}, {"note": word(), f"col_{word()}": None},
                    [{"id": identity, "name": word()}, {"id": identity, "name": word() + "2"}],
                    [{"id": "800", "name": word()}, {"id": "801", f"col_{word()}": 1}], [], {}, [[]], None, {"id": word()}, {"name": {"a": word()}},
                    {"n": word()}, {"name": None}, {"note": word() * 20},
                    {"owner": f"oid-{word()}", "id": "802", "name": word()}, f"{{\"note\": \"{word()}",
                    f"{{\"note\": \"{word()}\", \"note\": \"x\"}}", f"{word()}", "", f"\"{word()}\"", "[" * 70, {"id": None, "name": word()},
                    {"at": "2026-02-30"}, {"price": identity}, {"price": "1.234"}, {"note": "\\u0000" + word()})

    def odd_header(self):
        pick, word, digits = self.pick, self.word, self.digits
        return pick(("Prefer", "numbers=string"), ("Prefer", f"return={word()}"), ("Prefer", f"max-affected={digits()}"), ("Prefer", f"\"{word()}"),
                    ("Accept", "text/html"), ("Accept", f"application/{word()}"),
                    ("If-Match", f"\"{word()}\""), ("If-None-Match", f"\"{word()}\""), ("Idempotency-Key", word()), ("X-Delete-Token", word()),
                    ("X-Hard-Delete", "true"), ("Content-Type", f"text/{word()}"),
                    ("Content-Type", "application/merge-patch+json"), ("Content-Encoding", word()), ("X-Forwarded-For", "10.0.0.1"),
                    ("Forwarded", f"for={word()}"), ("Host", f"org-{word()}.example"),
                    ("X-Original-URL", f"{BASE}/org-{word()}/demo/ms/main/items"), ("X-HTTP-Method-Override", "DELETE"),
                    ("X-Forwarded-User", f"usr-{word()}"), ("Cookie", f"space=sid-{word()}"),
                    ("Range", "rows=0-5"), ("Expect", f"{word()}"), ("X-Request-Id", word()), ("Referer", f"https://app-{word()}.example/"),
                    ("X-Tenant", f"org-{word()}"), self.origin())


INTEGER = re.compile(rf'"((?:{NUMBER}\d{{3}}|\d+))"')


def text_of(body):
    """JSON; row ids are numbers there. A text goes out as it is."""
    return body if isinstance(body, str) else re.sub(INTEGER, r"\1", json.dumps(body))
