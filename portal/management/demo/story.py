"""What is told of a patient of the demo clinic."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Line:
    """One message of a conversation: `hours` ago, by the patient's side or the team's."""

    hours: float
    by_team: bool
    text: str


@dataclass(frozen=True)
class Talk:
    """A conversation: what it is about, its subject and its messages."""

    category: str
    subject: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Story:
    """A patient of the demo clinic and how their recovery goes.

    Codes are SNOMED CT, empty where we are not sure of one. `medicines` and `exercises` pair a name
    with how to take or do it.
    """

    name: str
    mrn: str
    born: str
    sex: str
    operation: str
    operation_code: str
    condition: str
    condition_code: str
    day: int
    medicines: tuple[tuple[str, str], ...]
    exercises: tuple[tuple[str, str], ...]
    # How the body is doing: resting pulse, systolic, diastolic, saturation, temperature, weight.
    pulse: int = 74
    systolic: int = 126
    diastolic: int = 78
    saturation: int = 97
    temperature: float = 36.6
    weight: float = 76.0
    pain: int = 5
    trouble: str = ""
    last_reading_hours: float = 3.0
    talks: tuple[Talk, ...] = field(default=())
