"""A web server on this machine that gives what a test tells it to."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def serving(files, cut=None):
    """Address of a server of path -> bytes; with ``cut`` it stops after so many bytes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/moved.zip":
                self.send_response(302)
                self.send_header("Location", "/set.zip")
                self.end_headers()
                return
            content = files.get(self.path.lstrip("/"))
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:cut])

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
