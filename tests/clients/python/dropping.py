"""A proxy that lets a request through and loses its answer."""

import socket
import threading


class DroppingProxy:
    """Forwards each connection; of the first `answers`, it drops the connection instead."""

    def __init__(self, server, answers=1):
        self.port = server.port
        self.left_to_drop = answers
        self.forwarded = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self._exchange(connection)

    def _exchange(self, connection):
        """One request and its answer; the SDK opens another connection for the next."""
        request = _message(connection)
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as upstream:
            upstream.sendall(request)
            answer = _message(upstream)
        self.forwarded += 1
        if self.left_to_drop:
            self.left_to_drop -= 1
        else:
            connection.sendall(answer)


def _message(connection):
    """Reads one HTTP message whose length is told, or that has no body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _piece(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        piece = _piece(connection)
        body += piece
        data += piece
    return data


def _piece(connection):
    piece = connection.recv(65536)
    if not piece:
        raise ConnectionError("the connection ended in the middle of a message")
    return piece
