"""Object stores, by an S3 server on this machine: listing, fetching, a store that fails or is slow, and secrets."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conviqt_cli.batch.discovery import Rules, search
from conviqt_cli.errors import InputError, UsageError
from conviqt_cli.storage import objects
from conviqt_cli.storage.objects import fetch, listed, stat

pytest.importorskip("s3fs")
moto = pytest.importorskip("moto.server")

SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"


class Between(ThreadingHTTPServer):
    """Stands between a client and the store: every ``failing``-th request fails, each takes ``seconds`` longer."""

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind, self.failing, self.seconds, self.requests = port, 0, 0.0, 0


class _Handler(BaseHTTPRequestHandler):
    server: Between
    protocol_version = "HTTP/1.1"

    def _forward(self) -> None:
        between = self.server
        between.requests += 1
        time.sleep(between.seconds)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if between.failing and between.requests % between.failing:
            status, headers, data = 503, [], b"<Error><Code>SlowDown</Code></Error>"
        else:
            connection = http.client.HTTPConnection("127.0.0.1", between.behind, timeout=30)
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            status, headers, data = answer.status, answer.getheaders(), answer.read()
        self.send_response(status)
        length = dict((name.lower(), value) for name, value in headers).get("content-length", len(data))
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(length if self.command == "HEAD" else len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _forward

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def store() -> Iterator[Between]:
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    between = Between(server.get_host_and_port()[1])
    threading.Thread(target=between.serve_forever, daemon=True).start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{between.server_port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        objects._filesystem.cache_clear()
        files = objects._filesystem("s3")
        files.mkdir("videos")
        yield between
        objects._filesystem.cache_clear()
    between.shutdown()
    server.stop()


@pytest.fixture
def filled(store: Between, small) -> Between:
    """A bucket with videos, some of them in a subfolder, and something else."""
    store.failing, store.seconds = 0, 0.0
    files = objects._filesystem("s3")
    for name in ("a/1.mp4", "a/2.mp4", "a/more/3.mp4", "a/notes.txt"):
        files.pipe(f"videos/{name}", small.read_bytes())
    return store


def found(name: str, **rules: object) -> tuple[list[str], Counter[str]]:
    skipped: Counter[str] = Counter()
    return [source for source, _ in search([name], Rules(**rules), skipped)], skipped


def test_folders_are_listed_page_by_page(filled, monkeypatch):
    monkeypatch.setattr(objects, "_PAGE", 2)
    assert found("s3://videos/a/") == (["s3://videos/a/1.mp4", "s3://videos/a/2.mp4"], {"not a video": 1})
    assert found("s3://videos/a", recursive=True)[0][-1] == "s3://videos/a/more/3.mp4"
    before = filled.requests
    names = listed("s3://videos/a", recursive=True)
    next(names)
    assert filled.requests == before + 1
    assert found("s3://videos/nothing/")[0] == ["s3://videos/nothing/"]


def test_an_object_is_fetched_as_it_is(filled, small, tmp_path):
    was, key = fetch("s3://videos/a/1.mp4", tmp_path / "x.mp4")
    assert (tmp_path / "x.mp4").read_bytes() == small.read_bytes() and was == stat("s3://videos/a/1.mp4")
    assert len(key) == 64 and stat("s3://videos/a/9.mp4") is None
    with pytest.raises(InputError, match="no such object"):
        fetch("s3://videos/a/9.mp4", tmp_path / "x.mp4")


def test_a_store_that_fails_at_times_or_is_slow_is_asked_again(filled, small, tmp_path):
    filled.failing, filled.seconds = 2, 0.2
    fetch("s3://videos/a/1.mp4", tmp_path / "x.mp4")
    assert (tmp_path / "x.mp4").read_bytes() == small.read_bytes()


def test_a_store_that_is_gone_is_a_reason_without_a_secret(filled, tmp_path, monkeypatch):
    class Failing:
        def info(self, path: str) -> None:
            raise OSError(f"signature of {SECRET} does not match")

    monkeypatch.setattr(objects, "_filesystem", lambda scheme: Failing())
    with pytest.raises(InputError, match="the store fails") as error:
        fetch("s3://videos/a/1.mp4", tmp_path / "x.mp4")
    assert SECRET not in str(error.value) and "***" in str(error.value)
    with pytest.raises(UsageError, match="environment"):
        found(f"s3://AKIAIOSFODNN7EXAMPLE:{SECRET}@videos/a/")


def test_a_bucket_is_scored_into_a_bucket(filled, conviqt, tmp_path, monkeypatch):
    monkeypatch.setenv("CONVIQT_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("CONVIQT_CACHE", str(tmp_path / "cache"))
    options = ("--precision", "fp32", "--device", "cpu")
    done = conviqt("score", "s3://videos/a/", "s3://videos/none.mp4", "-o", "s3://videos/scores.csv", *options)
    assert done.returncode == 1 and "s3://videos/none.mp4: no such object" in done.stderr, done.stderr
    text = objects._filesystem("s3").cat("videos/scores.csv").decode()
    assert text.count("s3://videos/a/") == 2 and SECRET not in text + done.stdout + done.stderr
    assert str(tmp_path) not in text and not list((tmp_path / "scratch").glob("*/*/*"))
    assert not list((tmp_path / "cache" / "outputs").iterdir())
    again = conviqt("score", "s3://videos/a/", "-o", "s3://videos/scores.csv", *options)
    assert "2 of 2 from an earlier run" in again.stdout
    pytest.importorskip("pyarrow")
    done = conviqt("score", "s3://videos/a/", "-o", "s3://videos/scores", "--format", "parquet", *options)
    assert done.returncode == 0 and objects._filesystem("s3").exists("videos/scores/scores-00000.parquet")
