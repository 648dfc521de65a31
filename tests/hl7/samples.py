"""Messages as tests write them, and the shared samples of others."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

_DATA = Path(os.environ.get("SAMPLE_DATA", Path(__file__).resolve().parents[3] / "shared/data"))
SHARED = _DATA / "hl7v2"


def sample(name: str) -> bytes:
    """A message of the shared data; the test is skipped where the folder is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the shared sample data")
    return (SHARED / name).read_bytes()


def header(kind: str = "ORU^R01", control_id: str = "1", sent: str = "20261120080000+0000") -> str:
    return rf"MSH|^~\&|LAB|HILL|VIGIL|HARBOUR|{sent}||{kind}|{control_id}|P|2.5.1"


def patient(number: str = "4471", birth: str = "19640302") -> str:
    return f"PID|1||{number}^^^HARBOUR^MR||Ruiz^Ana||{birth}|F"


def order(number: str = "77", at: str = "20261120070000+0000") -> str:
    return f"OBR|1|P{number}|{number}|24323-8^Panel^LN|||{at}"


def result(
    code: str = "2823-3^Potassium^LN",
    value: str = "4.1",
    unit: str = "mmol/L",
    *,
    kind: str = "NM",
    sub: str = "",
    status: str = "F",
    at: str = "20261120070000+0000",
    range: str = "3.5-5.1",
    flag: str = "N",
) -> str:
    return f"OBX|1|{kind}|{code}|{sub}|{value}|{unit}|{range}|{flag}|||{status}|||{at}"


def oru(*lines: str, control_id: str = "1", end: str = "\r", **subject: str) -> bytes:
    """An ORU^R01 about Ana, with one order and these OBX lines."""
    segments = [header(control_id=control_id), patient(**subject), order(), *(lines or [result()])]
    return (end.join(segments) + end).encode()


KNEE = "AIS|1||KC^Knee check^L|{at}|||30|min"
ADA = "AIP|1||77^Lee^Ada"
ROOM = "AIL|1||WARD^Room 3^^North House"


def at(days=7, hour=10, minute=0):
    """A time some days from today."""
    day = timezone.now().replace(hour=hour, minute=minute, second=0, microsecond=0)
    return day + timedelta(days=days)


def written(moment):
    return f"{moment:%Y%m%d%H%M%S}+0000"


def siu(event="S12", *segments, starts=None, minutes=30, control_id="1", sch="P1|F1", **subject):
    """An SIU about Ana: half an hour with Ada in Room 3, in a week."""
    starts = starts or at()
    ends = starts + timedelta(minutes=minutes)
    lines = [
        header(f"SIU^{event}^SIU_{event}", control_id=control_id),
        f"SCH|{sch}|||||Checkup",
        f"TQ1|1||||||{written(starts)}|{written(ends)}",
        patient(**subject),
        "RGS|1",
        *(segments or [KNEE.format(at=written(starts)), ROOM, ADA]),
    ]
    return "\r".join(lines).encode()


def frame(data: bytes) -> bytes:
    """A message as it goes over the wire (MLLP)."""
    return b"\x0b" + data + b"\x1c\r"
