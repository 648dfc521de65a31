"""One open page in a network namespace of its own; what it hears is printed, a line each.

    python -m tests.faults.far_page SOCKET COOKIES CURSOR

Between the page and SOCKET, where the server's end of the ferry listens, lies this namespace's own
loopback, with everything that is wrong with it.
"""

import asyncio
import json
import sys
from random import Random

from tests.faults.clients import Page
from tests.faults.ferry import ferry


class FarPage(Page):
    """Prints the position of each event when it arrives, and why a line ended."""

    def take(self, data: dict) -> None:
        super().take(data)
        print(json.dumps(self.heard[-1].seq), flush=True)

    def _count(self, why: str) -> None:
        print(json.dumps(why), flush=True)


async def _read(server: str, cookies: dict[str, str], cursor: str) -> None:
    async with await ferry("tcp:0", f"unix:{server}") as way:
        port = way.sockets[0].getsockname()[1]
        await FarPage("far", "", cookies, [port], cursor, Random(0)).run()


if __name__ == "__main__":
    asyncio.run(_read(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]))
