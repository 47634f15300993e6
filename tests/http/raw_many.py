"""Many connections at once: every answer goes to its asker; the caps on connections hold and let go."""
import random
import socket
import threading
import time

from raw_case import LIVE, NOTES, USERS, WHO, get_user, request
from raw_case import JSON, length
from raw_wire import Connection, Endpoint, faults

CLIENTS = 200
ROUNDS = 12


def one_client(endpoint, number, seed, failures):
    """Reads, writes, pipelines and slices, each request with an id of its own and an answer that only it can have."""
    chance = random.Random(f"{seed}/{number}")
    connection = Connection(endpoint, timeout=30)
    try:
        for turn in range(ROUNDS):
            batch, wanted = b"", []
            for index in range(chance.choice((1, 1, 2, 8))):
                name = f"c{number}-{turn}-{index}"
                if chance.random() < 0.1:
                    body = b'{"text":"%s"}' % name.encode()
                    batch += request(f"POST {NOTES} HTTP/1.1", WHO + [JSON, length(len(body)), f"X-Request-Id: {name}"], body)
                    wanted.append((name, 201, None))
                else:
                    user = chance.randrange(1, 51)
                    batch += get_user(user, [f"X-Request-Id: {name}"])
                    wanted.append((name, 200, [{"id": user, "name": f"user-{user}"}]))
            pieces = [chance.randrange(1, 200) for _ in range(chance.choice((0, 0, 1, 5)))]
            connection.send_sliced(batch, pieces, 0.002)
            for name, status, rows in wanted:
                answer = connection.answer()
                if answer is None or answer.request_id != name or answer.status != status or (rows is not None and answer.json() != rows):
                    failures.append(f"{name}: {answer!r} for {answer and answer.request_id}")
                    return
            if chance.random() < 0.1:
                connection.close()
                connection = Connection(endpoint, timeout=30)
    except (OSError, ValueError) as error:
        failures.append(f"client {number}: {error!r}")
    finally:
        connection.close()


def many_clients(stage, report):
    front = stage.front(settings={"server": {"queue_age_max_ms": 30000}, "database": {"pool_wait_max_ms": 30000}})
    open_files = []
    for wave in range(2):
        failures = []
        threads = [threading.Thread(target=one_client, args=(front.endpoint, number, f"{stage.seed}/{wave}", failures))
                   for number in range(wave * CLIENTS, (wave + 1) * CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        report.check(not failures, f"{len(failures)} of {CLIENTS} clients failed: {failures[:3]}")
        time.sleep(0.3)
        open_files.append(front.open_files())
    texts = stage.direct.column("SELECT text FROM notes")
    report.check(len(texts) == len(set(texts)) and len(texts) > 200, f"{len(texts)} notes, {len(set(texts))} of them different")
    report.check(open_files[1] <= open_files[0] + 40,  # the pool may have grown: two files a connection
                 f"{open_files[0]} open files after {CLIENTS} clients, {open_files[1]} after as many more")
    stage.end(report, front)


def own_address():
    """An address of this machine that is not loopback, or None. Nothing is sent."""
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        probe.connect(("203.0.113.1", 9))
        address = probe.getsockname()[0]
        return None if address.startswith(("127.", "0.")) else address
    except OSError:
        return None
    finally:
        probe.close()


def fill(endpoint, count, report, name):
    """`count` connections that were served and stay open."""
    held = [Connection(endpoint) for _ in range(count)]
    statuses = [answer and answer.status for answer in (connection.exchange(LIVE) for connection in held)]
    report.equal(statuses, [200] * count, f"{name}: answers up to the cap")
    return held


def is_refused(endpoint, report, name):
    """One connection more gets 503 and is closed, and so does the next."""
    for _ in range(3):
        with Connection(endpoint) as connection:
            try:
                answer = connection.exchange(LIVE)
                wrong = ["no answer"] if answer is None else faults(answer, "overloaded")
                if answer is not None and (answer.status != 503 or not answer.header("Retry-After") or not answer.closes or not connection.closes()):
                    wrong.append(repr(answer))
            except (OSError, ValueError) as error:
                wrong = [repr(error)]
        report.check(not wrong, f"{name}: a connection past the cap: {'; '.join(wrong)}")


def is_served(endpoint, within=2.0):
    end = time.monotonic() + within
    while time.monotonic() < end:
        with Connection(endpoint) as connection:
            try:
                answer = connection.exchange(LIVE)
                if answer is not None and answer.status == 200:
                    return True
            except (OSError, ValueError):
                pass
        time.sleep(0.05)
    return False


def hold_and_let_go(endpoint, count, report, name):
    time.sleep(0.5)  # those that asked whether it serves still count for a moment
    held = fill(endpoint, count, report, name)
    is_refused(endpoint, report, name)
    statuses = [answer and answer.status for answer in (connection.exchange(LIVE) for connection in held)]
    report.equal(statuses, [200] * count, f"{name}: those within the cap go on")
    for connection in held[:3]:
        connection.close()
    report.check(is_served(endpoint), f"{name}: no new connection is served when others have gone")
    for connection in held:
        connection.close()
    report.check(is_served(endpoint), f"{name}: no new connection is served when all have gone")


def caps(stage, report):
    front = stage.front(settings={"server": {"connections_max": 20}})
    hold_and_let_go(front.endpoint, 20, report, "connections_max")
    stage.end(report, front)

    address = own_address()
    if address is None:
        print("   not run: connections_per_address_max: this machine has loopback addresses alone", flush=True)
        return
    server = {"connections_per_address_max": 5}
    front = stage.front(address="0.0.0.0", settings={"": {"trusted_proxies": ["127.0.0.1/32"]}, "server": server})
    foreign = Endpoint(port=front.port, host=address, source=address)
    hold_and_let_go(foreign, 5, report, "connections_per_address_max")
    time.sleep(0.3)  # those that were just closed still count for a moment
    held = fill(foreign, 5, report, "connections_per_address_max")
    for connection in held + fill(front.endpoint, 30, report, "loopback is not counted"):
        connection.close()
    stage.end(report, front)
    front = stage.front(address="0.0.0.0", settings={"": {"trusted_proxies": ["127.0.0.1/32", f"{address}/32"]}, "server": server})
    foreign = Endpoint(port=front.port, host=address, source=address)
    for connection in fill(foreign, 30, report, "a trusted proxy is not counted"):
        connection.close()
    stage.end(report, front)
