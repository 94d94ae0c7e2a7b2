"""The servers that other tests stand on."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from servers import S3Server, Server


def test_a_database_of_ones_own_is_new_and_empty(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert found == (0,)


def test_postgres_comes_back_after_a_kill(postgres: Server, postgres_url: str) -> None:
    if postgres.process is None:
        pytest.skip("the server is not ours to kill")
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    postgres.process.kill()
    postgres.process.start()
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_valkey_answers(valkey: Server) -> None:
    assert valkey.url.startswith(("redis://", "rediss://"))
    assert valkey.process is None or valkey.process.is_alive()


def test_s3_gives_nothing_to_who_is_not_known(s3: S3Server) -> None:
    with pytest.raises(urllib.request.HTTPError, match="403"):
        urllib.request.urlopen(f"{s3.endpoint}/{s3.bucket}/nothing", timeout=10)  # noqa: S310 - an http one
