"""Fetching datasets, from a server of the test on this machine: hashes, what is there already, what goes wrong."""

import dataclasses
import hashlib
import http.server
import threading

import pytest

from minivision.data import BrokenFileError
from minivision.data.fetching import FetchError, Published, fetch, published, published_names

CONTENT = {
    "a/one.txt": b"one\n",
    "a/two words.jpg": bytes(range(256)) * 4000,
    "b/three.xml": b"<annotation/>",
    "LICENSE": b"MIT",
}


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `served` below /data/, and what is outside of it below /elsewhere/; `cut` files end in the middle."""

    def do_GET(self):
        name = self.path.removeprefix("/data/").removeprefix("/elsewhere/").replace("%20", " ")
        self.server.asked.append(name)
        if name not in self.server.served or ("LICENSE" in name) != self.path.startswith("/elsewhere/"):
            self.send_error(404)
            return
        content = self.server.served[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if name in self.server.cut else content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.served, server.asked, server.cut = dict(CONTENT), [], set()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def dataset(server):
    address = f"http://127.0.0.1:{server.server_port}"
    return Published(
        title="a test", source=address, revision="1", license="MIT", data="voc", url=f"{address}/data/", bytes=5,
        files={name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()},
        urls={"LICENSE": f"{address}/elsewhere/LICENSE"},
    )  # fmt: skip


def content_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }  # fmt: skip


pooch = pytest.mark.usefixtures("needs_pooch")


@pytest.fixture
def needs_pooch():
    pytest.importorskip("pooch")


@pooch
def test_all_files_come_and_the_second_time_none_is_asked_for(server, dataset, tmp_path):
    assert fetch(dataset, tmp_path / "new" / "folder") == (4, 0)
    assert content_of(tmp_path / "new" / "folder") == CONTENT
    server.asked.clear()
    assert fetch(dataset, tmp_path / "new" / "folder") == (0, 4) and server.asked == []


@pooch
def test_what_was_interrupted_is_continued(server, dataset, tmp_path):
    del server.served["b/three.xml"]
    with pytest.raises(FetchError, match=r"b/three.xml cannot be fetched: .*404.*; the files before it are kept"):
        fetch(dataset, tmp_path, retries=0)
    assert set(content_of(tmp_path)) == {"a/one.txt", "a/two words.jpg"}
    server.served["b/three.xml"] = CONTENT["b/three.xml"]
    server.asked.clear()
    assert fetch(dataset, tmp_path) == (2, 2) and server.asked == ["b/three.xml", "LICENSE"]
    assert content_of(tmp_path) == CONTENT


@pooch
def test_a_file_of_another_hash_is_not_kept(server, dataset, tmp_path):
    server.served["a/two words.jpg"] = b"something else"
    with pytest.raises(FetchError, match="a/two words.jpg has another SHA-256 than the published file"):
        fetch(dataset, tmp_path, retries=0)
    assert content_of(tmp_path) == {"a/one.txt": b"one\n"}


@pooch
def test_a_connection_that_breaks_leaves_no_half_of_a_file(server, dataset, tmp_path):
    server.cut.add("a/two words.jpg")
    with pytest.raises(FetchError, match="two words.jpg"):
        fetch(dataset, tmp_path, retries=0)
    assert content_of(tmp_path) == {"a/one.txt": b"one\n"}
    server.cut.clear()
    assert fetch(dataset, tmp_path) == (3, 1)


@pooch
def test_no_server_is_an_error_with_the_address(dataset, tmp_path):
    nobody = dataclasses.replace(dataset, url="http://127.0.0.1:9/")
    with pytest.raises(FetchError, match="http://127.0.0.1:9/a/one.txt cannot be fetched"):
        fetch(nobody, tmp_path, retries=0)


@pooch
def test_a_file_that_is_cut_short_or_changed_is_neither_taken_nor_overwritten(server, dataset, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "two words.jpg").write_bytes(CONTENT["a/two words.jpg"][:500])
    with pytest.raises(
        FileExistsError, match="two words.jpg is not the published file: it is cut short, or was changed"
    ):
        fetch(dataset, tmp_path)
    assert len((tmp_path / "a" / "two words.jpg").read_bytes()) == 500 and server.asked == []


def test_without_pooch_a_sentence_says_how_to_install_it(dataset, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pooch", None)
    with pytest.raises(ImportError, match=r"datasets are fetched with pooch: pip install 'minivision\[fetch\]'"):
        fetch(dataset, tmp_path)


@pytest.mark.parametrize("name", published_names())
def test_the_registries_of_the_package_are_complete(name):
    dataset = published(name)
    assert dataset.source.startswith("https://") and dataset.revision in dataset.url and dataset.license
    assert dataset.url.endswith("/") and dataset.urls.keys() <= dataset.files.keys()
    for file, sha256 in dataset.files.items():
        assert len(bytes.fromhex(sha256)) == 32
        assert not file.startswith("/") and ".." not in file.split("/") and "\\" not in file
    if dataset.data == "voc":
        stems = {
            folder: {file.rpartition("/")[2].partition(".")[0] for file in dataset.files if file.startswith(folder)}
            for folder in ("JPEGImages", "Annotations")
        }
        assert stems["JPEGImages"] == stems["Annotations"] and len(stems["JPEGImages"]) > 1


def test_a_name_that_is_not_there_and_a_registry_that_is_none(tmp_path):
    with pytest.raises(ValueError, match="no dataset 'coco' to fetch; there are: bccd"):
        published("coco")
    for text in ("no = [toml", 'title = "only that"'):
        (tmp_path / "a.toml").write_text(text)
        with pytest.raises(BrokenFileError, match="a.toml: not a registry"):
            Published.read(tmp_path / "a.toml")


@pooch
def test_a_file_in_the_place_of_the_folder_is_named_and_nothing_is_asked(server, dataset, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError, match="file"):
        fetch(dataset, tmp_path / "file")
    with pytest.raises(NotADirectoryError, match="file"):
        fetch(dataset, tmp_path / "file" / "below")
    assert server.asked == []
