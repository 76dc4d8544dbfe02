"""A server in this process that answers chats as it is told, and keeps what it was sent."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def event(text=None, end=None):
    return f"data: {json.dumps({'choices': [{'delta': {'content': text}, 'finish_reason': end}]})}\n\n".encode()


DONE = b"data: [DONE]\n\n"
STREAM = [b": a comment\n\n", event(""), event("A red "), event("star "), event("[7]."), event(None, "stop"), DONE]


class Server:
    """Answers each request by `answer(content, number)` → (status, chunks); keeps what it was sent."""

    def __init__(self):
        self.asked, self.headers = [], []
        self.answer = lambda content, number: (200, STREAM)
        self.hold = threading.Event()
        self.hold.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                outer.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                outer.headers.append(dict(self.headers))
                status, chunks = outer.answer(outer.asked[-1], len(outer.asked))
                self.send_response(status)
                self.end_headers()
                for at, chunk in enumerate(chunks):
                    if at == 3:
                        outer.hold.wait(5)
                    self.wfile.write(chunk)
                    self.wfile.flush()

            def log_message(self, *given):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.handle_error = lambda request, address: None
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        self.address = f"http://127.0.0.1:{self.http.server_port}/v1"

    def close(self):
        self.hold.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()
