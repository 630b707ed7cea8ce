"""`data_prep.download` against a small HTTP server on this machine."""

import hashlib
import http.server
import io
import tarfile
import threading

import pytest

from data_prep import download

CONTENT = {"tiny/wav/S1.tar.gz": b"", "tiny/transcript.txt": "你好".encode()}


def make_tar(files):
    """Return the bytes of a .tar.gz with these names and contents."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


SPEAKER = make_tar({"train/S1/a.wav": b"RIFF" * 5_000})
TAR = make_tar({**CONTENT, "tiny/wav/S1.tar.gz": SPEAKER, "tiny/b.bin": b"x" * 9_000})


class Server(http.server.BaseHTTPRequestHandler):
    """Answers /good, /plain (no ranges), /broken (half of what is asked), /404."""

    def do_GET(self):
        kind = self.path.split("/")[1]
        self.server.requests.append((kind, self.headers.get("Range")))
        if kind == "404":
            return self.send_error(404)
        start = 0
        if "Range" in self.headers and kind != "plain":
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            last = len(self.server.body) - 1
            self.send_header("Content-Range", f"bytes {start}-{last}/{last + 1}")
        else:
            self.send_response(200)
        body = self.server.body[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: (len(body) + 1) // 2] if kind == "broken" else body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as here:
        here.requests, here.body = [], TAR
        here.url = f"http://127.0.0.1:{here.server_port}"
        thread = threading.Thread(target=here.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield here
        here.shutdown()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0)


def archive(**changes):
    md5 = hashlib.md5(TAR).hexdigest()
    values = {"name": "tiny.tgz", "size": len(TAR), "md5": md5, "folder": "tiny"}
    return download.Archive(**(values | changes))


def source(*archives, nested="wav/*.tar.gz"):
    return download.Source("Tiny", 7, "CC0", archives or (archive(),), nested=nested)


def obtain(server, folder, *kinds, item=None, **changes):
    item = item or archive()
    mirrors = tuple(f"{server.url}/{kind}" for kind in kinds)
    return download.obtain(source(item, **changes), item, folder, mirrors)


def test_download_check_unpack_nested_too(server, tmp_path):
    top = obtain(server, tmp_path / "new", "good")
    assert top == tmp_path / "new" / "tiny"
    assert (top / "transcript.txt").read_text(encoding="utf-8") == "你好"
    assert (top / "wav/train/S1/a.wav").read_bytes() == b"RIFF" * 5_000
    assert not (top / "wav/S1.tar.gz").exists()
    assert not list(tmp_path.glob("**/*.part"))


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    obtain(server, tmp_path, "good")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    obtain(server, tmp_path, "good")
    assert len(server.requests) == 1
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_folder_unpacked_by_hand_is_completed_without_the_network(server, tmp_path):
    (tmp_path / "tiny/wav").mkdir(parents=True)
    (tmp_path / "tiny/wav/S1.tar.gz").write_bytes(SPEAKER)
    obtain(server, tmp_path, "good")
    assert server.requests == []
    assert (tmp_path / "tiny/wav/train/S1/a.wav").exists()


def test_an_archive_fetched_by_hand_is_checked_and_unpacked(server, tmp_path):
    (tmp_path / "tiny.tgz").write_bytes(TAR)
    assert (obtain(server, tmp_path, "404") / "b.bin").exists()
    assert server.requests == []
    (tmp_path / "two").mkdir()
    (tmp_path / "two/tiny.tgz").write_bytes(TAR[:-1])
    with pytest.raises(download.DownloadError, match="expected .* bytes, found"):
        obtain(server, tmp_path / "two", "404")


def test_a_partial_download_goes_on_where_it_stopped(server, tmp_path):
    (tmp_path / "tiny.tgz.part").write_bytes(TAR[:100])
    obtain(server, tmp_path, "good")
    assert server.requests == [("good", "bytes=100-")]
    assert (tmp_path / "tiny.tgz").read_bytes() == TAR


def test_a_server_without_ranges_completes_a_partial_download(server, tmp_path):
    (tmp_path / "tiny.tgz.part").write_bytes(TAR[:100])
    obtain(server, tmp_path, "plain")
    assert (tmp_path / "tiny.tgz").read_bytes() == TAR


def test_a_connection_that_breaks_every_time_still_arrives(server, tmp_path):
    obtain(server, tmp_path, "broken")
    assert len(server.requests) > 5
    assert (tmp_path / "tiny.tgz").read_bytes() == TAR


def test_the_next_mirror_takes_over(server, tmp_path):
    obtain(server, tmp_path, "404", "broken", "good")
    asked = [kind for kind, _ in server.requests]
    assert asked == ["404", "broken", "good"]
    assert server.requests[2][1] == f"bytes={(len(TAR) + 1) // 2}-"


def test_no_mirror_has_it(server, tmp_path):
    (tmp_path / "tiny.tgz.part").write_bytes(TAR[:100])
    with pytest.raises(download.DownloadError, match="404.*100 bytes are kept"):
        obtain(server, tmp_path, "404", "404")
    assert (tmp_path / "tiny.tgz.part").read_bytes() == TAR[:100]


def test_another_file_of_that_name_is_refused_before_it_is_written(server, tmp_path):
    server.body = b"<html>please log in</html>"
    with pytest.raises(download.DownloadError, match="the server has 26"):
        obtain(server, tmp_path, "good")
    assert not (tmp_path / "tiny.tgz.part").exists()


def test_wrong_md5(server, tmp_path):
    server.body = TAR[:-1] + b"?"
    with pytest.raises(download.DownloadError, match="expected MD5 .* found"):
        obtain(server, tmp_path, "good")
    assert list(tmp_path.iterdir()) == []  # the next run starts from nothing


def test_a_damaged_archive_without_known_md5(server, tmp_path):
    server.body = TAR[: len(TAR) // 2] + bytes(len(TAR) - len(TAR) // 2)
    with pytest.raises(download.DownloadError, match="expected a tar archive"):
        obtain(server, tmp_path, "good", item=archive(md5=None))


@pytest.mark.parametrize("name", ["../evil.txt", "tiny/../../evil.txt"])
def test_members_that_would_land_outside_are_refused(tmp_path, name):
    (tmp_path / "in").mkdir()
    (tmp_path / "bad.tgz").write_bytes(make_tar({name: b"evil"}))
    with pytest.raises(download.DownloadError, match="outside the destination"):
        download.unpack(tmp_path / "bad.tgz", tmp_path / "in")
    assert not (tmp_path / "evil.txt").exists()


def test_unpacking_goes_on_after_a_kill(tmp_path):
    (tmp_path / "a.tgz").write_bytes(TAR)
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny/b.bin").write_bytes(b"x" * 4_000)  # half of it was written
    download.unpack(tmp_path / "a.tgz", tmp_path)
    assert (tmp_path / "tiny/b.bin").read_bytes() == b"x" * 9_000


def test_an_interrupted_unpacking_is_finished_by_the_next_run(server, tmp_path):
    (tmp_path / "tiny.tgz").write_bytes(TAR)
    (tmp_path / "tiny").mkdir()
    assert (obtain(server, tmp_path, "404") / "b.bin").exists()


def test_a_full_disk_is_noticed_before_the_download(server, tmp_path):
    with pytest.raises(download.DownloadError, match="GB free .* another disk"):
        obtain(server, tmp_path, "good", item=archive(size=10**18))
    assert server.requests == []


def test_command(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(download.SOURCES, "thchs30", source())
    monkeypatch.setattr(download, "MIRRORS", (f"{server.url}/404",))
    run = ["thchs30", str(tmp_path), "--mirror", f"{server.url}/good/"]
    assert download.main(run) == 0
    assert "licence CC0" in capsys.readouterr().out
    assert server.requests == [("good", None)]
    assert download.main([*run, "--file", "other.tgz"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert download.main(["common-voice", str(tmp_path)]) == 2
    assert "by hand" in capsys.readouterr().err


def test_a_folder_that_was_there_is_said_to_be_left(
    server, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(download.SOURCES, "thchs30", source())
    (tmp_path / "tiny").mkdir()  # such as a sample
    run = ["thchs30", str(tmp_path), "--mirror", f"{server.url}/good/"]
    assert download.main(run) == 0
    assert "move it away to download tiny.tgz" in capsys.readouterr().out
    assert server.requests == []
    (tmp_path / "tiny").rmdir()
    assert download.main(run) == 0
    assert "tiny.tgz: unpacked" in capsys.readouterr().out


def test_table_has_the_published_sizes_and_digests():
    thchs = download.SOURCES["thchs30"]
    assert thchs.number == 18
    assert thchs.archives[0].size == 6_453_425_169
    assert thchs.archives[0].md5 == "2d2252bde5c8429929e1841d4cb95e90"
    digests = [item.md5 for one in download.SOURCES.values() for item in one.archives]
    assert all(len(md5) == 32 for md5 in digests if md5)
