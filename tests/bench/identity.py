"""What a verified identity costs: one row by key with a token and with an API key, against the five headers of a proxy. Used by table.py."""
import base64
import hashlib
import hmac
import json
import os
import subprocess
import time

from rates import Medians, compare, take_turns
from servers import IDENTITY, Client, Spoilt, users_path, wrk

ISSUER, AUDIENCE = "https://issuer.example", "rowgate"


def part(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=")


def token(secret):
    """HS256: once it is verified and remembered, no algorithm costs more than another."""
    ids = dict(IDENTITY)
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 7200, "sub": ids["X-User-Id"], "org_id": ids["X-Org-Id"],
              "project_id": ids["X-Project-Id"], "space_id": ids["X-Space-Id"], "roles": ids["X-User-Roles"].replace(" ", "").split(",")}
    text = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
    return (text + b"." + part(hmac.new(secret, text, hashlib.sha256).digest())).decode()


def api_key(gateway):
    ids = dict(IDENTITY)
    ran = subprocess.run([gateway.binary, "keys", "create", "--config", gateway.config, "--org-id", ids["X-Org-Id"], "--project-id", ids["X-Project-Id"],
                          "--space-id", ids["X-Space-Id"], "--user", ids["X-User-Id"], "--roles", ids["X-User-Roles"].replace(" ", "")],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=30)
    if ran.returncode != 0:
        raise Spoilt("keys create: " + ran.stderr.decode(errors="replace"))
    return ran.stdout.decode().splitlines()[-1]


def identity_rows(world, sizes, wanted):
    secret = os.urandom(48)
    file = os.path.join(world.folder, "secret")
    with open(file, "wb") as out:
        out.write(secret)
    gateway = world.fresh_gateway("identity", settings={"auth": {"modes": ["headers", "jwt", "api_key"], "jwt_issuer": ISSUER, "jwt_audiences": [AUDIENCE],
                                                                 "jwt_secret_file": file}})
    ways = {"headers": [f"{name}: {value}" for name, value in IDENTITY], "token": ["Authorization: Bearer " + token(secret)],
            "key": ["X-API-Key: " + api_key(gateway)]}
    path = users_path() + "?id=eq."
    try:
        for name, lines in ways.items():
            end = time.monotonic() + 5  # a new key is seen within two seconds
            headers = [tuple(line.split(": ", 1)) for line in lines]
            while (answer := Client(gateway.port, headers).request("GET", path + "77")).status != 200:
                if time.monotonic() > end:
                    raise Spoilt(f"{name}: {answer}")
                time.sleep(0.1)
            if answer.json()[0]["id"] != 77:
                raise Spoilt(f"{name}: {answer}")
        contenders = {name: lambda lines=lines: wrk(gateway.port, path, sizes.seconds, ids=True, headers=lines) for name, lines in ways.items()}
        # At least three rounds, in the gate too: in a single second what else the machine does weighs more than a token.
        medians = Medians(*take_turns(world, contenders, max(3, sizes.rounds)))
    finally:
        world.end(gateway)
    rows = [compare("read_by_token", "one row by key with a verified token that is remembered; against the five headers", 0.9, medians, "token", "headers"),
            compare("read_by_api_key", "the same with an API key", 0.9, medians, "key", "headers")]
    return [row for row in rows if row.name in wanted]
