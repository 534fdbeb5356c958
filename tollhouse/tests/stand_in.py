"""A process in the place of a service: answers every GET with its TOLLHOUSE_ variables."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        variables = {name: value for name, value in os.environ.items() if name.startswith("TOLLHOUSE_")}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(variables).encode())


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["TOLLHOUSE_HTTP_PORT"])), Answers).serve_forever()
