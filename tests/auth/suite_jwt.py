"""Identity by JWT: good tokens of an independent library pass, every bad one is the same 401, keys rotate without a failed request, and an
issuer that is down, slow or mad costs nobody anything."""
import hashlib
import json
import os
import socket
import subprocess
import threading
import time

from issuer import AUDIENCE, ISSUER, Server, Signer, by_hand, claims, decode, encode
from lib import places
from lib.client import Broken, audit
from lib.direct import small_table
from lib.gateway import IDENTITY, Gateway, free_port, grant, sqlite_database, table_path, tenant
from lib.report import Report, short

ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
SECRET = "a secret of more than thirty-two bytes"
TARGET = table_path("sl", "t") + "?id=eq.1"
INVALID = 'Bearer error="invalid_token"'


class Lab:
    """What every part needs: the signer with one key of each algorithm, a database, gateways by their settings."""

    def __init__(self, context, report):
        self.context, self.report = context, report
        self.folder = places.scratch("jwt")
        path = os.path.join(self.folder, "main.sqlite")
        small_table(path).close()
        self.databases = [sqlite_database(path, grants=[grant("admin", ["*"]), grant("reader", ["t"], ["GET"])])]
        self.signer = Signer()
        self.keys = {name: self.signer.key(name, kid=name.lower()) for name in ASYMMETRIC}
        self.secret = self.signer.key("HS256", secret=SECRET)
        self.write("secret", SECRET + "\n")
        self.write_keys("jwks.json", self.signer.key_set(*self.keys.values()))

    def write(self, name, text):
        """Into place by a rename, as an editor does."""
        with open(os.path.join(self.folder, name + ".new"), "w", encoding="utf-8") as out:
            out.write(text)
        os.rename(os.path.join(self.folder, name + ".new"), os.path.join(self.folder, name))

    def write_keys(self, name, document):
        self.write(name, json.dumps(document))

    def file(self, name):
        return os.path.join(self.folder, name)

    def gateway(self, auth, **sections):
        settings = {"auth": {"modes": ["jwt"], "jwt_issuer": ISSUER, "jwt_audiences": [AUDIENCE], **auth}, **sections}
        return Gateway(self.context.preset, [tenant(self.databases)], settings)

    def by_file(self, auth=None, **sections):
        return self.gateway({"jwks_file": self.file("jwks.json"), "jwt_secret_file": self.file("secret"), **(auth or {})}, **sections)

    def ask(self, client, token, status, why, headers=(), method="GET", code=None):
        sent = ([("Authorization", f"Bearer {token}")] if token is not None else []) + list(headers)
        answer = client.request(method, TARGET, headers=sent, identity=False)
        self.report.check(answer.status == status and (code is None or answer.problem().get("code") == code),
                          f"{why}: got {answer}, wanted {status} {code or ''}")
        wrong = audit(answer, method)
        self.report.check(not wrong, f"{why}: {wrong}")
        return answer

    def close(self):
        self.signer.close()
        places.remove(self.folder)


def run(context):
    report = Report("jwt")
    lab = Lab(context, report)
    try:
        for part in (good, agreement, missing, bad, several_modes, metadata, files_change, rotation, issuer_fails, cool_down_by_default, issuer_absent,
                     faulty_settings):
            part(lab, report)
    finally:
        lab.close()
    return report


def good(lab, report):
    gateway = lab.by_file().start()
    client = gateway.client(identity=False)
    for name, key in lab.keys.items():
        token = lab.signer.token(key, header={"kid": name.lower()})
        for turn in ("first", "from the cache"):
            answer = lab.ask(client, token, 200, f"{name}, {turn}")
            report.equal(answer.body, b'[{"id":1,"v":1}]', name)
        lab.ask(client, lab.signer.token(key), 200, f"{name} without kid")
        lab.ask(client, lab.signer.token(key, header={"kid": name.lower(), "typ": "at+jwt"}), 200, f"{name} at+jwt")
    lab.ask(client, lab.signer.token(lab.secret), 200, "HS256")
    lab.ask(client, lab.signer.token(lab.secret, header={"kid": "any", "typ": "JWT"}), 200, "HS256 with a kid")
    token = lab.signer.token(lab.keys["ES256"], claims(aud=["x", AUDIENCE], roles="nobody admin", sub=7))
    lab.ask(client, token, 200, "aud an array, roles a text, sub a number")
    lab.ask(client, lab.signer.token(lab.secret, claims(roles=["nobody"])), 404, "roles that no grant names", code="table_unknown")
    lab.ask(client, lab.signer.token(lab.secret, claims(roles=["reader"])), 403, "a role without the verb", method="DELETE", code="forbidden")
    for claim in ("org_id", "project_id", "space_id"):
        lab.ask(client, lab.signer.token(lab.secret, claims(**{claim: "other"})), 403, f"{claim} of another tenant", code="tenant_mismatch")
    # It expires while it is in the cache.
    soon = lab.signer.token(lab.secret, claims(exp=int(time.time()) - 28))
    lab.ask(client, soon, 200, "within the leeway")
    time.sleep(3.2)
    lab.ask(client, soon, 401, "expired in the cache", code="credential_invalid")
    gateway.destroy(report)


def agreement(lab, report):
    gateway = lab.by_file().start()
    client = gateway.client(identity=False)
    token = lab.signer.token(lab.secret)
    lab.ask(client, token, 200, "all five headers agree", headers=IDENTITY)
    for name, value in IDENTITY:
        lab.ask(client, token, 200, f"{name} agrees", headers=[(name, value)])
        for other in ("other", "", value.upper() + "x"):
            lab.ask(client, token, 403, f"{name}: {other!r}", headers=[(name, other)], code="identity_mismatch")
        lab.ask(client, token, 403, f"{name} twice", headers=[(name, value), (name, value)], code="identity_mismatch")
    lab.ask(client, token, 200, "some of the roles", headers=[("X-User-Roles", "users")])
    lab.ask(client, token, 403, "one role too many", headers=[("X-User-Roles", "users, root")], code="identity_mismatch")
    reader = lab.signer.token(lab.secret, claims(roles=["reader"]))
    lab.ask(client, reader, 403, "a header gives no role", headers=[("X-User-Roles", "reader,admin")], method="DELETE", code="identity_mismatch")
    gateway.destroy(report)


def missing(lab, report):
    gateway = lab.by_file().start()
    client = gateway.client(identity=False)
    for headers, why in (([], "nothing"), (IDENTITY, "X- headers alone"), ([("Authorization", "Basic dTpw")], "Basic"),
                         ([("Authorization", "Bearers x")], "another scheme"), ([("X-API-Key", "rg_x")], "a key where keys are no mode")):
        answer = lab.ask(client, None, 401, why, headers=headers, code="identity_missing")
        report.equal(answer.header("WWW-Authenticate"), 'Bearer realm="rowgate"', why)
    token = lab.signer.token(lab.secret)
    answer = lab.ask(client, token, 400, "two tokens", headers=[("authorization", f"Bearer {token}")], code="request_malformed")
    report.equal(answer.header("WWW-Authenticate"), 'Bearer error="invalid_request"', "two tokens")
    for scheme in ("bearer", "BEARER"):
        lab.ask(client, None, 200, scheme, headers=[("Authorization", f"{scheme} {token}")])
    # A token in the query is a column of that name, and no identity.
    report.equal(client.request("GET", TARGET + "&access_token=" + token, identity=False).status, 401, "a token in the query")
    gateway.destroy(report)


def forged(lab):
    """Every bad token with its name."""
    signer, es, rs, secret = lab.signer, lab.keys["ES256"], lab.keys["RS256"], lab.secret
    now = int(time.time())
    public = signer.key_set(rs)["keys"][0]
    pem = subprocess.run(["node", "-e", "process.stdout.write(require('crypto').createPublicKey({key: JSON.parse(process.argv[1]), format: 'jwk'})"
                          ".export({type: 'spki', format: 'pem'}))", json.dumps(public)], stdout=subprocess.PIPE, check=True).stdout
    stranger = {name: signer.key(name, kid=name.lower()) for name in ("RS256", "ES256", "EdDSA")}
    good_token = signer.token(es, header={"kid": "es256"})
    head, body, signature = good_token.split(".")
    raw = decode(signature)
    hs = signer.token(secret)

    def with_header(header):
        return by_hand(header, claims(), SECRET.encode())

    yield from [(f"claim {claim} = {value!r}", signer.token(secret, claims(**{claim: value}))) for claim, value in (
        ("exp", None), ("exp", now - 31), ("exp", 0), ("exp", -1), ("exp", "soon"), ("exp", str(now + 600)), ("exp", True), ("exp", [now + 600]),
        ("nbf", now + 120), ("nbf", "x"), ("iat", now + 120), ("iat", {}), ("iss", None), ("iss", "https://evil.example"), ("iss", ISSUER + "/"),
        ("iss", [ISSUER]), ("iss", ISSUER.upper()), ("aud", None), ("aud", "other"), ("aud", []), ("aud", ["x", "y"]), ("aud", {}), ("aud", AUDIENCE + "x"),
        ("org_id", None), ("org_id", ""), ("org_id", ["org-1"]), ("org_id", 1.5), ("project_id", None), ("space_id", {}), ("sub", None), ("sub", "a\nb"),
        ("sub", "a\0b"), ("sub", "x" * 257), ("roles", None), ("roles", []), ("roles", ""), ("roles", ["admin", 7]), ("roles", {"admin": True}))]
    for alg in ("none", "None", "NONE", "nOnE", "", "HS512", "HS384", "RSA1_5", "ES512", "ES256K", "hs256", None, 7, ["HS256"]):
        yield f"alg {alg!r}", with_header({"alg": alg})
        yield f"alg {alg!r} unsigned", encode({"alg": alg}) + "." + encode(claims()) + "."
    for name, key in (("its PEM text", pem), ("its PEM text stripped", pem.strip()), ("its modulus", decode(public["n"])), ("its JWK", json.dumps(public).encode()),
                      ("nothing", b""), ("a NUL", b"\0")):
        yield f"HS256 with the RSA key's id and {name} for a secret", by_hand({"alg": "HS256", "kid": "rs256"}, claims(), key)
        yield f"RS256 over an HMAC with {name}", by_hand({"alg": "RS256", "kid": "rs256"}, claims(), key)
    for name, key in stranger.items():
        yield f"{name} of a stranger under a known kid", signer.token(key, header={"kid": name.lower()})
        yield f"{name} of a stranger without kid", signer.token(key)
        jwk = signer.key_set(key)["keys"][0]
        yield f"{name} of a stranger that brings its key", signer.token(key, header={"kid": name.lower(), "jwk": jwk})
        yield f"{name} of a stranger that says where its keys are", signer.token(key, header={"kid": name.lower(), "jku": "http://127.0.0.1:1/"})
    for kid in ("../../../../dev/null", "/dev/null", "' OR 1=1 --", "x' UNION SELECT 'key", "", "rs256\0", "RS256", "../jwks.json", "$(id)", "x" * 4000, "é"):
        yield f"kid {short(kid, 40)!r}", signer.token(es, header={"kid": kid})
    yield "kid of a key for another algorithm", signer.token(es, header={"kid": "es384"})
    yield "PS256 by an RS256 key's id", signer.token(lab.keys["PS256"], header={"kid": "rs256"})
    for header in ({"alg": "HS256", "crit": ["exp"], "exp": now + 600}, {"alg": "HS256", "crit": []}, {"alg": "HS256", "b64": False, "crit": ["b64"]},
                   {"alg": "HS256", "typ": "JWE"}, {"alg": "HS256", "typ": "secevent+jwt"}, {"alg": "HS256", "typ": 7}, {"alg": "HS256", "kid": 7}, {}, [], 7,
                   '{"alg":"HS256","alg":"HS256"}', '{"alg":"HS256","alg":"none"}', '{"alg":"HS256","\\u0061lg":"HS256"}', '{"alg":"HS256"}x', "{", "",
                   b"\xff\xfe", '{"alg":"HS256","x":"\xff"}'.encode("latin-1"), '\ufeff{"alg":"HS256"}', '{"alg":"HS256"}\0', "[" * 5000 + "]" * 5000):
        yield f"header {short(header, 50)!r}", with_header(header)
    text = json.dumps(claims())
    for payload in ("", "null", "[]", "7", '"x"', "{", text + "x", text + text, text[:-1] + ',"sub":"user-2"}', text[:-1] + ',"\\u0073ub":"user-1"}',
                    text[:-1] + ',"x":{"a":1,"a":1}}', text[:-1] + ',"exp":9999999999}', text + "\0", "\ufeff" + text, text[:-1] + ',"x":NaN}',
                    text[:-1] + ',"x":"\xff"}', text[:-1] + ',"x":' + "[" * 40 + "]" * 40 + "}", text[:-1] + ',"x":01}'):
        raw_payload = payload.encode("latin-1") if "\xff" in payload and "\ufeff" not in payload else payload.encode()
        yield f"payload {short(payload[-60:])!r}", by_hand({"alg": "HS256"}, raw_payload, SECRET.encode())
    for name, value in (("empty", b""), ("short", raw[:-1]), ("long", raw + b"\0"), ("zero", bytes(64)), ("DER", bytes([0x30, 0x44, 2, 0x20]) + raw[:32] + bytes([2, 0x20]) + raw[32:]),
                        ("r and s exchanged", raw[32:] + raw[:32]), ("r doubled", raw[:32] * 2), ("s of the order", raw[:32] + bytes.fromhex(
                            "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")), ("ones", b"\xff" * 64)):
        yield f"ES256 signature {name}", f"{head}.{body}.{encode(value)}"
    yield from (("no parts", "x"), ("an empty token", ""), ("two parts", f"{head}.{body}"), ("no signature", f"{head}.{body}."), ("four parts", good_token + ".x"),
                ("five parts, a JWE", "a.b.c.d.e"), ("dots", ".."), ("padding", good_token + "=="), ("plus", good_token[:-2] + "+/"), ("a blank inside", head + " ." + body + "." + signature),
                ("two tokens", hs + " " + hs), ("a comma", hs + "," + hs), ("quoted", f'"{hs}"'), ("the parts of two tokens", ".".join(hs.split(".")[:2]) + "." + signature),
                ("16 KB and a byte", "a" * (16384 + 1)), ("a good one that is too long", signer.token(secret, claims(x="x" * 16384))),
                ("1 MB", "a." * 10 + "a" * (1 << 20)), ("1 MB of dots", "." * (1 << 20)), ("a key of ours", "rg_0123456789"), ("bytes", b"\xff\xfe.\x80.\x81".decode("latin-1")))
    # The last character of a part has bits that no byte takes; only one spelling of it may pass.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    yield "bits beyond the last byte", good_token[:-1] + alphabet[alphabet.index(good_token[-1]) ^ 1]
    for at in range(0, len(good_token), 7):
        yield f"a truncated token, {at}", good_token[:at]
    for at in range(len(good_token)):
        flipped = chr(ord(good_token[at]) ^ 1)
        if flipped.isalnum() or flipped in "-_.":
            yield f"a flipped bit, {at}", good_token[:at] + flipped + good_token[at + 1:]
    yield "SHA-1", by_hand({"alg": "HS256"}, claims(), SECRET.encode(), hashlib.sha1)


def bad(lab, report):
    gateway = lab.by_file(server={"head_bytes_max": 2 << 20, "buffered_bytes_max": 64 << 20}).start()
    client = gateway.client(identity=False)
    bodies, count = set(), 0
    for why, token in forged(lab):
        raw = b"Bearer " + (token.encode("latin-1", "replace"))
        answer = client.request("GET", TARGET, headers=[("Authorization", raw)], identity=False)
        count += 1
        report.check(answer.status == 401, f"{why}: {answer}")
        report.equal(answer.header("WWW-Authenticate"), INVALID, why)
        bodies.add(answer.body)
        # The same again: no refusal is remembered as something else.
    report.check(count >= 60, f"only {count} bad tokens")
    report.check(len(bodies) == 1, f"bad tokens are told apart: {sorted(bodies)[:3]}")
    lab.ask(client, lab.signer.token(lab.secret), 200, "a good token after all the bad ones")
    report.note(f"{count} bad tokens")
    time.sleep(0.3)
    with open(gateway.access_log, encoding="utf-8") as lines:
        text = lines.read()
    for reason in ("the token has expired", "alg is missing or is none that is supported", "crit", "not one of the key"):
        report.check(reason in text, f"the log does not say: {reason}")
    gateway.destroy(report)


def several_modes(lab, report):
    gateway = lab.by_file({"modes": ["headers", "jwt"]}).start()
    client = gateway.client(identity=False)
    lab.ask(client, None, 200, "headers where both are modes", headers=IDENTITY)
    lab.ask(client, lab.signer.token(lab.secret), 200, "a token where both are modes")
    lab.ask(client, "x.y.z", 401, "a bad token is not made good by headers", headers=IDENTITY, code="credential_invalid")
    lab.ask(client, "opaque", 401, "nor is one that is none", headers=IDENTITY, code="credential_invalid")
    answer = lab.ask(client, None, 401, "nothing", code="identity_missing")
    report.equal(answer.header("WWW-Authenticate"), 'Bearer realm="rowgate", Rowgate-Headers', "nothing where both are modes")
    lab.ask(client, None, 400, "some headers", headers=IDENTITY[:1], code="header_missing")
    gateway.destroy(report)
    gateway = Gateway(lab.context.preset, [tenant(lab.databases)]).start()
    client = gateway.client(identity=False)
    lab.ask(client, "x.y.z", 200, "where tokens are no mode they are nobody's business", headers=IDENTITY)
    gateway.destroy(report)


def metadata(lab, report):
    gateway = lab.by_file({"resource": "https://api.example/rows"}).start()
    client = gateway.client(identity=False)
    where = 'resource_metadata="https://api.example/.well-known/oauth-protected-resource/rows"'
    report.equal(lab.ask(client, "x", 401, "bad").header("WWW-Authenticate"), f"{INVALID}, {where}", "a bad token")
    report.equal(lab.ask(client, None, 401, "none").header("WWW-Authenticate"), f'Bearer realm="rowgate", {where}', "no token")
    for path in ("/.well-known/oauth-protected-resource/rows", "/.well-known/oauth-protected-resource"):
        answer = client.request("GET", path, identity=False)
        report.equal(answer.status, 200, path)
        report.equal(answer.json(), {"resource": "https://api.example/rows", "authorization_servers": [ISSUER], "bearer_methods_supported": ["header"]}, path)
        report.equal(client.request("HEAD", path, identity=False).status, 200, "HEAD " + path)
        report.equal(client.request("POST", path, body={}, identity=False).status, 405, "POST " + path)
    report.equal(client.request("GET", "/.well-known/oauth-protected-resource/other", identity=False).status, 404, "another resource")
    gateway.destroy(report)
    gateway = lab.by_file().start()
    report.equal(gateway.client(identity=False).request("GET", "/.well-known/oauth-protected-resource").status, 404, "without the setting")
    gateway.destroy(report)


def eventually(report, ask, why, seconds=3):
    end = time.monotonic() + seconds
    while not ask():
        if not report.check(time.monotonic() < end, why):
            return
        time.sleep(0.05)
    report.ok()


def files_change(lab, report):
    old, new = lab.signer.key("ES256", kid="old"), lab.signer.key("ES256", kid="new")
    lab.write_keys("changing.json", lab.signer.key_set(old))
    gateway = lab.gateway({"jwks_file": lab.file("changing.json"), "jwt_secret_file": lab.file("secret")}).start()
    client = gateway.client(identity=False)
    tokens = {key: lab.signer.token(key, header={"kid": name}) for key, name in ((old, "old"), (new, "new"))}

    def status(token):
        return client.request("GET", TARGET, headers=[("Authorization", f"Bearer {token}")], identity=False).status

    report.equal((status(tokens[old]), status(tokens[new])), (200, 401), "the file's key and another")
    lab.write_keys("changing.json", lab.signer.key_set(old, new))
    eventually(report, lambda: status(tokens[new]) == 200, "a new key in the file is not used")
    report.equal(status(tokens[old]), 200, "the key that stayed")
    lab.write("changing.json", "{")
    os.utime(lab.file("secret"))
    time.sleep(1.2)
    report.equal((status(tokens[old]), status(tokens[new])), (200, 200), "the keys after the file became faulty")
    lab.write_keys("changing.json", lab.signer.key_set(new))
    eventually(report, lambda: status(tokens[old]) == 401, "a key that is gone is still believed, though its token was in the cache")
    report.equal(status(tokens[new]), 200, "the key that is left")
    with_old_secret = lab.signer.token(lab.secret)
    report.equal(status(with_old_secret), 200, "the secret")
    other = lab.signer.key("HS256", secret="another secret of more than 32 bytes!")
    lab.write("secret", "another secret of more than 32 bytes!")
    eventually(report, lambda: status(with_old_secret) == 401, "a secret that is gone is still believed")
    report.equal(status(lab.signer.token(other)), 200, "the new secret")
    lab.write("secret", SECRET + "\n")
    with open(gateway.access_log, encoding="utf-8") as lines:
        text = lines.read()
    report.check("changing.json: it is no JWK set" in text, "the log does not say that the file is faulty")
    report.check("changing.json: good again" in text, "the log does not say that the file is good again")
    gateway.destroy(report)


def rotation(lab, report):
    """Four clients go on while the issuer rotates its key five times; each new key signs at once."""
    keys = [lab.signer.key("ES256", kid=f"turn-{turn}") for turn in range(6)]
    server = Server(lab.signer.key_set(keys[0]))
    gateway = lab.gateway({"jwks_url": server.url, "jwks_cooldown_ms": 300}).start()
    current = [lab.signer.token(keys[0], header={"kid": "turn-0"})]
    failed, served, is_over = [], [0], threading.Event()

    def load():
        client = gateway.client(identity=False)
        while not is_over.is_set():
            try:
                answer = client.request("GET", TARGET, headers=[("Authorization", f"Bearer {current[0]}")], identity=False)
            except (OSError, Broken) as error:
                failed.append(str(error))
                continue
            if answer.status != 200:
                failed.append(repr(answer))
            served[0] += 1

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(1, 6):
        time.sleep(0.5)
        server.document = lab.signer.key_set(keys[turn - 1], keys[turn])
        current[0] = lab.signer.token(keys[turn], header={"kid": f"turn-{turn}"})
    time.sleep(0.5)
    is_over.set()
    for thread in threads:
        thread.join()
    report.check(not failed, f"requests failed while keys were rotated: {len(failed)} of {served[0]}, {failed[:2]}")
    report.check(served[0] > 200, f"only {served[0]} requests")
    report.check(5 <= len(server.fetches) <= 12, f"{len(server.fetches)} fetches")
    lab.ask(gateway.client(identity=False), lab.signer.token(keys[0], header={"kid": "turn-0"}), 401, "a key that the issuer took away")
    gateway.destroy(report)
    server.close()


def issuer_fails(lab, report):
    """Known keys go on whatever the issuer does; nobody waits for more than a second; fetches keep their distance."""
    known = lab.signer.key("ES256", kid="known")
    stranger = lab.signer.key("ES256", kid="stranger")
    server = Server(lab.signer.key_set(known))
    cooldown = 1.5
    gateway = lab.gateway({"jwks_url": server.url, "jwks_cooldown_ms": int(cooldown * 1000), "jwks_refresh_ms": 1500, "jwks_timeout_ms": 3000}).start()
    client = gateway.client(identity=False)
    good_token = lab.signer.token(known, header={"kid": "known"})
    lab.ask(client, good_token, 200, "the issuer's key")
    slowest = {"known": 0.0, "unknown": 0.0}
    for behave in ("garbage", "error", "huge", "redirect", "slow"):
        server.behave = behave
        end = time.monotonic() + (2.2 if behave != "slow" else 4.5)
        turn = 0
        while time.monotonic() < end:
            turn += 1
            fresh = lab.signer.token(known, claims(n=turn), header={"kid": "known"})
            strange = lab.signer.token(stranger, header={"kid": f"stranger-{behave}-{turn}"})
            for kind, token, status in (("known", good_token, 200), ("known", fresh, 200), ("unknown", strange, 401)):
                begun = time.monotonic()
                lab.ask(client, token, status, f"{kind} key while the issuer is {behave}")
                slowest[kind] = max(slowest[kind], time.monotonic() - begun)
            time.sleep(0.02)
    is_slow = lab.context.is_sanitized
    report.check(slowest["known"] < (1 if is_slow else 0.5), f"a request with a known key took {slowest['known']:.2f} s")
    report.check(slowest["unknown"] < (3 if is_slow else 1.6), f"a request with an unknown key took {slowest['unknown']:.2f} s")
    gaps = [after - before for before, after in zip(server.fetches, server.fetches[1:])]
    report.check(len(gaps) >= 4, f"only {len(gaps) + 1} fetches")
    report.check(min(gaps, default=9) > cooldown - 0.25, f"fetches came within {min(gaps, default=9):.2f} s of each other")
    server.behave = "good"
    server.document = lab.signer.key_set(known, stranger)
    token = lab.signer.token(stranger, header={"kid": "stranger"})
    eventually(report, lambda: client.request("GET", TARGET, headers=[("Authorization", f"Bearer {token}")], identity=False).status == 200,
               "the issuer is good again, and its new key is not used", 8)
    report.note(f"slowest with a known key {slowest['known'] * 1000:.0f} ms, with an unknown one {slowest['unknown'] * 1000:.0f} ms")
    gateway.destroy(report)
    server.close()


def cool_down_by_default(lab, report):
    """Unless the settings say otherwise, at most one fetch in 30 s: `rowgate config settings` says so, and in full form 65 s of tokens
    with unknown keys show it, while the issuer is good, mad and slow."""
    gateway = lab.gateway({"jwks_url": "http://127.0.0.1:1/jwks"})
    table = subprocess.run([gateway.binary, "config", "settings"], stdout=subprocess.PIPE, env=gateway.environment(), check=True).stdout.decode()
    report.check("| `auth.jwks_cooldown_ms` | `30000` |" in table, "30 s are not the default distance of two fetches")
    printed = subprocess.run([gateway.binary, "config", "print", "--config", gateway.config], stdout=subprocess.PIPE, env=gateway.environment(),
                             check=True).stdout.decode()
    report.check("jwks_cooldown_ms = 30000\n" in printed, "30 s are not in force where nothing is said")
    places.remove(gateway.folder)
    if not lab.context.full:
        return
    known, stranger = lab.signer.key("ES256", kid="known"), lab.signer.key("ES256", kid="stranger")
    server = Server(lab.signer.key_set(known))
    gateway = lab.gateway({"jwks_url": server.url}).start()
    client = gateway.client(identity=False)
    good_token = lab.signer.token(known, header={"kid": "known"})
    lab.ask(client, good_token, 200, "the issuer's key")
    begun, asked, slowest = time.monotonic(), 0, 0.0
    while time.monotonic() - begun < 65:
        server.behave = ("good", "garbage", "slow", "error")[int((time.monotonic() - begun) / 5) % 4]
        strange = lab.signer.token(stranger, header={"kid": f"stranger-{asked}"})
        for token, status in ((strange, 401), (good_token, 200)):
            sent = time.monotonic()
            lab.ask(client, token, status, f"a request while the issuer is {server.behave}")
            slowest = max(slowest, time.monotonic() - sent)
        asked += 1
        time.sleep(0.01)
    gaps = [after - before for before, after in zip(server.fetches, server.fetches[1:])]
    # One at the start, two after it: none would mean that nobody asked.
    report.equal(len(server.fetches), 3, f"fetches in 65 s, {[f'{gap:.1f}' for gap in gaps]} s from each other")
    report.check(min(gaps, default=0) > 29.7, f"fetches came within {min(gaps, default=0):.1f} s of each other")
    report.check(asked > 500, f"only {asked} tokens with unknown keys were sent")
    report.check(slowest < (3 if lab.context.is_sanitized else 1.6), f"a request took {slowest:.2f} s")
    report.note(f"{asked} unknown keys in 65 s: {len(server.fetches)} fetches, slowest request {slowest * 1000:.0f} ms")
    gateway.destroy(report)
    server.close()


def issuer_absent(lab, report):
    """Down at start: 503, for nothing is known of any token; there later: served."""
    port = free_port()
    gateway = lab.gateway({"jwks_url": f"http://127.0.0.1:{port}/jwks", "jwks_cooldown_ms": 300}).start()
    client = gateway.client(identity=False)
    key = lab.signer.key("RS256", kid="late")
    token = lab.signer.token(key, header={"kid": "late"})
    begun = time.monotonic()
    lab.ask(client, token, 503, "no keys yet", code="identity_unavailable")
    report.check(time.monotonic() - begun < 2, "the 503 came late")
    lab.ask(client, "x.y.z", 401, "garbage needs no key to be refused", code="credential_invalid")
    report.equal(gateway.stop(), [], "a stop while the issuer is down")
    # An issuer that takes the connection and says nothing does not hold up the stop.
    with socket.create_server(("127.0.0.1", port)):
        gateway.start()
        time.sleep(0.3)
        begun = time.monotonic()
        report.equal(gateway.stop(), [], "a stop during a fetch")
        report.check(time.monotonic() - begun < 3, f"the stop took {time.monotonic() - begun:.1f} s")
    server = Server(lab.signer.key_set(key))
    with open(gateway.config, encoding="utf-8") as text:
        config = text.read()
    with open(gateway.config, "w", encoding="utf-8") as out:
        out.write(config.replace(f"http://127.0.0.1:{port}/jwks", server.url))
    gateway.start()
    lab.ask(gateway.client(identity=False), token, 200, "the first request after the start waits for the first fetch")
    gateway.destroy(report)
    server.close()


def faulty_settings(lab, report):
    lab.write("short", "x" * 31)
    lab.write("pem", "-----BEGIN PUBLIC KEY-----\n" + "A" * 64)
    lab.write("garbage", "{")
    lab.write_keys("secrets.json", {"keys": [{"kty": "oct", "k": encode(b"x" * 32)}]})
    file, secret = {"jwks_file": lab.file("jwks.json")}, {"jwt_secret_file": lab.file("secret")}
    for auth, says in (({}, "jwt needs keys"), ({**file, "jwt_issuer": ""}, "jwt_issuer"), ({**file, "jwt_audiences": []}, "jwt_audiences"),
                       ({**file, "jwt_algorithms": ["HS512"]}, "jwt_algorithms"), ({**file, "jwt_algorithms": []}, "jwt_algorithms"),
                       ({**file, "jwt_algorithms": ["none"]}, "jwt_algorithms"), ({**secret, "jwt_algorithms": ["RS256"]}, "jwt_secret_file"),
                       ({**file, "jwks_url": "https://issuer.example/jwks"}, "jwks_url"), ({"jwks_url": "http://issuer.example/jwks"}, "jwks_url"),
                       ({"jwks_url": "http://127.0.0.1.evil.example/"}, "jwks_url"), ({"jwks_url": "file:///etc/passwd"}, "jwks_url"),
                       ({"jwks_url": "https://user:word@issuer.example/"}, "jwks_url"), ({"jwks_url": "nonsense"}, "jwks_url"),
                       ({"jwks_file": lab.file("absent")}, "jwks_file"), ({"jwks_file": lab.file("garbage")}, "jwks_file"),
                       ({"jwks_file": lab.file("secrets.json")}, "jwks_file"), ({"jwt_secret_file": lab.file("short")}, "jwt_secret_file"),
                       ({"jwt_secret_file": lab.file("pem")}, "jwt_secret_file"), ({**file, "modes": []}, "modes"), ({**file, "modes": ["jwt", "jwt"]}, "modes"),
                       ({**file, "modes": ["basic"]}, "modes"), ({**file, "modes": ["headers"]}, "modes"), ({**file, "resource": "api.example"}, "resource"),
                       ({**file, "resource": "https://api.example/?x"}, "resource"), ({**file, "claim_org": ""}, "claim_org"), ({**file, "claim_orgs": "x"}, "claim_org")):
        gateway = lab.gateway(auth)
        ran = subprocess.run([gateway.binary, "config", "check", "--config", gateway.config], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=gateway.environment(), check=False)
        report.check(ran.returncode == 1 and says in ran.stderr.decode(), f"{auth}: {ran.returncode}, {ran.stderr.decode()[-300:]}")
        places.remove(gateway.folder)
