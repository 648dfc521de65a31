"""The ASGI application: pages over HTTP, the engine over WebSocket, begun by the lifespan."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
from portal.environment import said_plainly

with said_plainly():
    pages = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # type: ignore[import-untyped]

from portal import garbage, giving_way
from portal.operations.sampling import SampledLifespan
from portal.operations.startup import CheckedLifespan
from realtime.lifespan import Lifespan
from realtime.routing import websocket_application

application = ProtocolTypeRouter(
    {
        "http": pages,
        "websocket": websocket_application,
        "lifespan": CheckedLifespan(SampledLifespan(Lifespan())),
    }
)

garbage.spare_what_stays()
giving_way.give_way()
