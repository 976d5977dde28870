"""A PostgreSQL database as the store of one story."""

import json
import sqlite3
from pathlib import Path

from harness.servers import Postgres

COLUMNS = ("seq", "at", "boot", "boot_id", "epoch", "kind", "body", "prev", "hash")
ROWS = ("SELECT coalesce(json_agg(json_build_array(seq, at, boot, boot_id, epoch, kind, "
        "convert_from(body, 'UTF8'), prev, hash) ORDER BY seq), '[]') FROM rollbackd.record")


class Database:
    def __init__(self, server: Postgres, name: str):
        self.server, self.name = server, name
        server.psql(f"CREATE DATABASE {name} OWNER shop", "postgres")
        self.url = f"postgresql://shop@127.0.0.1:{server.port}/{name}"

    def copy_to(self, file: Path) -> None:
        """Its records, in a file that reads like an SQLite journal."""
        rows = json.loads(self.server.psql(ROWS, self.name))
        file.unlink(missing_ok=True)
        with sqlite3.connect(file) as copy:
            copy.execute(f"CREATE TABLE record({', '.join(COLUMNS)})")
            copy.executemany(f"INSERT INTO record VALUES ({', '.join('?' * len(COLUMNS))})", rows)
        copy.close()

    def drop(self) -> None:
        self.server.psql(f"DROP DATABASE {self.name} WITH (FORCE)", "postgres")
