"""An issuer of tokens: keys and signatures by npm's jose, a key set served over HTTP in good and in bad ways, tokens made by hand."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import shutil
import subprocess
import threading
import time

from lib import places
from lib.report import say

JOSE = "5.10.0"  # the last that runs on the node of Debian 12
ISSUER, AUDIENCE = "https://issuer.example", "rowgate"
HERE = os.path.dirname(os.path.realpath(__file__))


def encode(data):
    raw = data if isinstance(data, bytes) else data.encode() if isinstance(data, str) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims(**more):
    """Those of a good token; a value of None takes one away."""
    now = int(time.time())
    said = {"iss": ISSUER, "aud": AUDIENCE, "exp": now + 600, "iat": now, "org_id": "org-1", "project_id": "project-1", "space_id": "space-1",
            "sub": "user-1", "roles": ["users", "admin"], **more}
    return {name: value for name, value in said.items() if value is not None}


def by_hand(header, payload, secret=b"", digest=hashlib.sha256):
    """A token whose parts are exactly these texts or values, with an HMAC of `secret` for a signature."""
    text = encode(header) + "." + encode(payload)
    return text + "." + encode(hmac.new(secret, text.encode(), digest).digest())


def installed():
    """The file of jose's module; where npm's registry cannot be reached, our stand-in by node's own crypto."""
    folder = os.path.join(places.ROOT, "build", f"jose-{JOSE}")
    module = os.path.join(folder, "node_modules", "jose", "dist", "node", "esm", "index.js")
    if not os.path.exists(module):
        if not (shutil.which("node") and shutil.which("npm")):
            subprocess.run([os.path.join(places.ROOT, "deploy", "install.sh"), "jose"], check=True, timeout=600)
        try:
            subprocess.run(["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1", f"jose@{JOSE}"],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
        except (OSError, subprocess.SubprocessError) as error:
            say(f"   npm's jose cannot be had ({type(error).__name__}): node's own crypto makes the tokens")
            return os.path.join(HERE, "signer_crypto.mjs")
    return module


class Signer:
    def __init__(self):
        self._process = subprocess.Popen(["node", os.path.join(HERE, "signer.mjs"), installed()], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._lock = threading.Lock()

    def _ask(self, **command):
        with self._lock:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()
            said = json.loads(self._process.stdout.readline())
        if "error" in said:
            raise RuntimeError(f"jose: {said['error']} for {command}")
        return said["ok"]

    def key(self, algorithm, kid=None, pinned=True, secret=None):
        named = {} if kid is None else {"kid": kid}
        return self._ask(make=algorithm, pinned=pinned, **named, **({} if secret is None else {"secret": secret}))

    def token(self, key, said=None, header=None, payload=None):
        """`payload` is the text itself; else the claims `said`."""
        body = {"payload": payload} if payload is not None else {"sign": said if said is not None else claims()}
        header = header or {}
        options = {"options": {"crit": {name: True for name in header["crit"]}}} if "crit" in header else {}
        return self._ask(key=key, header=header, **body, **options)

    def key_set(self, *keys):
        return self._ask(jwks=list(keys))

    def close(self):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


class Server:
    """Serves `document` at /jwks; `behave` is one of good, slow, garbage, error, huge, redirect. Every fetch's time is kept."""

    def __init__(self, document):
        self.document, self.behave, self.fetches = document, "good", []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.fetches.append(time.monotonic())
                server.answer(self)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}/jwks"

    def answer(self, request):
        behave = self.behave
        body = json.dumps(self.document).encode()
        if behave == "slow":
            time.sleep(4)
        elif behave == "garbage":
            body = b"<html>the issuer is being maintained</html>"
        elif behave == "huge":
            body = json.dumps({**self.document, "x": "x" * (1 << 20)}).encode()
        status = {"error": 500, "redirect": 302}.get(behave, 200)
        try:
            request.send_response(status)
            if behave == "redirect":
                request.send_header("Location", self.url)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
        except OSError:
            pass  # the gateway gave up

    def close(self):
        self._server.shutdown()
        self._server.server_close()
