"""Counts what held and what did not, and says what did not while it happens. Thread safe."""
import sys
import threading


class Report:
    def __init__(self, name, shown_max=40):
        self.name = name
        self.passed = 0
        self.failed = 0
        self.notes = []
        self._shown_max = shown_max
        self._lock = threading.Lock()

    def ok(self, count=1):
        with self._lock:
            self.passed += count

    def fail(self, message):
        with self._lock:
            self.failed += 1
            if self.failed <= self._shown_max:
                print(f"  FAIL {self.name}: {message}", flush=True)
            elif self.failed == self._shown_max + 1:
                print(f"  FAIL {self.name}: more failures follow, not shown", flush=True)

    def check(self, holds, message):
        if holds:
            self.ok()
        else:
            self.fail(message)
        return bool(holds)

    def equal(self, got, wanted, message):
        return self.check(got == wanted, f"{message}: got {short(got)}, wanted {short(wanted)}")

    def note(self, text):
        """A figure for the suite's summary."""
        self.notes.append(text)

    def add(self, other_passed, other_failed):
        with self._lock:
            self.passed += other_passed
            self.failed += other_failed


def short(value, limit=400):
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[:limit] + f"… ({len(text)})"


def say(text):
    print(text, flush=True)
    sys.stdout.flush()
