"""Every await of the engine has a failpoint before it, or a reason why it needs none."""

import ast
from collections import Counter
from pathlib import Path

import pytest

REALTIME = Path(__file__).resolve().parents[2] / "realtime"
MODULES = {path.stem: ast.parse(path.read_text()) for path in sorted(REALTIME.glob("*.py"))}

# What need not be held, by the last name of what is awaited.
REASONS = {
    "sleep": "waits for the clock alone",
    "timeout": "is no wait of its own: what stands inside is",
    "wait": "waits for tasks or events of ours, whose own awaits can be held",
    "gather": "as above",
    "shield": "as above",
    "anext": "the generator is ours (history.missed) and can be held",
    "get": "waits for a queue of ours: hold who fills it",
    "_turn": "waits for a lock of ours: hold who has it",
    "cursor": "makes an object; nothing is sent",
    "fetchone": "the answer came with execute",
    "fetchall": "as above",
    "receive": "waits for the peer or the server: a test plays it",
    "send": "as above",
    "_send": "as above",
    "close": "what is given up is waited for by nobody",
    "disconnect": "as above",
    "_serving": "the task is ours and can be held",
    "_task": "as above",
    "_ending": "as above",
    "TaskGroup": "ends tasks of ours, whose own awaits are held",
    "action": "runs what a test armed",
    "answer": "a future of ours: hold who answers it",
    "ready": "waits for the socket of libpq: hold the relay, which asks",
}

# Coroutine functions of the engine itself: their own awaits are held, here or elsewhere.
OURS = {
    node.name
    for tree in MODULES.values()
    for node in ast.walk(tree)
    if isinstance(node, ast.AsyncFunctionDef)
}


class Waits(ast.NodeVisitor):
    """The places of one module where the event loop may turn, and whether each can be held."""

    def __init__(self, module):
        self.module = module
        self.bare, self.names = [], []
        self._blocks = []  # (statements, index) from the function down to here

    def visit_AsyncFunctionDef(self, node):
        outer, self._blocks = self._blocks, []
        self._walk(node.body)
        self._blocks = outer

    def visit_FunctionDef(self, node):
        outer, self._blocks = self._blocks, []
        self.generic_visit(node)
        self._blocks = outer

    def _walk(self, statements):
        for index, statement in enumerate(statements):
            self._blocks.append((statements, index))
            self._visit_statement(statement)
            self._blocks.pop()

    def _visit_statement(self, statement):
        if isinstance(statement, (ast.AsyncFunctionDef, ast.FunctionDef)):
            self.visit(statement)
            return
        if isinstance(statement, ast.AsyncWith):
            for item in statement.items:
                if not isinstance(item.context_expr, ast.Await):
                    self._check(item.context_expr, statement.lineno)
        if isinstance(statement, ast.AsyncFor):
            # Rows came with execute; what listens without end is held before it begins.
            self._check(statement.iter, statement.lineno)
        for field in ast.iter_fields(statement):
            self._visit_field(field[1])

    def _visit_field(self, value):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            self._walk(value)
        elif isinstance(value, list):
            for each in value:
                self._visit_field(each)
        elif isinstance(value, (ast.ExceptHandler, ast.match_case)):
            self._walk(value.body)
        elif isinstance(value, ast.AST):
            for node in ast.walk(value):
                if isinstance(node, ast.Await):
                    self._check(node.value, node.lineno)

    def _check(self, awaited, line):
        name = last_name(awaited)
        if name == "failpoint":
            self.names.append(awaited.args[0].value)
        elif name not in REASONS and name not in OURS and not self._follows_a_failpoint():
            self.bare.append(f"realtime/{self.module}.py:{line}: {ast.unparse(awaited)}")

    def _follows_a_failpoint(self):
        """Whether the statement before this one, or before one it is the first of, is one."""
        for statements, index in reversed(self._blocks):
            if index:
                return is_failpoint(statements[index - 1])
        return False


def last_name(node):
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def is_failpoint(statement):
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Await):
        return False
    return last_name(statement.value.value) == "failpoint"


def waits_of(module, tree):
    waits = Waits(module)
    waits.visit(tree)
    return waits


def test_every_await_can_be_held_or_says_why_not():
    bare = [place for module, tree in MODULES.items() for place in waits_of(module, tree).bare]
    assert not bare, "\n".join(["await failpoint(…) before these, or a reason:", *bare])


def test_each_failpoint_has_a_name_of_its_own():
    names = Counter(
        name for module, tree in MODULES.items() for name in waits_of(module, tree).names
    )
    assert len(names) >= 30
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize(
    ("program", "bare"),
    [
        ("await connection.execute(1)", 1),
        ("await failpoint('a')\n await connection.execute(1)", 0),
        ("await failpoint('a')\n x = 1\n await connection.execute(1)", 1),
        ("await failpoint('a')\n with x:\n  await connection.execute(1)", 0),
        ("await failpoint('a')\n with x:\n  y()\n  await connection.execute(1)", 1),
        ("async with connection.transaction():\n  pass", 1),
        ("async for row in connection.stream():\n  pass", 1),
        ("try:\n  pass\n except E:\n  await connection.execute(1)", 1),
        ("await asyncio.sleep(1)", 0),
    ],
)
def test_what_the_reading_finds(program, bare):
    tree = ast.parse(f"async def work():\n {program}\n")
    assert len(waits_of("sample", tree).bare) == bare
