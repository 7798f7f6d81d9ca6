"""Ports of the loopback for servers that are told theirs and may come back to it."""

import socket


def reserve_port():
    """A socket that keeps a port for a server that also sets SO_REUSEADDR: nobody else is given it."""
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    return kept
