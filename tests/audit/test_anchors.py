"""The head of the chain goes to the log and to a file, and what was made anew does not fit it."""

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from portal import audit_anchors, audit_chain, jobs
from tests.audit.rows import seals
from tests.audit.test_verification import seal_anew


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(audit_anchors, "_said", 0)


@pytest.fixture
def anchors(tmp_path, settings):
    path = tmp_path / "anchors"
    settings.AUDIT_ANCHOR_FILE = str(path)
    return path


def anchor():
    jobs.anchor_audit(timestamp=0)


def sealed_by_the_job():
    jobs.seal_audit(timestamp=0)


def verified(*options):
    """The command's status."""
    try:
        call_command("verify_audit", *options)
    except SystemExit as ended:
        return ended.code
    return 0


# Saying -------------------------------------------------------------------------------------------


def test_the_head_is_said_once_for_each_move(written, anchors):
    anchor()
    assert not anchors.exists()

    written(2)
    sealed_by_the_job()
    anchor()
    anchor()
    written(1)
    sealed_by_the_job()
    anchor()

    said = [json.loads(line) for line in anchors.read_text().splitlines()]
    assert [line["number"] for line in said] == [2, 3]
    assert [line["digest"] for line in said] == [seals()[at][2].hex() for at in (1, 2)]
    assert {line["event"] for line in said} == {"audit anchor"}


def test_the_log_has_a_line_of_its_own(sealed, caplog):
    sealed(3)
    with caplog.at_level(logging.INFO, "vigil.audit"):
        anchor()

    (record,) = [each for each in caplog.records if each.name == "vigil.audit"]
    assert record.msg["event"] == "audit anchor"
    assert record.msg["number"] == 3
    assert re.fullmatch("[0-9a-f]{64}", record.msg["digest"])


def test_a_file_that_cannot_be_written_is_told_and_tried_again(sealed, anchors, caplog):
    sealed(1)
    anchors.mkdir()
    anchor()
    assert "AUDIT_ANCHOR_FILE could not be written (Is a directory)" in caplog.text
    anchors.rmdir()
    anchor()
    assert [line.number for _, line in audit_anchors.read(anchors)] == [1]


def test_lines_of_a_log_are_read_as_a_file_of_anchors(tmp_path):
    digest = "ab" * 32
    line = {"number": 7, "digest": digest, "event": "audit anchor", "timestamp": "2026-11-22"}
    log = tmp_path / "log"
    log.write_text(
        '{"event": "request", "path": "/audit anchor/"}\n'
        f"worker-1  | {json.dumps(line)}\n"
        "2026-11-22 audit anchor, in words\n"
        f"{json.dumps({**line, 'digest': digest[:-1]})}\n"
        f"{json.dumps({**line, 'number': True})}\n"
        f"{json.dumps(line)[:-20]}\n"
    )

    found = list(audit_anchors.read(log))
    assert found[0] == (2, audit_anchors.Anchor(7, bytes.fromhex(digest), "2026-11-22"))
    assert found[1:] == [(4, None), (5, None), (6, None)]
    assert audit_anchors.newest(log) is None


# Holding the chain against them -------------------------------------------------------------------


def test_a_chain_that_was_made_anew_is_found_by_its_anchors_alone(
    written, anchors, overruled, capsys, settings
):
    (forged,) = written(1)
    sealed_by_the_job()
    anchor()
    written(2)
    sealed_by_the_job()
    anchor()
    overruled("UPDATE audit_logs SET action = 'test.forged' WHERE id = %s", forged)
    seal_anew(overruled)
    settings.AUDIT_ANCHOR_FILE = ""

    assert verified() == 0
    assert "Not held against anchors" in capsys.readouterr().out
    assert verified("--anchors", str(anchors)) == 1
    said = capsys.readouterr().out
    assert said.count("its seal is another one: the chain up to there was made anew") == 2


def test_a_tail_that_was_cut_off_is_found_by_its_anchors_alone(written, anchors, overruled, capsys):
    written(1)
    sealed_by_the_job()
    anchor()
    (gone,) = written(1)
    sealed_by_the_job()
    anchor()
    overruled("DELETE FROM audit_seals WHERE entry_id = %s", gone)
    overruled("DELETE FROM audit_logs WHERE id = %s", gone)

    assert verified() == 1
    said = capsys.readouterr().out
    assert "Line 2 of the anchors says seal 2" in said
    assert "there is no such seal" in said
    assert "Line 1 " not in said


def test_an_anchor_that_is_not_whole_is_told(sealed, anchors, capsys):
    sealed(1)
    anchor()
    with anchors.open("a") as file:
        file.write(anchors.read_text()[:60])

    assert verified() == 1
    assert "Line 2 of the anchors is not whole" in capsys.readouterr().out


def test_more_anchors_than_a_page_are_compared(sealed, anchors, monkeypatch, capsys):
    from portal.management import verification

    monkeypatch.setattr(verification, "PAGE", 2)
    sealed(1)
    anchor()
    anchors.write_text(anchors.read_text() * 5)

    assert verified() == 0
    assert "Held against 5 anchors" in capsys.readouterr().out


# The command --------------------------------------------------------------------------------------


def test_the_command_says_where_the_chain_stands(sealed, capsys):
    sealed(3)
    assert verified() == 0
    said = capsys.readouterr().out
    head = audit_chain.head()
    assert (
        f"3 seals, the last of {head.sealed_at:%Y-%m-%d %H:%M:%S} UTC: {head.digest.hex()}" in said
    )
    assert "The audit log is as it was sealed." in said


def test_the_command_ends_with_status_1_and_names_the_entry(sealed, overruled, capsys):
    entry = sealed(3)[1]
    overruled("UPDATE audit_logs SET patient_id = NULL WHERE id = %s", entry)

    assert verified() == 1
    said = capsys.readouterr().out
    assert f"changed       Entry {entry} is not what seal 2 was made for." in said
    assert "as it was sealed" not in said


def test_a_machine_reads_json(sealed, overruled, capsys):
    entry = sealed(3)[1]
    overruled("DELETE FROM audit_logs WHERE id = %s", entry)

    assert verified("--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["problems"], document["seals"]) == (1, 3)
    assert document["kinds"] == {"removed": 1}
    assert document["deviations"] == [
        {
            "kind": "removed",
            "what": f"Entry {entry} of seal 2 was removed",
            "entry": str(entry),
            "seal": 2,
        }
    ]


def test_what_an_entry_says_is_never_shown(sealed, overruled, capsys):
    entry = sealed(2, words="a secret word")[0]
    overruled('UPDATE audit_logs SET detail = \'{"words": "another"}\' WHERE id = %s', entry)

    assert verified() == 1
    said = capsys.readouterr().out
    assert "secret" not in said
    assert "another" not in said


def test_of_very_many_some_are_shown_and_all_counted(sealed, overruled, capsys, monkeypatch):
    from portal.management.commands import verify_audit

    monkeypatch.setattr(verify_audit, "MOST_SHOWN", 2)
    sealed(5)
    overruled("UPDATE audit_logs SET action = 'test.forged'")

    assert verified() == 1
    said = capsys.readouterr().out
    assert said.count("is not what seal") == 2
    assert "… and 3 more." in said


def test_anchors_that_are_asked_for_have_to_be_there(sealed, tmp_path):
    sealed(1)
    with pytest.raises(CommandError, match=r"cannot be read: No such file"):
        call_command("verify_audit", "--anchors", str(tmp_path / "none"))
    empty = tmp_path / "empty"
    empty.touch()
    with pytest.raises(CommandError, match="holds no anchor"):
        call_command("verify_audit", "--anchors", str(empty))


def test_it_is_a_command_of_its_own(sealed):
    sealed(1)
    found = subprocess.run(
        [sys.executable, "manage.py", "verify_audit"],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "1 seals" in found.stdout
