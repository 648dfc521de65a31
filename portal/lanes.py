"""The lanes of the job worker: what may keep what waiting, and what never may.

A job is put into a queue, and each lane of a worker takes from one queue with slots of its own. A
mail server that hangs holds the slots of e-mail, and neither a judgement nor a text message waits
for it. What has the name of no lane is taken by the last one, so that an older worker leaves
nothing of a newer portal lying, and a newer one nothing of an older.
"""

# Judging, steps, their sweeps, and who looks in the guard's place. Nothing here leaves the house.
ALERTS = "alerts"
# The rest of what stays in the house: procrastinate's own name for what was given none.
HOUSE = "default"
# What leaves it has a queue for each way out, named like the channel.
WEB_PUSH, SMS, EMAIL = "web_push", "sms", "email"

# E-mail has the lane that takes from all: it is what may wait, and hangs for the longest.
LANES: dict[str, list[str] | None] = {
    ALERTS: [ALERTS],
    HOUSE: [HOUSE],
    WEB_PUSH: [WEB_PUSH],
    SMS: [SMS],
    EMAIL: None,
}
