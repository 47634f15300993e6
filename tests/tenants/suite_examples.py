"""Every example of a role, grant, claim, identity header, token, key, origin or rate, and of a delete, in the documents and --help texts is taken from there
and run.

An example that cannot be run fails, so a new one comes with what it answers."""
import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib

import example_pages as pages
from example_scene import ADDRESS, ExampleGateway, Scene, Shell
from lib import places
from lib.client import Client
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import free_port
from lib.report import Report, short

sys.path.insert(1, os.path.join(places.TESTS, "io"))
from suite_demo import start, stop, stop_leftover  # noqa: E402  the demo is started and stopped as its own suite does

# The blocks of a story's pages go on with one another, in this order; each story has a gateway of its own. README.md is played on the demo.
STORIES = (("deploy/CONFIGURATION.md", "gateway/API.md"), ("gateway/DELETING.md",))
PLAYED = tuple(page for story in STORIES for page in story)
EXAMPLE = os.path.join("deploy", "example")
VERBS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


def run_commands(report, block, type_in):
    for command in pages.commands(block):
        code, printed = type_in(command.text)
        name = f"{block.where}: {short(command.text, 160)}"
        if command.is_curl:
            report.check(code == 0 and command.shown, f"{name}: " + (f"curl ends with {code}" if code else "an example without its answer"))
            if not command.shows_head:
                body, _, status = printed.rstrip("\n").rpartition("\n")
                printed = f"{status} {body}"
        if command.shown:
            head = command.shown[0].split(" ")[1 if command.shows_head else 0]
            report.check(not command.is_curl or re.fullmatch(r"[2-5]\d\d", head), f"{name}: its answer does not begin with a status")
            report.check(pages.matches(command.shown, printed, command.shows_head),
                         f"{name}: answers\n{short(printed, 3000)}\n    not\n" + "\n".join(command.shown))
        else:  # what rowgate says need not be shown
            is_silent = not printed.strip() or command.text.startswith("rowgate ")
            report.check(code == 0 and is_silent, f"{name}: ends with {code} and prints {short(printed, 1000)}")


def play(report, scene, page):
    """The tables first: what a page says of a tenant is checked against them when it is loaded."""
    found = [block for block in pages.blocks(page) if block.language in pages.LANGUAGES]
    for block in found:
        if block.language == "sql":
            scene.make_tables(block)
    for block in found:
        if block.language == "toml":
            scene.load(block)
        elif block.language == "json":
            scene.sign(block)
        elif block.language == "sh":
            run_commands(report, block, scene.type)
    return len(found)


def play_readme(report):
    """On the demo, which its reader has started by then."""
    folder, port = tempfile.mkdtemp(prefix="rowgate-readme-"), free_port()
    shell = None
    try:
        _, pid = start(report, folder, port, False)
        if not pid:
            return
        shell = Shell(folder, {**os.environ, "EXAMPLES_TRACE": os.path.join(folder, "trace"), "EXAMPLES_ROWGATE": "false"})
        played = [block for block in pages.blocks("README.md") if block.language == "sh"]
        report.check(len(played) >= 3, "the README has fewer than three blocks of commands")
        for block in played:
            run_commands(report, block, lambda text: shell.run(text.replace(ADDRESS, f"127.0.0.1:{port}")))
        for block in pages.blocks("README.md"):
            report.check(block.language in ("sh", "", "none"), f"{block.where}: the README's examples are ```sh, played on the demo")
        stop(report, pid, folder)
    finally:
        if shell:
            shell.close()
        stop_leftover(folder)
        shutil.rmtree(folder, ignore_errors=True)


# The prose.

SQLITE = 'type = "sl"\nname = "d"\npath = "d.sqlite"'
MARIADB = 'type = "ms"\nname = "d"\nhost = "h"\nuser = "u"'


# What some keys do not stand without.
COMPANIONS = {"burst": "rate = 1", "key_burst": "key_rate = 1", "cors_max_age_s": 'cors_origins = ["https://a.example"]',
              "cors_credentials": 'cors_origins = ["https://a.example"]'}


def tenant_with(place, line, database=SQLITE):
    """A tenant's file that holds the line at this place, in exchange for a line with the same key; a socket in exchange for a host."""
    key = line.split(" = ")[0].replace("socket", "host")
    whole = {"": 'name = "o"\nid = "o"', "project": 'name = "p"\nid = "p"', "space": 'id = "s"', "database": database,
             "grant": 'role = "r"\ntables = ["t"]\nverbs = ["GET", "DELETE"]'}
    heads = {"": "", "project": "[[project]]\n", "space": "[[project.space]]\n", "database": "[[project.space.database]]\n",
             "grant": "[[project.space.database.grant]]\n"}
    text = ""
    for name, lines in whole.items():
        kept = lines.split("\n")
        if name == place:
            kept = [other for other in kept if not other.startswith(key + " = ")] + [line, COMPANIONS.get(key, "")]
        text += heads[name] + "\n".join(kept) + "\n"
    return text


def settings_shown(pages_and_files):
    """`key = value` in the comments of TOML: what may be written instead. And ROWGATE_NAME=value."""
    lines, variables = [], []
    for where, language, text in pages_and_files:
        for comment in re.findall(r"(?m)(?:^|\s)#(?!#)(.*)$", text) if language == "toml" else ():
            lines += [(where, found) for found in re.findall(r"\b[a-z][a-z_]* = (?:\"[^\"]*\"|\[[^\]]*\]|\d+|true|false)(?=[\s.,;:)]|$)", comment)]
        variables += [(where, *found) for found in re.findall(r"\b(ROWGATE_[A-Z_]+)=([^\s`]*[^\s`.,])", text)]
    return lines, variables


def is_accepted(binary, line):
    """Whether some place of a tenant's file, or of the configuration, takes it."""
    folder = places.scratch("example")
    try:
        os.mkdir(os.path.join(folder, "tenants"))
        section, _, name = line.split(" = ")[0].rpartition(".")
        setting = (f"[{section}]\n" if section else "") + name + " = " + line.split(" = ", 1)[1] + "\n"
        if re.match(r'(password_file|tls_ca) = "[^/]', line):
            named = os.path.join(folder, line.split('"')[1])
            os.makedirs(os.path.dirname(named), exist_ok=True)
            with open(named, "w", encoding="utf-8") as out:
                out.write("of the tests\n")
        variable = {line.split('"')[1]: "of the tests"} if line.startswith("password_env") else {}
        tries = [("", setting)] + [(tenant_with(place, line), "") for place in ("project", "space", "database", "grant")] + \
                [(tenant_with("database", line, MARIADB), "")]
        for tenant, config in tries:
            for path, text in (("tenants/o.toml", tenant or tenant_with("none", "")), ("config.toml", config)):
                with open(os.path.join(folder, path), "w", encoding="utf-8") as out:
                    out.write(text)
            ran = subprocess.run([binary, "config", "check", "--config", os.path.join(folder, "config.toml")], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, env=variable, check=False, timeout=60)
            if ran.returncode == 0:
                return True
        return False
    finally:
        places.remove(folder)


def help_of(binary, *words):
    ran = subprocess.run([binary, *words, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60)
    return ran.stdout.decode() if ran.returncode == 0 else ""


def check_prose(report, binary, headers):
    """Lines of TOML are taken by the gateway, also those in comments of others, and so are variables; commands exist with their options; headers were sent or
    received by the blocks that were played."""
    names = (r"Authorization|X-API-Key|X-(?:Org|Project|Space)-Id|X-User-\w+|WWW-Authenticate|RateLimit(?:-Policy)?|Origin|Access-Control-[\w-]+|Retry-After|"
             r"X-Conditional-Delete")
    counted = 0
    shown = [(block.where, block.language, block.text) for page in pages.documents() for block in pages.blocks(page)]
    shown += [(page, "", pages.text_of(page)) for page in pages.documents()]
    shown += [(path, "toml", pages.text_of(path)) for path in example_files()]
    lines, variables = settings_shown(shown)
    for where, line in lines:
        counted += 1
        report.check(is_accepted(binary, line), f"{where}: no file of the gateway's takes {line}")
    for where, name, value in variables:
        counted += 1
        ran = subprocess.run([binary, "config", "print", "--config", os.devnull], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={name: value},
                             check=False, timeout=60)
        report.check(ran.returncode == 0 and not ran.stderr, f"{where}: {name}={value}: {ran.stderr.decode()}")
    for page in pages.documents():
        for where, span in pages.spans(page):
            counted += 1
            if re.match(rf"({names}): ", span):
                pattern = re.escape(span).replace("…", ".*")
                report.check(re.search(rf"(?im)^{pattern}", headers), f"{where}: no example sends or gets the header {span}")
            elif re.match(r'"(tenant|key)";', span):
                pattern = re.sub(r";r=\d+", r";r=\\d+", re.escape(span).replace(r"\=", "="))
                report.check(re.search(rf"(?im)^RateLimit(-Policy)?: (.*, )?{pattern}", headers), f"{where}: no example gets {span}")
            elif re.match(r"rowgate [a-z]", span):
                words = re.match(r"rowgate((?: [a-z][a-z-]*)+)", span).group(1).split()
                said = help_of(binary, *words)
                report.check(said, f"{where}: there is no {span}")
                for option in re.findall(r"--[a-z-]+", span):
                    report.check(option in said, f"{where}: {' '.join(words)} has no {option}")
            elif re.match(r"curl ", span) or re.search(r"(?m)^\[\[", span.replace("[[grant]]", "")):
                report.fail(f"{where}: {span} belongs into a block, with what it answers")
            elif re.match(r"[a-z][a-z_.]* = ", span) and (page != "DECISIONS.md" or pages.WORDS.search(span)):  # that one speaks of SQL
                report.check(is_accepted(binary, span), f"{where}: no file of the gateway's takes {span}")
            else:
                counted -= 1
    return counted


def check_help(report, binary, folder):
    """`as VALUE` in the help of an option is a value that it takes."""
    with open(os.path.join(folder, "config.toml"), "w", encoding="utf-8"):
        os.makedirs(os.path.join(folder, "tenants"), exist_ok=True)
    needed = {"--org-id": "acme-org", "--project-id": "acme-demo", "--space-id": "acme-main", "--user": "ann", "--roles": "editors"}
    counted = 0
    for words, behind in ((("keys", "create"), []), (("explain-access",), ["GET", "/v1/acme/demo/ms/shop/articles"]), (("whoami",), [])):
        said = help_of(binary, *words)
        shown = re.findall(r"^  (?:-\w,)?(--[a-z-]+)\b.*?\bas (\'[^\']+\'|[^\s;]+)(?:;.*)?$", said, re.M)
        shown = [(option, "".join(shlex.split(value))) for option, value in shown if value != "JSON"]
        counted += len(shown)
        arguments = [part for pair in {**needed, **dict(shown)}.items() for part in pair]
        ran = subprocess.run([binary, *words, "--config", os.path.join(folder, "config.toml"), *arguments, *behind], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, check=False, timeout=60)
        # An unknown tenant is a refusal, which is an answer; wrong usage is 2.
        report.check(ran.returncode == 0 or (ran.returncode == 1 and words[0] != "keys"), f"rowgate {words} {shown}: {ran.returncode} {ran.stderr.decode()}")
    report.check(counted >= 4, f"the help texts show {counted} values")


# deploy/example

def example_files():
    folder = os.path.join(places.ROOT, EXAMPLE)
    return sorted(os.path.relpath(os.path.join(base, name), places.ROOT) for base, _, names in os.walk(folder) for name in names if name.endswith(".toml"))


def uncommented(text):
    """The part that is commented out, in force: the lines `# [[…`, `# key = …` and the comments between them."""
    return re.sub(r"^# (?=\[\[|[a-z_]+ += )", "", text, flags=re.M)


def check_example(report, context):
    """Both files load; each role may do what its grants say, and nothing else, with the part that is commented out as well."""
    gateway = ExampleGateway(context.preset, [])
    folder = gateway.folder
    shutil.copytree(os.path.join(places.ROOT, EXAMPLE), folder, dirs_exist_ok=True)
    path = os.path.join(folder, "tenants", "example.toml")
    with open(path, encoding="utf-8") as opened:
        text = uncommented(opened.read())
    server = context.mariadb.get()
    server.make_schema("acme_demo_db")
    os.mkdir(os.path.join(folder, "secrets"))
    with open(os.path.join(folder, "secrets", "acme"), "w", encoding="utf-8") as out:
        out.write("of the tests\n")
    directs = [open_mariadb(server, "acme_demo_db"), open_sqlite(os.path.join(folder, "acme_demo_db.sqlite"))]
    for direct in directs:
        for table in ("users", "public_news", "private"):
            direct.run(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, v INTEGER)")
    directs[0].run("CREATE OR REPLACE USER rowgate@localhost IDENTIFIED BY 'of the tests'")
    directs[0].run("GRANT ALL ON acme_demo_db.* TO rowgate@localhost")
    for direct in directs:
        direct.close()
    text = re.sub(r"^host = .*$", f'socket = "{server.socket}"', re.sub(r"^(port|tls_ca) = .*\n", "", text, flags=re.M), flags=re.M)
    for form in ("as it stands", "with what is commented out"):
        if form != "as it stands":
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
        for command in (["config", "check"], ["tenants", "check"]):
            ran = subprocess.run([gateway.binary, *command, "--config", gateway.config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                                 timeout=60)
            report.equal(ran.returncode, 0, f"{EXAMPLE} {form}: rowgate {' '.join(command)}: {ran.stdout.decode()}")
    try:
        gateway.start(ready=False)
        ask_example(report, gateway, tomllib.loads(text))
    except RuntimeError as error:
        report.fail(f"{EXAMPLE} cannot be served: {error}")
    finally:
        gateway.destroy(report)


def ask_example(report, gateway, org):
    """Each role, verb and table, against the reading of the file by Python's tomllib."""
    asked = 0
    for project in org["project"]:
        for space in project["space"]:
            for database in space["database"]:
                for grant in database["grant"]:
                    report.equal(set(grant), {"role", "tables", "verbs"}, f"{EXAMPLE}: a grant with keys that this suite cannot judge")
                identity = [("X-Org-Id", org["id"]), ("X-Project-Id", project["id"]), ("X-Space-Id", space["id"]), ("X-User-Id", "ann")]
                for role in sorted({grant["role"] for grant in database["grant"]} | {"nobody"}):
                    client = Client(gateway.port, [*identity, ("X-User-Roles", role)])
                    base = f"/v1/{org['name']}/{project['name']}/{database['type']}/{database['name']}"
                    held = [grant for grant in database["grant"] if grant["role"] == role]
                    for table in ("users", "public_news", "private"):
                        for verb in VERBS:
                            asked += 1
                            named = [grant for grant in held if any(fnmatch.fnmatchcase(table, pattern) for pattern in grant["tables"])]
                            needed = "GET" if verb in ("HEAD", "OPTIONS") else verb
                            may = any(needed in grant["verbs"] for grant in named)
                            wanted = {"POST": 201, "OPTIONS": 204}.get(verb, 200) if may else 403 if named else 404
                            body = {"id": asked, "v": 1} if verb == "POST" else {"v": 2} if verb in ("PUT", "PATCH") else None
                            answer = client.request(verb, f"{base}/{table}" + ("" if verb == "POST" else "?id=eq.1"), body=body)
                            report.equal(answer.status, wanted, f"{EXAMPLE}: {role} {verb} {database['type']} {table}: {answer}")
                    client.close()
    report.check(asked >= 60, f"{EXAMPLE}: {asked} requests")


def judge_the_judge(report):
    """Forms that must not slip through, and answers that are not those shown."""
    for text in ("\n    rowgate keys create --user ann\n", "```bash\ncurl -H 'X-User-Id: ann'\n```\n", "```\nrole = \"r\"\n```\n",
                 "~~~sh\nrowgate whoami\n~~~\n",
                 "```sh norun\nrowgate whoami\n```\n", "```http\nDELETE /t?a=eq.1&_preview=true\n```\n", "- a list\n\n      Authorization: Bearer x\n", "```yaml\nrate: 1\n```\n"):
        report.check(pages.unknown(pages.blocks("x.md", text))[0], f"an example that nobody runs is not noticed: {text!r}")
    for shown, actual, is_head, is_same in (
            (["200 [1]"], "200 [1]\n", False, True), (["200 [1]"], "200 [1,2]", False, False), (["2…", "b"], "200 a\nb\n", False, True),
            (["200 {…}"], "201 {}", False, False), (["a…a"], "a", False, False), (["x…b…b…y"], "x b y", False, False), (["x…b…b…y"], "x bb y", False, True),
            (["HTTP/1.1 200 OK", "B: 2"], "HTTP/1.1 200 OK\nA: 1\nB: 2\n\n[]", True, True),
            (["HTTP/1.1 200 OK", "B: 2", "A: 1"], "HTTP/1.1 200 OK\nA: 1\nB: 2", True, False),
            (["HTTP/1.1 200 OK"], "X\nHTTP/1.1 200 OK", True, False), (["HTTP/1.1 200 OK", "B: 2"], "HTTP/1.1 200 OK\nB: 23", True, False)):
        report.equal(pages.matches(shown, actual, is_head), is_same, f"{shown} and {actual!r}")


def run(context):
    report = Report("examples")
    judge_the_judge(report)
    drawings = set()
    for page in pages.documents():
        found = pages.blocks(page)
        wrong, drawn = pages.unknown(found)
        drawings |= drawn
        for sentence in wrong:
            report.fail(sentence)
        report.check(page in (*PLAYED, "README.md") or not any(block.language in pages.LANGUAGES and pages.is_identity(block) for block in found),
                     f"{page}: has examples of identity and is none of the pages that are played")
    report.equal(drawings, pages.DRAWINGS, "drawings that are still there")
    played, headers = 0, ""
    for story in STORIES:
        scene = Scene(context, report)
        try:
            played += sum(play(report, scene, page) for page in story)
            headers += scene.headers() + "\n"
        finally:
            scene.close()
    binary = scene.gateway.binary
    spans = check_prose(report, binary, headers)
    folder = places.scratch("help")
    check_help(report, binary, folder)
    places.remove(folder)
    check_example(report, context)
    if not context.is_sanitized:
        play_readme(report)  # the demo builds the release
    report.note(f"{played} blocks and {spans} short examples")
    return report
