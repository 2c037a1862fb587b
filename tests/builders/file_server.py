"""A web server on the loopback address, with the faults that a download meets."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class FileServer(http.server.ThreadingHTTPServer):
    """Serves `data` under any path but those of `files`, and notes what it was asked for."""

    daemon_threads = True

    def __init__(self, data: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.data = data
        self.files: dict[str, bytes] = {}  # by path
        self.cuts: list[int] = []  # bytes after which each of the next answers breaks off
        self.states_length = True
        self.status = 200
        self.gets: list[str] = []  # paths of GET requests
        self.heads: list[str] = []
        self.logins: list[str | None] = []  # the Authorization of each GET request

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"{self.root}/some/tiny%20net-1.pth?token=secret"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        """What the hub's client wants to know of a file."""
        server = self.server
        assert isinstance(server, FileServer)
        server.heads.append(self.path)
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(server.data)))
        self.send_header("ETag", f'"{hashlib.sha256(server.data).hexdigest()}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.end_headers()

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, FileServer)
        server.gets.append(self.path)
        server.logins.append(self.headers["Authorization"])
        body = server.files.get(self.path) if server.files else server.data
        if server.status != 200 or body is None:
            self.send_error(server.status if body is not None else 404)
            return
        self.send_response(200)
        if server.states_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.cuts.pop(0)] if server.cuts else body)
        self.close_connection = True

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@contextmanager
def file_server(data: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A running server, reached without a proxy."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with FileServer(data) as server:
        # Otherwise it looks only twice a second whether it shall end.
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
