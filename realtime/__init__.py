"""The engine: from a committed row to the pages that are entitled to hear of it.

The way of one event: triggers (declared by `triggers.Publish`) put it into the inbox inside the
transaction of the change; the relay gives it its position in the log after commit; the bus tells
every process; the hub of each process hands it to the sockets that may see it. Knows no clinic: an
organization and a user are opaque ids.
"""

from realtime.position import position

__all__ = ["position"]
