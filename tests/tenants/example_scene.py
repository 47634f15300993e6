"""Where the examples of a document happen: a folder with its files, databases, an issuer of tokens, a gateway that serves, and one shell for all commands."""
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import time

from lib import places
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import Gateway

sys.path.insert(1, os.path.join(places.TESTS, "auth"))
from issuer import Server, Signer  # noqa: E402

USER, PASSWORD = "acme", "of the tests"
JWKS = "https://login.example/.well-known/jwks.json"
ADDRESS = "127.0.0.1:8080"  # of the gateway in every example
SEEN_WITHIN_S = 2.2  # a new or revoked key

# curl as it is typed, but that it says the status and keeps the headers sent and received; a gateway of the reader's own ends after two seconds.
PREAMBLE = r"""
curl() {
    case " $* " in
        *" -i "*) command curl -sSv -w '\n' "$@" 2>>"$EXAMPLES_TRACE" ;;
        *) command curl -sSv -w '\n%{http_code}\n' "$@" 2>>"$EXAMPLES_TRACE" ;;
    esac
}
rowgate() {
    if [ "$1" = serve ]; then
        ROWGATE_SERVER_PORT=0 timeout --preserve-status 2 "$EXAMPLES_ROWGATE" "$@" >/dev/null
    else
        "$EXAMPLES_ROWGATE" "$@"
    fi
}
"""


class Shell:
    END = "end of the example's command"

    def __init__(self, folder, environment):
        self._bash = subprocess.Popen(["bash", "--norc", "--noprofile"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder,
                                      env=environment, start_new_session=True)
        self.run(PREAMBLE)

    def run(self, text, seconds=60):
        """The exit code and all that was printed."""
        self._bash.stdin.write(f"{{\n{text}\n}} </dev/null\nprintf '\\n%s %s\\n' \"{self.END}\" $?\n".encode())
        self._bash.stdin.flush()
        out = b""
        until = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._bash.stdout, selectors.EVENT_READ)
            while not (found := re.search(rb"\n" + self.END.encode() + rb" (\d+)\n\Z", out)):
                ready = selector.select(max(until - time.monotonic(), 0))
                piece = os.read(self._bash.stdout.fileno(), 65536) if ready else b""
                if not piece:
                    raise RuntimeError(f"the shell did not end with: {text}; it printed {out.decode(errors='replace')}")
                out += piece
        return int(found.group(1)), out[:found.start()].decode(errors="replace")

    def close(self):
        try:
            os.killpg(self._bash.pid, signal.SIGKILL)
        except OSError:
            pass
        self._bash.wait()
        self._bash.stdin.close()
        self._bash.stdout.close()


class ExampleGateway(Gateway):
    def environment(self):
        return {**super().environment(), "ROWGATE_SERVER_PORT": str(self.port), "ROWGATE_ACCESS_LOG": "access.log", "ROWGATE_ACCESS_LOG_FLUSH_MS": "0",
                "ACME_DB_PASSWORD": PASSWORD}


class Scene:
    def __init__(self, context, report):
        self.report = report
        self.folder = places.scratch("examples")
        self.trace = os.path.join(self.folder, "trace")
        self.gateway = ExampleGateway(context.preset, [], folder=self.folder)
        self._server = context.mariadb.get()
        self._signer, self._issuer, self._key = None, None, None
        self._tenants, self._settings, self._tenant_file = {}, ["", ""], None
        self._is_serving = False
        self._write(self.gateway.config, "")
        self.shell = Shell(self.folder, {**self.gateway.environment(), "EXAMPLES_TRACE": self.trace, "EXAMPLES_ROWGATE": self.gateway.binary})

    def close(self):
        self.shell.close()
        self._stop()
        if self._signer:
            self._signer.close()
            self._issuer.close()
        places.remove(self.folder)

    def _write(self, path, text):
        with open(os.path.join(self.folder, path), "w", encoding="utf-8") as out:
            out.write(text)

    def _stop(self):
        if self._is_serving:
            self.report.equal(self.gateway.stop(), [], "how the gateway ended")
            self._is_serving = False

    def make_tables(self, block):
        """Its first line names a schema on MariaDB or a file of SQLite."""
        place = re.match(r"-- (?:(\w+) on MariaDB|(\w+\.sqlite))\b.*\n", block.text)
        if not self.report.check(place, f"{block.where}: begins neither with `-- NAME on MariaDB` nor with `-- NAME.sqlite`"):
            return
        schema, path = place.groups()
        if schema:
            self._server.make_schema(schema)
            root = open_mariadb(self._server, schema)
            root.run(f"CREATE OR REPLACE USER {USER}@localhost IDENTIFIED BY '{PASSWORD}'")
            root.run(f"GRANT ALL ON {schema}.* TO {USER}@localhost")
        else:
            root = open_sqlite(os.path.join(self.folder, path))
        root.script(block.text[place.end():].rstrip().rstrip(";") + ";\n")
        root.close()

    def load(self, block):
        """A file that begins with `name =` is an organization's; `[[project` goes on with it; `[[grant]]` goes on with the newest key's file; all else is
        the gateway's own configuration. Then the gateway starts with it."""
        first = next(line for line in block.text.split("\n") if line.strip() and not line.startswith("#"))
        text = self._here(block.text) + "\n"
        if first.startswith("name = "):
            self._tenant_file = re.match(r'name = "(\w+)"', first).group(1)
            self._tenants[self._tenant_file] = text
        elif first.startswith("[[project"):
            if not self.report.check(self._tenant_file, f"{block.where}: goes on with a tenant's file, but there is none before it"):
                return
            self._tenants[self._tenant_file] += text
        elif first.startswith("[[grant]]"):
            self._narrow_newest_key(block, text)
            return
        else:
            self._settings[first.startswith("[")] += text
        for name, tenant in self._tenants.items():
            self._write(os.path.join("tenants", name + ".toml"), tenant)
        self._write(self.gateway.config, "".join(self._settings))
        if self._is_good(block):
            self._stop()
            self._is_serving = True  # also if it is never ready: then it has to be stopped all the same
            self.gateway.start()

    def _is_good(self, block):
        """What the gateway's own commands say of all files, keys' included."""
        for command in (["config", "check"], ["tenants", "check"]):
            ran = subprocess.run([self.gateway.binary, *command, "--config", self.gateway.config], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env=self.gateway.environment(), cwd=self.folder, check=False, timeout=60)
            said = ran.stderr.decode()
            if not self.report.check(ran.returncode == 0 and not said, f"{block.where}: rowgate {' '.join(command)} ends with {ran.returncode}: {said}"):
                return False
        return True

    def _narrow_newest_key(self, block, text):
        folder = os.path.join(self.folder, "keys")
        files = sorted((entry.stat().st_mtime_ns, entry.path) for entry in os.scandir(folder)) if os.path.isdir(folder) else []
        if self.report.check(files, f"{block.where}: goes on with a key's file, but there is none"):
            with open(files[-1][1], "a", encoding="utf-8") as out:
                out.write(text)
            self._is_good(block)
            time.sleep(SEEN_WITHIN_S)

    def _here(self, text):
        """The example's machines are ours: the database's host, the issuer's key set. TLS to a socket there is none."""
        text = re.sub(r'^host = "[^"]*"', f'socket = "{self._server.socket}"', text, flags=re.M)
        text = re.sub(r"^tls_ca = .*\n", "", text, flags=re.M)
        return text.replace(JWKS, self._issue()) if JWKS in text else text

    def _issue(self):
        if self._signer is None:
            self._signer = Signer()
            self._key = self._signer.key("ES256", kid="2026")
            self._issuer = Server(self._signer.key_set(self._key))
        return self._issuer.url

    def sign(self, block):
        """`$TOKEN` is from here on a token with these claims."""
        try:
            claims = json.loads(block.text)
        except ValueError as error:
            self.report.fail(f"{block.where}: {error}")
            return
        if self.report.check(isinstance(claims, dict) and "iss" in claims and "exp" in claims, f"{block.where}: has no iss and exp, so no token is made of it"):
            self._issue()
            self.shell.run("TOKEN=" + self._signer.token(self._key, claims))

    def type(self, text):
        """The exit code and what stands on the screen; of a plain curl: status, a blank, body."""
        if "audit.log" in text:
            time.sleep(0.3)  # a line of it comes a moment after the answer
        code, printed = self.shell.run(text.replace(ADDRESS, f"127.0.0.1:{self.gateway.port}"))
        if re.search(r"\bkeys (create|revoke)\b", text):
            time.sleep(SEEN_WITHIN_S)
        return code, printed.replace("\r\n", "\n")

    def headers(self):
        """Every header line sent or received by a command so far."""
        if not os.path.exists(self.trace):
            return ""
        with open(self.trace, encoding="utf-8", errors="replace") as opened:
            return "\n".join(re.findall(r"^[<>] (\S+: .*?)\r?$", opened.read(), re.M))
