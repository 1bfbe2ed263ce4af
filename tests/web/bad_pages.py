# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Pages with one thing wrong each, for whether it is noticed."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_FRAME = '<!doctype html><html lang="en"><title>Bad</title><link rel="icon" href="data:,"><h1>Bad</h1>'
_POLICY = "default-src 'none'; img-src data: 'self'"
BAD_PAGES = {
    "/script": ("<script>1</script>", "Content Security Policy"),
    "/style": ('<p style="color: red">Red</p>', "Content Security Policy"),
    "/elsewhere": ('<img src="http://127.0.0.2:9/x.png" alt="">', "fetches http://127.0.0.2:9/x.png"),
    "/wide": (f"<p>{'W' * 1000}</p>", "pixels wide in a window of"),
    "/broken": ('<img src="/gone" alt="">', "/gone answers 404"),
}
"""Path, what is on the page, and what must be complained of."""
BARRIER = '<main><img src="data:," width="9" height="9"></main>'


@contextmanager
def serving_bad_pages() -> Iterator[str]:
    """Their origin."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = BARRIER if self.path == "/barrier" else BAD_PAGES.get(self.path, ("", ""))[0]
            body = (_FRAME + page).encode()
            self.send_response(200 if page else 404)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", _POLICY)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
