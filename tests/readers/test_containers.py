from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from hafnium.readers import containers, short_host
from hafnium.readers.hosts import folder_host

LOG = "#Fields: cs-method sc-status\nGET 200\n"
ENTRY = b"GET 200\n"
MANY = LOG + "".join(f"GET {n}\n" for n in range(200, 500))


def zipped(members: dict[str, bytes | str]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return whole.getvalue()


def sources(found, tmp_path):
    return [entry.source.removeprefix(f"{tmp_path}/") for entry in found.entries]


def test_files_come_as_given_and_folders_by_name(tmp_path, reading):
    for name in ("b/z.log", "b/a.log", "b/A/x.log", "a.log", "c.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(LOG)
    found = reading(tmp_path / "c.log", f"{tmp_path}/b/", tmp_path / "a.log")
    assert sources(found, tmp_path) == ["c.log", "b/a.log", "b/z.log", "b/A/x.log", "a.log"]


def test_sources_are_as_the_user_wrote_them(tmp_path, reading, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("logs").mkdir()
    Path("logs/x.log").write_text(LOG)
    given = ["logs", "logs/", "./logs/x.log", ".", Path("logs/x.log")]
    assert [entry.source for entry in reading(*given).entries] == [
        *("logs/x.log", "logs/x.log", "./logs/x.log", "./logs/x.log", "logs/x.log")
    ]


def test_links_in_a_circle_are_read_once(tmp_path, reading):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.log").write_text(LOG)
    (tmp_path / "a/loop").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    found = reading(tmp_path)
    assert sources(found, tmp_path) == ["a/x.log"]
    (problem,) = found.problems
    assert str(problem).startswith(f"{tmp_path}/dangling: cannot be read: no such file")


def test_a_missing_path_is_named_and_the_rest_is_read(tmp_path, reading):
    (tmp_path / "x.log").write_text(LOG)
    found = reading(tmp_path / "no.log", "bad\0path", tmp_path / "x.log")
    assert sources(found, tmp_path) == ["x.log"]
    assert len(found.problems) == 2
    assert found.problems[0].file == f"{tmp_path}/no.log"


def test_files_and_folders_without_read_rights_are_named(tmp_path, reading, monkeypatch):
    for name in ("a.log", "secret/b.log", "z.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(LOG)
    opened, listed = Path.open, os.scandir

    def refuse(path, *args, **kwargs):
        if path.name == "a.log":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **kwargs)

    def refuse_folder(path):
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(os, "scandir", refuse_folder)
    found = reading(tmp_path)
    assert sources(found, tmp_path) == ["z.log"]
    assert [str(problem) for problem in found.problems] == [
        f"{tmp_path}/a.log: cannot be read: permission denied",
        f"{tmp_path}/secret: cannot be read: permission denied",
    ]


def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path, reading):
    os.mkfifo(tmp_path / "pipe")
    assert not reading(tmp_path).problems
    assert "neither a file" in reading(tmp_path / "pipe").problems[0].reason


def test_unknown_files_are_notices_in_a_folder_and_errors_when_given(tmp_path, reading):
    (tmp_path / "a.txt").write_text("dear diary")
    (tmp_path / "empty.log").write_text("")
    (tmp_path / "blank.log").write_text("\n \n")
    (tmp_path / "noise.bin").write_bytes(bytes(range(256)) * 400)
    found = reading(tmp_path)
    assert not found.problems
    assert [notice.split(": ")[0] for notice in found.notices] == [
        f"{tmp_path}/a.txt",
        f"{tmp_path}/noise.bin",
    ]
    found = reading(tmp_path / "a.txt", tmp_path / "empty.log")
    assert [problem.file for problem in found.problems] == [f"{tmp_path}/a.txt"]


def test_an_error_while_reading_keeps_the_entries_before_it(tmp_path, reading, monkeypatch):
    packed = gzip.compress((LOG + "GET 404\n" * 5_000).encode() + os.urandom(300_000))
    (tmp_path / "x.log.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "y.log").write_text(LOG)
    found = reading(tmp_path)
    assert len(found.entries) > 1000
    assert found.entries[-1].source == f"{tmp_path}/y.log"
    assert any("cannot be read on" in problem.reason for problem in found.problems)


def test_members_of_archives_are_read_in_the_order_of_their_names(tmp_path, reading):
    inner = zipped({"x.log": LOG, "y.log.gz": gzip.compress(LOG.encode())})
    outer = zipped({"b.zip": inner, "a/u.log": LOG, "c.txt": "no log", "d/": ""})
    (tmp_path / "logs.zip").write_bytes(outer)
    (tmp_path / "again.zip.gz").write_bytes(gzip.compress(outer))
    found = reading(tmp_path / "logs.zip", tmp_path / "again.zip.gz")
    members = ["a/u.log", "b.zip!x.log", "b.zip!y.log.gz"]
    assert sources(found, tmp_path) == [
        f"{archive}!{member}" for archive in ("logs.zip", "again.zip.gz") for member in members
    ]
    assert len(found.notices) == 2
    assert not found.problems


def test_archives_inside_each_other_have_a_bottom(tmp_path, reading):
    content: bytes = LOG.encode()
    for _ in range(containers.MAX_DEPTH + 1):
        content = zipped({"a.zip": content, "x.log": LOG})
    (tmp_path / "deep.zip").write_bytes(content)
    found = reading(tmp_path)
    assert len(found.entries) == containers.MAX_DEPTH
    assert "inside each other" in found.problems[0].reason


def test_a_large_archive_inside_an_archive_is_refused(tmp_path, reading, monkeypatch):
    monkeypatch.setattr(containers, "MAX_INNER", 1 << 20)
    inner = zipped({"noise": os.urandom(2 << 20)})
    (tmp_path / "logs.zip").write_bytes(zipped({"in.zip": inner, "x.log": LOG}))
    found = reading(tmp_path)
    assert sources(found, tmp_path) == ["logs.zip!x.log"]
    assert "larger than 1 MB" in found.problems[0].reason


def test_encrypted_and_broken_members_are_named_and_the_rest_is_read(tmp_path, reading):
    content = bytearray(zipped(dict.fromkeys(("a.log", "b.log", "c.log", "d.log"), MANY)))
    local = [content.index(b"PK\3\4" + content[4:6])]
    for _ in range(3):
        local.append(content.index(b"PK\3\4", local[-1] + 1))
    content[content.index(b"PK\1\2") + 8] |= 1
    content[local[1] : local[1] + 4] = b"oops"
    content[local[2] + 40 : local[2] + 60] = b"\xff" * 20
    (tmp_path / "logs.zip").write_bytes(bytes(content))
    (tmp_path / "torn.zip").write_bytes(bytes(content[:200]))
    found = reading(tmp_path)
    read = {source for source in sources(found, tmp_path) if source.endswith("d.log")}
    assert read == {"logs.zip!d.log"}
    named = {problem.file.removeprefix(f"{tmp_path}/") for problem in found.problems}
    assert named == {"logs.zip!a.log", "logs.zip!b.log", "logs.zip!c.log", "torn.zip"}


@pytest.fixture(scope="module")
def zeros() -> bytes:
    whole = io.BytesIO()
    with (
        zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("zeros.log", "w", force_zip64=True) as member,
    ):
        for _ in range(64):
            member.write(bytes(1 << 20))
    return whole.getvalue()


def test_a_member_of_zeros_is_one_error(tmp_path, reading, zeros):
    (tmp_path / "bomb.zip").write_bytes(zeros)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(1 << 24)))
    (tmp_path / "x.log").write_text(LOG)
    found = reading(tmp_path)
    assert sources(found, tmp_path) == ["x.log"]
    assert [problem.file.removeprefix(f"{tmp_path}/") for problem in found.problems] == [
        "bomb.gz",
        "bomb.zip!zeros.log",
    ]


def test_a_log_that_grows_without_end_is_stopped(tmp_path, reading, monkeypatch):
    monkeypatch.setattr(containers, "MAX_FREE", 1 << 17)
    content = LOG.encode() + ENTRY * (1 << 17)
    (tmp_path / "a.zip").write_bytes(zipped({"x.log": content, "y.log": LOG}))
    (tmp_path / "b.log.gz").write_bytes(gzip.compress(content))
    found = reading(tmp_path)
    assert {problem.file for problem in found.problems} == {
        f"{tmp_path}/a.zip!x.log",
        f"{tmp_path}/b.log.gz",
    }
    assert all("zip bomb" in problem.reason for problem in found.problems)
    assert f"{tmp_path}/a.zip!y.log" in {entry.source for entry in found.entries}


def test_a_tar_archive_is_named(tmp_path, reading):
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("x.log"))
    assert "tar archive" in reading(tmp_path).notices[0]


def test_the_host_is_the_given_one_or_the_folder(tmp_path, reading):
    file = tmp_path / "mail01/W3SVC1/u_ex.log"
    file.parent.mkdir(parents=True)
    file.write_text(LOG)
    (tmp_path / "mail02.zip").write_bytes(zipped({"LogFiles/W3SVC2/u_ex.log": LOG}))
    found = reading(tmp_path)
    assert {entry.host for entry in found.entries} == {"mail01", "mail02"}
    assert {entry.host for entry in reading(tmp_path, host="MAIL09").entries} == {"MAIL09"}


@pytest.mark.parametrize(
    ("folders", "host"),
    [
        (["samples", "mail01", "W3SVC1"], "mail01"),
        (["case", "MAIL02.corp", "C", "inetpub", "logs", "LogFiles", "W3SVC2"], "MAIL02.corp"),
        (["mail03", "V15", "Logging", "HttpProxy", "Ecp"], "mail03"),
        (["mail04", "Program Files", "Microsoft", "Exchange Server", "V15", "Logging"], "mail04"),
        (["mail05", "Windows", "System32", "winevt", "Logs"], "mail05"),
        (["logs"], ""),
        ([], ""),
    ],
)
def test_folders_that_windows_named_are_passed_over(folders, host):
    assert folder_host(folders) == host


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("MAIL01.corp.example", "mail01"),
        ("mail01", "mail01"),
        ("Mail01.corp.example.", "mail01"),
        ("192.0.2.7", "192.0.2.7"),
        ("FE80::1", "fe80::1"),
        ("", ""),
    ],
)
def test_short_host(name, short):
    assert short_host(name) == short
