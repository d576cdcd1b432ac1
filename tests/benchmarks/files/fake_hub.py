"""A Hugging Face hub of one dataset on localhost, which counts the bytes it sends."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

COMMIT = "a" * 40


@contextmanager
def serve_dataset(repo: str, files: dict[str, bytes], gated: bool = False) -> Iterator[tuple]:
    """(address, list of the sizes of the file ranges sent) while the block runs."""
    sent: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key.replace("_", "-"), value)
            if "Content_Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def answer_json(self, data: object) -> None:
            self.answer(200, json.dumps(data).encode(), Content_Type="application/json")

        def info_of(self, path: str) -> dict:
            return {"type": "file", "path": path, "size": len(files[path]), "oid": "b" * 40}

        def do_GET(self) -> None:
            path = unquote(self.path.partition("?")[0])
            if not path.startswith((f"/api/datasets/{repo}", f"/datasets/{repo}/resolve/")):
                return self.answer(404, X_Error_Code="RepoNotFound", X_Error_Message="no repo")
            if path.startswith(f"/api/datasets/{repo}/tree"):
                return self.answer_json([self.info_of(f) for f in files])
            if path.startswith("/api/"):
                names = [{"rfilename": f} for f in files]
                return self.answer_json({"id": repo, "sha": COMMIT, "siblings": names})
            if gated:
                return self.answer(403, X_Error_Code="GatedRepo", X_Error_Message="ask for access")
            data = files[path.split("/resolve/")[1].partition("/")[2]]
            headers = {"ETag": '"etag"', "X_Repo_Commit": COMMIT, "Accept_Ranges": "bytes"}
            wanted = self.headers.get("Range")
            if self.command == "HEAD" or not wanted:
                if self.command == "GET":
                    sent.append(len(data))
                return self.answer(200, data, Content_Length=str(len(data)), **headers)
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            part = data[int(first) : int(last or len(data)) + 1]
            sent.append(len(part))
            content = f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}"
            return self.answer(206, part, Content_Range=content, **headers)

        do_HEAD = do_GET

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            try:
                wanted = json.loads(body)["paths"]
            except ValueError:
                wanted = [unquote(p.partition("=")[2]) for p in body.split("&")]
            self.answer_json([self.info_of(f) for f in wanted if f in files])

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", sent
    finally:
        server.shutdown()
