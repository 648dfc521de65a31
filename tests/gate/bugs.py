"""All seeded bugs, in the order in which the gate tries them."""

from tests.gate.client_bugs import IN_ORDER
from tests.gate.clinic_bugs import CLIENT, CLINIC
from tests.gate.engine_bugs import ENGINE
from tests.gate.serving_bugs import SERVING
from tests.gate.walls_bugs import RIGHTS

BUGS = (*ENGINE, *RIGHTS, *CLINIC, *CLIENT, *IN_ORDER, *SERVING)
