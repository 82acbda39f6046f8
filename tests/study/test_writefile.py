"""Files are written whole or not at all, and a path that cannot take one is refused beforehand."""

import errno
import os
import resource

import pytest

from beliefs import StudyError, new_study
from beliefs.study.writefile import refuse_file, write_file


@pytest.fixture
def room():
    """Let files grow to some bytes and no further, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_old_file_and_names_it(tmp_path, room):
    file = write_file(tmp_path / "page.html", "the old page\n")
    room(1000)
    with pytest.raises(StudyError) as caught:
        write_file(file, "x" * 5000)
    assert caught.value.where == str(file)
    assert caught.value.found == os.strerror(errno.EFBIG)
    assert file.read_text() == "the old page\n"
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_a_file_is_replaced_whole_with_its_rights_through_a_link(tmp_path):
    file, link = tmp_path / "a.csv", tmp_path / "link.csv"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    write_file(link, "a\r\nä\n")
    assert file.read_bytes() == "a\r\nä\n".encode()
    assert link.is_symlink() and file.stat().st_mode & 0o777 == 0o640
    other = write_file(tmp_path / "b", b"\x00")
    umask = os.umask(0)
    os.umask(umask)
    assert other.stat().st_mode & 0o777 == 0o666 & ~umask


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("beliefs.study.writefile.os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_file(tmp_path / "a", "text")
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_take_a_file_is_refused_with_the_reason(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    places = {
        "its folder does not exist": tmp_path / "none" / "a.png",
        "a folder": tmp_path / "folder",
        "a link that leads nowhere": tmp_path / "link",
        "a device or a pipe, not a regular file": tmp_path / "pipe",
        os.strerror(errno.ENOTDIR): tmp_path / "file" / "a.png",
        os.strerror(errno.ENAMETOOLONG): tmp_path / f"{'a' * 300}.png",
    }
    for reason, path in places.items():
        for check in (refuse_file, lambda p: write_file(p, "")):
            with pytest.raises(StudyError) as caught:
                check(path)
            assert (caught.value.where, caught.value.found) == (str(path), reason)
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(StudyError, match="not a regular file"):
        write_file("/dev/full", "text")


@pytest.mark.parametrize("there", [False, True])
def test_a_new_study_is_written_whole_or_not_at_all(tmp_path, room, there):
    folder = tmp_path / "mine"
    if there:
        folder.mkdir()
    room(2000)  # study.toml is longer
    with pytest.raises(StudyError, match=r"study\.toml"):
        new_study(folder)
    assert folder.exists() == there
    assert not there or list(folder.iterdir()) == []
