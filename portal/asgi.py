"""The ASGI application: pages over HTTP, the engine over WebSocket, both started by the lifespan."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
from portal.environment import said_plainly  # noqa: E402 - settings are named before they are read

with said_plainly():
    pages = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402 - needs the apps

from realtime.lifespan import Lifespan  # noqa: E402 - needs the apps
from realtime.routing import websocket_application  # noqa: E402 - needs the apps

application = ProtocolTypeRouter(
    {"http": pages, "websocket": websocket_application, "lifespan": Lifespan()}
)
