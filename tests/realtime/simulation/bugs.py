"""Bugs of the waits: each breaks something only when two things meet in the wrong order.

As in `tests.gate`, each is an edit of a text that stands once in its file. Here it is put into the
running engine: functions keep their identity and get the code that the edited file would give them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from tests.gate.bug import Edit

ROOT = Path(__file__).resolve().parents[3]


class Bug:
    """A seeded bug, and a seed whose world shows it."""

    def __init__(self, name: str, seed: int, *edits: Edit) -> None:
        self.name, self.seed, self.edits = name, seed, edits


BUGS = [
    Bug(
        "what comes while history is read is not kept",
        38,
        Edit(
            "realtime/join.py",
            "        await self._go_live(subscription)\n",
            "        subscription.buffer.clear()\n        await self._go_live(subscription)\n",
        ),
    ),
    Bug(
        "an await between the empty buffer and going live",
        111,
        Edit(
            "realtime/join.py",
            "            if subscription.is_live or self._is_over():\n",
            "            if not subscription.buffer:\n"
            "                await self._connection.line.drained()\n"
            "                subscription.state = type(subscription.state).LIVE\n"
            "            if subscription.is_live or self._is_over():\n",
        ),
        Edit(
            "realtime/subscription.py",
            "                return False\n"
            "        if not self.buffer:\n"
            "            self.state = State.LIVE\n"
            "        return True\n",
            "                return False\n        return True\n",
        ),
    ),
    Bug(
        "an answer counts for the question that is open when it comes",
        246,
        Edit(
            "realtime/hub.py",
            "self._granted(reader, asked, grants)",
            "self._granted(reader, reader.rights.asked, grants)",
        ),
    ),
    Bug(
        "a question in the last moment of another is not asked",
        70,
        Edit(
            "realtime/hub.py",
            "        if task is None or task.done():\n",
            "        if task is None:\n",
        ),
    ),
    Bug(
        "a position is told while rights are held",
        16,
        Edit(
            "realtime/connection.py",
            "or not subscription.is_live or subscription.rights.held:",
            "or not subscription.is_live:",
        ),
        Edit(
            "realtime/hub_core.py",
            "        if not subscription.is_live or subscription.rights.held:\n",
            "        if not subscription.is_live:\n",
        ),
    ),
    Bug(
        "who was fresh a moment ago is fresh now",
        0,
        Edit(
            "realtime/hub.py",
            "        return self.fresh_at\n",
            "        return datetime.fromtimestamp(self.clock.time(), UTC)\n",
        ),
    ),
    Bug(
        "what ends by the clock ends by the clock of each machine",
        0,
        Edit(
            "realtime/shared_clock.py",
            "        return time.monotonic() + self._most\n",
            "        return time.time()\n",
        ),
    ),
    Bug(
        "what happens in the handshake is forgotten",
        318,
        Edit(
            "realtime/consumer.py",
            "    return asked_at, identity\n",
            "    return hub.core.seq, identity\n",
        ),
    ),
    Bug(
        "history is judged when it is read",
        0,
        Edit(
            "realtime/history.py",
            "    return piece.heard_with(subscription.rights, now)\n",
            "    return piece\n",
        ),
    ),
    Bug(
        "what the first answer says is known when it comes",
        15,
        Edit(
            "realtime/hub.py",
            "            self.fresh_at = datetime.fromtimestamp(snapshot.said, UTC)\n",
            "            self.fresh_at = datetime.fromtimestamp(self.clock.time(), UTC)\n",
        ),
    ),
    Bug(
        "a heartbeat is fresh while rights are held or history is read",
        0,
        Edit("realtime/consumer.py", " and connection.is_up_to_date:\n", ":\n"),
    ),
    Bug(
        "a poll asks last whether the log stands still",
        112,
        Edit(
            "realtime/polling.py",
            "        events, untold = _told(page, bindings)\n",
            "        events, untold = _told(page, bindings)\n"
            "        with authority.reading(identity):\n"
            '            is_fresh = not stands_still(_asked("SELECT realtime_silence()")[-1])\n',
        ),
    ),
    Bug(
        "a pool that is shut cancels whoever waits for it",
        35,
        Edit(
            "realtime/threads.py",
            '                raise Unavailable("the process ends") from None\n            raise\n',
            "                raise\n            raise\n",
        ),
    ),
    Bug(
        "a database that is away is a mistake of ours",
        5,
        Edit(
            "realtime/threads.py",
            "        except (OperationalError, InterfaceError) as error:\n",
            "        except InterfaceError as error:\n",
        ),
    ),
]


@contextmanager
def seeded(bug: Bug) -> Iterator[None]:
    """Have the engine run with a bug, for the length of a block. Raises DoesNotApply."""
    sound: list[tuple[FunctionType, CodeType]] = []
    try:
        for edit in bug.edits:
            bad = _codes(compile(edit.applied(ROOT), edit.path, "exec"))
            module = import_module(edit.path.removesuffix(".py").replace("/", "."))
            for function in _functions(module, module.__name__):
                code = bad[function.__qualname__]
                if code.co_code != function.__code__.co_code or _names(code) != _names(
                    function.__code__
                ):
                    sound.append((function, function.__code__))
                    function.__code__ = code
        yield
    finally:
        for function, code in sound:
            function.__code__ = code


def _names(code: CodeType) -> tuple[Any, ...]:
    constants = [each for each in code.co_consts if not isinstance(each, CodeType)]
    return code.co_names, code.co_varnames, tuple(map(repr, constants))


def _codes(code: CodeType) -> dict[str, CodeType]:
    found: dict[str, CodeType] = {}
    for each in code.co_consts:
        if isinstance(each, CodeType):
            found[each.co_qualname] = each
            found |= _codes(each)
    return found


def _functions(owner: Any, module: str) -> Iterator[FunctionType]:
    for value in list(vars(owner).values()):
        found = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        found = getattr(found, "__wrapped__", found)
        if isinstance(found, FunctionType) and found.__module__ == module:
            if not found.__code__.co_freevars:
                yield found
        elif isinstance(value, type) and value.__module__ == module:
            yield from _functions(value, module)
