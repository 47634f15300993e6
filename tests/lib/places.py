"""Where things are: the checkout, a preset's binaries, scratch folders. Nothing here starts anything."""
import os
import shutil
import tempfile

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
TESTS = os.path.join(ROOT, "tests")


def build_folder(preset):
    return os.path.join(ROOT, "build", preset)


def scratch(name):
    """A new folder, in memory when there is room: the tests pay for no disk that they do not test."""
    base = tempfile.gettempdir()
    try:
        room = os.statvfs("/dev/shm")
        if room.f_bavail * room.f_frsize > 3 << 30 and os.access("/dev/shm", os.W_OK):
            base = "/dev/shm"
    except OSError:
        pass
    return tempfile.mkdtemp(prefix=f"rowgate-{name}-", dir=base)


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
