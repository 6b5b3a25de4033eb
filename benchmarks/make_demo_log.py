"""Makes the demo's incident.log: a real PostgreSQL is driven into a real incident, and its log is kept as it is.

Run once, by hand, on a machine with PostgreSQL (Debian: `apt-get install postgresql`):

    python benchmarks/make_demo_log.py

The story, about four minutes long: a small shop without a connection pooler runs quietly; two stock jobs lock
rows in opposite order (deadlocks); somebody leaves a report's transaction open; a migration's ALTER TABLE queues
behind it and every order queues behind the migration; statements time out and the connections run out; an
operator kills the report's backend with SIGKILL, so the server restarts everything and recovers; quiet again.

Nothing in the log is edited. What keeps machine names and paths out of it is the set-up: loopback TCP instead
of a socket file, UTC, and neutral role and database names.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOG = ROOT / "server/bedrock_support/server/demo/incident.log"
TRUTH = ROOT / "tests/data/incident_truth.json"
PORT = 5432
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "24",
    "superuser_reserved_connections": "0",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_timezone": "UTC",
    "log_connections": "on",
    "log_disconnections": "on",
    "log_lock_waits": "on",
    "log_min_duration_statement": "250ms",
    "checkpoint_timeout": "60s",
}
SCHEMA = """
CREATE ROLE app LOGIN; CREATE ROLE reporting LOGIN; CREATE ROLE migrator LOGIN SUPERUSER;
ALTER ROLE app SET statement_timeout = '8s';
CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL, stock int NOT NULL);
CREATE TABLE orders (id bigserial PRIMARY KEY, item_id int NOT NULL REFERENCES items, qty int NOT NULL,
                     status text NOT NULL DEFAULT 'new', created_at timestamptz NOT NULL DEFAULT now());
INSERT INTO items SELECT i, 'item ' || i, 100000 FROM generate_series(1, 500) i;
INSERT INTO orders (item_id, qty) SELECT 1 + i % 500, 1 + i % 4 FROM generate_series(1, 60000) i;
GRANT ALL ON ALL TABLES IN SCHEMA public TO app; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO reporting;
"""
EVENTS = {
    "first_deadlock": "deadlock detected",
    "first_lock_wait": "still waiting for AccessExclusiveLock",
    "first_statement_timeout": "canceling statement due to statement timeout",
    "first_too_many_clients": "FATAL:  sorry, too many clients already",
    "sigkill": "was terminated by signal 9: Killed",
    "first_refused_in_recovery": "FATAL:  the database system is ",
    "redo_done": "redo done at",
}


def binaries() -> Path:
    """The newest installed PostgreSQL."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


def as_postgres(*command: str | Path) -> list[str]:
    """initdb and postgres refuse to run as root."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    return [*prefix, *map(str, command)]


def psql(user: str, database: str, sql: str, app: str) -> subprocess.Popen[str]:
    """One client: connects, runs its statements, leaves. Its own complaints are of no interest, the log has them."""
    environment = {"PGAPPNAME": app, "PGTZ": "UTC", "PATH": os.environ["PATH"], "PGCONNECT_TIMEOUT": "5"}
    command = [binaries() / "psql", "-qAtX", "-h", "127.0.0.1", "-p", str(PORT), "-U", user, "-d", database, "-c", sql]
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


@contextmanager
def server(data: Path, log: Path) -> Generator[subprocess.Popen[bytes]]:
    """A fresh cluster, its stderr in `log`, stopped by SIGINT (fast shutdown) to the process we started."""
    initdb = as_postgres(
        binaries() / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "--locale=C.UTF-8", "--lc-messages=C"
    )
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL)
    options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    with log.open("wb") as out:
        process = subprocess.Popen(as_postgres(binaries() / "postgres", "-D", data, *options), stderr=out)
        try:
            time.sleep(2)
            yield process
        finally:
            postmaster = int((data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
            os.kill(postmaster, signal.SIGINT)
            process.wait(30)


@dataclass(slots=True)
class Shop:
    """Web requests at a steady rate, each with its own connection, whatever becomes of the earlier ones."""

    rate: float = 1.6
    served: int = 0
    stopping: bool = False

    def request(self, number: int) -> None:
        item = 1 + number * 37 % 500
        if number % 3 == 0:
            sql = f"SELECT name, stock FROM items WHERE id = {item}"  # noqa: S608 - numbers of our own
        elif number % 3 == 1:
            sql = f"INSERT INTO orders (item_id, qty) VALUES ({item}, {1 + number % 4}) RETURNING id"  # noqa: S608
        else:
            sql = f"SELECT count(*), sum(qty) FROM orders WHERE item_id = {item}"  # noqa: S608
        for _ in range(2):  # the web front tries a refused request once more
            client = psql("app", "shop", sql, f"web-{1 + number % 4}")
            client.communicate()
            if client.returncode != 2:  # 2: no connection
                break
            time.sleep(0.4)
        self.served += 1

    def run(self) -> None:
        number = 0
        while not self.stopping:
            number += 1
            threading.Thread(target=self.request, args=(number,), daemon=True).start()
            time.sleep(1 / self.rate)


def deadlocks(rounds: int) -> None:
    """Two stock jobs that lock the same two rows in opposite order."""
    for low in range(1, rounds + 1):
        high = 500 - low
        jobs: list[subprocess.Popen[str]] = []
        for first, second in ((low, high), (high, low)):
            update = "UPDATE items SET stock = stock + 10 WHERE id = {}; "
            sql = f"BEGIN; {update.format(first)} SELECT pg_sleep(0.2); {update.format(second)} COMMIT"
            jobs.append(psql("app", "shop", sql, "restock"))
        for job in jobs:
            job.communicate()


def play(shop: Shop) -> None:
    """The incident, second by second."""
    time.sleep(60)
    deadlocks(3)
    time.sleep(15)
    sql = "BEGIN; SELECT pg_backend_pid(); SELECT sum(qty) FROM orders; SELECT pg_sleep(600)"
    report = psql("reporting", "shop", sql, "monthly-report")
    find = "SELECT pid FROM pg_stat_activity WHERE application_name = 'monthly-report'"
    time.sleep(3)
    backend = int(psql("postgres", "shop", find, "ops").communicate()[0])
    migration = psql("migrator", "shop", "ALTER TABLE orders ADD COLUMN channel text", "migrate-0042")
    time.sleep(3)
    shop.rate = 5.0  # customers reload the page
    time.sleep(42)
    os.kill(backend, signal.SIGKILL)
    shop.rate = 8.0
    time.sleep(4)
    shop.rate = 1.6
    for client in (report, migration):
        client.communicate()
    time.sleep(75)


def truth(lines: list[str]) -> dict[str, object]:
    """Where the key events stand (line numbers from 1) and how often they happened."""
    found: dict[str, int] = {}
    for name, needle in EVENTS.items():
        found[name] = next(number for number, line in enumerate(lines, 1) if needle in line)
    ready = "database system is ready to accept connections"
    found["recovery_complete"] = next(n for n, line in enumerate(lines, 1) if n > found["sigkill"] and ready in line)
    counts = {name: sum(needle in line for line in lines) for name, needle in EVENTS.items() if "first_" in name}
    return {"lines": len(lines), "line_of": found, "count_of": {k.removeprefix("first_"): v for k, v in counts.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--log", type=Path, default=LOG)
    parser.add_argument("--truth", type=Path, default=TRUTH)
    wanted = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="demo-log-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        with server(folder / "data", folder / "log"):
            psql("postgres", "postgres", "CREATE DATABASE shop", "setup").communicate()
            psql("postgres", "shop", SCHEMA, "setup").communicate()
            shop = Shop()
            threading.Thread(target=shop.run, daemon=True).start()
            play(shop)
            shop.stopping = True
            time.sleep(3)
        text = (folder / "log").read_text(encoding="utf-8")
    finally:
        shutil.rmtree(folder)
    facts = truth(text.splitlines())
    wanted.log.write_text(text, encoding="utf-8")
    wanted.truth.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({"bytes": len(text), "requests": shop.served, **facts}, indent=2))


if __name__ == "__main__":
    main()
