"""Messages as tests write them, and the shared samples of others."""

import os
from pathlib import Path

import pytest

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


def frame(data: bytes) -> bytes:
    """A message as it goes over the wire (MLLP)."""
    return b"\x0b" + data + b"\x1c\r"
