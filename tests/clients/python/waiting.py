"""Waiting for something to become true, never longer than a deadline."""

import time


def until(what, holds, seconds=30, every=0.02):
    """Asks until `holds()` gives something true, and gives that back."""
    deadline = time.monotonic() + seconds
    while True:
        answer = holds()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(every)


def until_clock(moment):
    """Waits for the wall clock to pass a moment, given in seconds since the epoch."""
    until("the clock goes on", lambda: moment < time.time(), seconds=60)
