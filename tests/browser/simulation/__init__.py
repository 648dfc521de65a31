"""The page's own realtime client, driven through a world of virtual time by hypothesis.

    steps       what may happen: hypothesis draws a plan
    world.js    lives through it, in one call of the browser, and returns a trace
    borders.js  where the client meets the browser: sockets, fetches, timers, clock and chance
    clock.js    the world's time
    line.js     the network between a socket and the server
    log.js      what the clinic knows, and the log that tells of it
    hub.js      the server's side of sockets
    polling.js  and of polls
    page.js     regions that read when they are told, as live-region.js and realtime/page.js do
    oracle      judges a trace: contents, tells, line and patience are the promises it looks at
    witness     what these have in common

Only the outside is played: client, connection, channel, bindings, cursor, poller, socket and
backoff are the modules that run in production.
"""
