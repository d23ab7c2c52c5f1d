"""Several callers at once, each on a thread and a connection of its own."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence

from django.db import connection


def outcomes(calls: Sequence[Callable[[], object]]) -> Counter:
    """Let all calls go at the same moment. Counts how they ended: "done", or the name of the exception."""
    gate = threading.Barrier(len(calls))
    ends = []

    def run(call):
        try:
            gate.wait()
            call()
            ends.append("done")
        except Exception as error:  # whatever a caller may meet is what a race test looks for
            ends.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(ends)
