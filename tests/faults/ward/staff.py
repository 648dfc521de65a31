"""Who brings the findings, and who hears of alerts, sees them and answers."""

import asyncio
import contextlib
import re
import time
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import httpx
import psycopg

from tests.faults.clients import NOBODY, TOKEN, Page
from tests.faults.ward.facts import Pressed
from tests.faults.ward.world import CODE
from tests.faults.writers import Line

TABLE = "assessment_critical_alerts"
BATCH = 5
# With which the page says that an alert is the reader's own now.
HAD = "You have it:"
_INSERT = (
    "INSERT INTO results (id, organization_id, patient_id, category, code, code_system, display,"
    " value, text_value, unit, components, interpretation, measured_at, time_is_known, source,"
    " status, created_at, is_implausible, method, reported_unit, reported_value)"
    " SELECT id, %s, patient, 'laboratory', %s, 'http://loinc.org', 'Potassium', 6.4, '', 'mmol/L',"
    " '[]', '', clock_timestamp(), true, 'import', 'final', clock_timestamp(), false, '', '', ''"
    " FROM unnest(%s::uuid[], %s::uuid[]) AS given (id, patient) ON CONFLICT DO NOTHING"
)


@dataclass
class Laboratory:
    """Brings one critical result for each patient, each once whatever happens meanwhile."""

    url: str
    organization: str
    patients: list[str]
    brought: int = 0

    async def bring(self) -> None:
        """The next few, until they are committed."""
        first, last = self.brought, min(self.brought + BATCH, len(self.patients))
        ids = [str(UUID(int=number + 1)) for number in range(first, last)]
        line = Line(self.url)
        while self.brought < last:
            connection = await line.begin(self.organization)
            try:
                values = [self.organization, CODE, ids, self.patients[first:last]]
                await connection.execute(_INSERT, values)
                await connection.commit()
                self.brought = last
            except psycopg.Error:
                # Whether it was committed is not known; a second time changes nothing.
                await line.close()
        await line.close()


@dataclass
class Clinician(Page):
    """A page of somebody who hears of alerts and answers a share of them, some time later.

    Whatever they were told was done is `pressed`.
    """

    share: float = 0.5
    after: tuple[float, float] = (0.2, 3.0)  # seconds from hearing to seeing
    pressed: list[Pressed] = field(default_factory=list)
    heard_of: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._due: asyncio.PriorityQueue[tuple[float, str]] = asyncio.PriorityQueue()

    @property
    def binding(self) -> dict[str, str]:
        return {"event": "*", "schema": "public", "table": TABLE}

    def take(self, data: dict) -> None:
        self._hear_of(data["record"]["id"])
        self.stand_at(data["position"])

    def _hear_of(self, alert: str) -> None:
        """It is news for the first time."""
        if alert in self.heard_of:
            return
        self.heard_of.add(alert)
        # The same for the same alert, whenever it is heard of.
        dice = Random(f"{self.user} {alert}")
        if dice.random() < self.share:
            self._due.put_nowait((time.monotonic() + dice.uniform(*self.after), alert))

    async def _begin_anew(self) -> None:
        """Read the page again: the worklist, too, has what was missed."""
        await super()._begin_anew()
        with contextlib.suppress(httpx.HTTPError):
            async with httpx.AsyncClient(timeout=20, verify=NOBODY) as line:
                answer = await line.get(
                    f"http://127.0.0.1:{self.pick()}/alerts/", headers={"Cookie": self.cookie}
                )
            for alert in re.findall(r"/alerts/([0-9a-f-]{36})/", answer.text):
                self._hear_of(alert)

    async def answer(self) -> None:
        """Press what there is to press, until cancelled."""
        while True:
            due, alert = await self._due.get()
            await asyncio.sleep(due - time.monotonic())
            await self._press(alert, "seen", "/alerts/sightings/", alert=alert)
            said = await self._press(alert, "acknowledged", f"/alerts/{alert}/acknowledgement/")
            self._count("had it" if HAD in said else "too late")

    async def _press(self, alert: str, kind: str, path: str, /, **data: str) -> str:
        """Press a button until there is an answer that is not "try again"; return its words."""
        while True:
            with contextlib.suppress(httpx.HTTPError, OSError):
                async with httpx.AsyncClient(timeout=10, verify=NOBODY) as line:
                    answer = await line.post(
                        f"http://127.0.0.1:{self.pick()}{path}",
                        headers={"Cookie": self.cookie, "HX-Request": "true"},
                        data=data | {"csrfmiddlewaretoken": TOKEN},
                    )
                self._count(f"{kind}: {answer.status_code}")
                if answer.status_code == 204 or HAD in answer.text:
                    self.pressed.append(Pressed(self.user, alert, kind))
                if answer.status_code < 500:
                    return answer.text
            self.failed = self.port
            await asyncio.sleep(self.dice.uniform(0.1, 1))
