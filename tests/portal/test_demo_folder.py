"""What a demo's folder keeps: keys, made once, and added where an older folder lacks one."""

import base64

from portal.management.demo.folder import DataFolder


def test_keys_are_made_once(tmp_path):
    keys = DataFolder(tmp_path).keys()
    assert DataFolder(tmp_path).keys() == keys
    assert len(base64.b64decode(keys["VAPID_PRIVATE_KEY"])) == 32


def test_a_folder_of_an_earlier_version_keeps_its_keys_and_gets_what_it_lacks(tmp_path):
    (tmp_path / "keys.env").write_text("SECRET_KEY=old\nENCRYPTION_KEYS=demo:older\n")
    keys = DataFolder(tmp_path).keys()
    assert (keys["SECRET_KEY"], keys["ENCRYPTION_KEYS"]) == ("old", "demo:older")
    assert DataFolder(tmp_path).keys() == keys
    assert keys["VAPID_PRIVATE_KEY"]
