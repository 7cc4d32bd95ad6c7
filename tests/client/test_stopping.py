"""A server that stops while clients come."""

import gc
import socket
import threading
from urllib.parse import urlsplit

from mockscim import MockScim


def test_who_comes_while_it_stops_is_not_left_behind():
    """Connections that are being accepted are closed like all others: nothing warns of them later."""
    for _ in range(20):
        scim = MockScim.threaded().start()
        scim.facts()  # it serves
        base, begin, came = urlsplit(scim.base_url), threading.Event(), []

        def come(port=base.port, begin=begin, came=came):
            begin.wait()
            for _ in range(20):
                try:
                    came.append(socket.create_connection(("127.0.0.1", port), timeout=1))
                except OSError:
                    return

        coming = threading.Thread(target=come)
        coming.start()
        begin.set()
        scim.stop()
        coming.join()
        for each in came:
            each.close()
    gc.collect()  # which tells of sockets that nobody closed
