"""The examples of the documents: code blocks, fenced or indented, and short ones in the prose. Nothing here runs them.

A block is an example of identity, or of a guarded delete, when it has one of WORDS. tests/README.md says how the documents write them."""
import os
import re
import subprocess

from lib import places

WORDS = re.compile(r"\b(roles?|grants?|claims?|tokens?|tenants?|jwt|jwks\w*|rates?|burst|origins?|cors\w*|whoami|explain-access|modes|identity|X-(Org|Project|"
                   r"Space|User)\w*|X-API-Key|Authorization|Bearer|RateLimit|api_key|rg_\w*)\b|\bkeys (create|list|revoke)|row_filter|key_\w+|\$user_id|rows_max|"
                   r"_bytes_max|--(read|write|filter|value)\b|_preview|X-Delete-Token|X-Conditional-Delete|max-affected|affected_max", re.I)
LANGUAGES = ("toml", "sql", "sh", "json")
# Blocks with such words that are drawings, not examples: page and first line.
DRAWINGS = {("ARCHITECTURE.md", "bytes ─ gateway/http ─► Request          (see \"The front\")")}


class Block:
    def __init__(self, page, line, language, text):
        self.page, self.line, self.language, self.text = page, line, language, text

    @property
    def where(self):
        return f"{self.page}:{self.line}"


def documents():
    """Pages that a reader is given; those of the tests describe the tests."""
    listed = subprocess.run(["git", "-C", places.ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], stdout=subprocess.PIPE, check=True)
    return sorted({path for path in listed.stdout.decode().splitlines() if not path.startswith("tests/") and os.path.isfile(os.path.join(places.ROOT, path))})


def text_of(path):
    with open(os.path.join(places.ROOT, path), encoding="utf-8") as opened:
        return opened.read()


def blocks(page, text=None):
    """In order; an indented block has no language."""
    found, lines = [], (text_of(page) if text is None else text).split("\n")
    at, before = 0, ""
    while at < len(lines):
        line = lines[at]
        start = at
        if fence := re.match(r"( *)(```|~~~)(\w*)", line):
            at += 1
            while at < len(lines) and not lines[at].startswith(fence.group(1) + fence.group(2)):
                at += 1
            language = fence.group(3) if fence.group(2) == "```" and line.strip() == "```" + fence.group(3) else "none"
            found.append(Block(page, start + 1, language or "none", "\n".join(lines[start + 1:at])))
        elif line.startswith("    ") and not before.strip():
            while at + 1 < len(lines) and (lines[at + 1].startswith("    ") or not lines[at + 1].strip()):
                at += 1
            found.append(Block(page, start + 1, "", "\n".join(text[4:] for text in lines[start:at + 1]).rstrip("\n")))
        before = lines[at] if at < len(lines) else ""
        at += 1
    return found


def is_identity(block):
    return WORDS.search(block.text) is not None


def unknown(page_blocks):
    """What is wrong with blocks that nobody would run: sentences. And which drawings there are."""
    wrong, drawings = [], set()
    for block in page_blocks:
        first = block.text.split("\n", 1)[0].strip()
        if (block.page, first) in DRAWINGS:
            drawings.add((block.page, first))
        elif is_identity(block) and block.language not in LANGUAGES:
            wrong.append(f"{block.where}: an example of identity that is no ```{', ```'.join(LANGUAGES)} block, so nobody runs it: {first}")
    return wrong, drawings


def spans(page):
    """Short examples in the prose, with their lines."""
    is_fenced = False
    for number, line in enumerate(text_of(page).split("\n"), 1):
        if line.lstrip().startswith(("```", "~~~")):
            is_fenced = not is_fenced
        elif not is_fenced and not line.startswith("    "):
            for span in re.findall(r"`([^`]+)`", line):
                yield f"{page}:{number}", span


class Command:
    """What is typed, and what then stands on the screen: lines, or None where nothing does."""

    def __init__(self, text, shown):
        self.text, self.shown = text, shown

    @property
    def is_curl(self):
        """Whose answer is shown as it is, not what another command makes of it."""
        return re.match(r"curl\b", self.text) is not None and " | " not in self.text

    @property
    def shows_head(self):
        return self.is_curl and re.search(r"\s-i\b", self.text) is not None


def commands(block):
    """`# ` lines below a command are what it answers. A command ends where its line does, unless a backslash continues it."""
    found, typed, shown = [], [], []

    def end():
        if typed:
            found.append(Command("\n".join(typed), shown[:] or None))
        typed.clear()
        shown.clear()

    for line in block.text.split("\n"):
        if line.startswith("# "):
            shown.append(line[2:])
        elif line.strip():
            if not (typed and typed[-1].endswith("\\")):
                end()
            typed.append(line)
    end()
    return found


def is_like(shown, text):
    """`…` stands for anything."""
    first, *middle = shown.split("…")
    if not middle:
        return text == first
    last = middle.pop()
    if not (text.startswith(first) and text.endswith(last)) or len(text) < len(first) + len(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def matches(shown, actual, lines_may_lack):
    """Line ends and blanks beside them do not count; of a head with its body (`curl -i`), lines may be left out behind the first."""
    lines = [line.strip() for line in actual.strip().split("\n")]
    if not lines_may_lack:
        return is_like("".join(line.strip() for line in shown), "".join(lines))
    if not is_like(shown[0].strip(), lines[0]):
        return False
    rest = iter(lines[1:])
    return all(any(is_like(line.strip(), there) for there in rest) for line in shown[1:])
