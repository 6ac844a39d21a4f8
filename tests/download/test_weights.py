"""Weights by name: downloaded from a server on this machine, imported, placed, listed."""

from __future__ import annotations

import bz2
import json
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from eyeline import files
from eyeline.analysis import _of_file
from eyeline.download import received, table, weights
from eyeline.download.table import Entry, Source
from eyeline.errors import CheckpointError, DataError, OutputError, UsageError
from eyeline.models import GivenWeights
from eyeline.settings import Settings
from eyeline.speech.lr_asd_model import LrAsdNet
from eyeline.speech.methods import SPEAKERS
from eyeline.system import list_systems, load_system
from eyeline.training import checkpoint
from tests.conftest import Command
from tests.speech.test_lr_asd_model import original_names
from tests.systems.ego_social.invented import GAZE360, LAM, their_tensors

from .conftest import Reply, Server

HTML = {"Content-Type": "text/html"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of weights, which does not exist yet."""
    monkeypatch.setenv("EYELINE_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture(scope="module")
def lr_asd_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file like the authors' of LR-ASD, with weights drawn at random."""
    path = tmp_path_factory.mktemp("theirs") / "x.model"
    torch.save(original_names(LrAsdNet()), path)
    return path.read_bytes()


@pytest.fixture
def lr_asd(
    server: Server, lr_asd_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, bytes]:
    """Its path on the server, known by no hash."""
    entry = table.entry_of("lr_asd").model_copy(update={"size": None, "sha256": None})
    monkeypatch.setattr(table, "entries", lambda: {**known, "lr_asd": entry})
    monkeypatch.setattr(table, "GITHUB", server.address)
    path = "/Junhua-Liao/LR-ASD/raw/HEAD/weight/finetuning_TalkSet.model"
    server.set(path, Reply(lr_asd_bytes))
    return path, lr_asd_bytes


known = dict(table.entries())


def left(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def zipped(path: Path, **content: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name.replace("_", "."), data)
    return path


def test_the_table_names_places_that_are_looked_at() -> None:
    networks = {f"{s.name}/{n}.safetensors" for s in list_systems() for n in s.networks}
    for name, entry in table.entries().items():
        assert bool(entry.system) != bool(entry.check), name
        assert not entry.check or entry.check in received.CHECKS
        if entry.system:
            assert load_system(entry.system).import_original is not None
        if entry.system and not entry.imports_as:
            assert set(entry.places) <= networks, name
        if not (entry.source.page or entry.source.huggingface):
            assert table.url_of(entry.source).startswith("http")


@pytest.mark.parametrize("source", [{}, {"github": "a/b"}, {"url": "a", "page": "b"}])
def test_a_source_is_one_place(source: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="a source is one of"):
        Source(**source)


def test_the_files_at_hand_are_those_of_the_table(shared: Path) -> None:
    for name, file in (("lr_asd", "lr_asd_talkset.model"), ("yunet", "yunet_n_dynamic.onnx")):
        entry = table.entry_of(name)
        path = shared / "weights" / file
        assert (path.stat().st_size, files.sha256(path)) == (entry.size, entry.sha256)
        assert weights.get(name, given=path).read_bytes() == path.read_bytes()


def test_by_default_they_lie_in_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    from eyeline.weights_folder import folder

    monkeypatch.delenv("EYELINE_WEIGHTS")
    assert folder().parts[-2:] == ("eyeline", "weights") and not folder().is_relative_to(Path.cwd())


def test_a_licence_is_accepted_first(eyeline: Command, server: Server, folder: Path) -> None:
    ended = eyeline("download", "lr_asd", "dlib")
    assert ended.code == 2 and "add --accept-licence" in ended.err
    assert "lr_asd: licence: MIT; Liao et al." in ended.err and "dlib: licence: " in ended.err
    assert not server.asked and not folder.exists()


def test_downloaded_it_is_the_default_speaker_method(
    eyeline: Command, server: Server, lr_asd: tuple[str, bytes], folder: Path
) -> None:
    assert Settings().speaker == "mouth_agreement"
    ended = eyeline("download", "lr_asd", "--accept-licence")
    assert ended.code == 0 and f"placed: {folder}/speech/lr_asd.model" in ended.out
    assert left(folder) == ["records/lr_asd.json", "speech/lr_asd.model"]
    settings = Settings()
    assert settings.speaker == "lr_asd"
    assert settings.speaker_file() == folder / "speech/lr_asd.model"
    assert settings.to_json()["speaker_weights_sha256"] == files.sha256(
        folder / "speech/lr_asd.model"
    )
    assert Settings(speaker="mouth_agreement").speaker_file() is None
    rows = {row["builder"]: row for row in json.loads(eyeline("list", "--json").out)}
    assert rows["lr_asd"]["ready"] and "present" in rows["lr_asd"]["weights"]
    assert eyeline("download", "lr_asd", "--accept-licence").code == 0
    assert len(server.asked) == 1, "what is there and whole is not downloaded again"


def test_the_report_names_the_file_of_the_default(lr_asd: tuple[str, bytes]) -> None:
    placed = weights.get("lr_asd")
    method = _of_file(SPEAKERS["lr_asd"].method, Settings())
    short = files.sha256(placed)[:12]
    assert method.weights == f"lr_asd.model (sha256 {short}, from the folder of weights)"
    assert "the default where its file lies in the folder of weights" in method.summary
    given = _of_file(method, Settings(speaker_weights=str(placed)))
    assert given.weights == f"lr_asd.model (sha256 {short})"


def test_the_first_hash_is_checked_from_then_on(
    server: Server, lr_asd: tuple[str, bytes], folder: Path
) -> None:
    path, content = lr_asd
    placed = weights.get("lr_asd")
    assert json.loads((folder / "records/lr_asd.json").read_text())["sha256"]
    placed.write_bytes(b"damaged")
    server.set(path, Reply(content + b"another"))
    with pytest.raises(DataError, match="has the sha256"):
        weights.get("lr_asd")
    server.set(path, Reply(content))
    assert weights.get("lr_asd").read_bytes() == content
    (folder / "records/lr_asd.json").write_text("[]")
    with pytest.raises(DataError, match=r"lr_asd\.json is damaged: remove it"):
        weights.get("lr_asd")


def test_a_stopped_download_goes_on(
    server: Server, lr_asd: tuple[str, bytes], folder: Path
) -> None:
    part = folder / "downloads/finetuning_TalkSet.model.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(lr_asd[1][:5000])
    assert weights.get("lr_asd").read_bytes() == lr_asd[1]
    assert server.asked[0][1]["range"] == "bytes=5000-"


WRONG = {
    "page without a type": (b"<!doctype html><title>x</title>", "is a web page, not weights"),
    "nothing": (b"", "is empty"),
    "another network": (b"", "lacks"),
}


@pytest.mark.parametrize("content, message", WRONG.values(), ids=WRONG)
def test_what_is_no_such_network_is_not_placed(
    server: Server, lr_asd: tuple[str, bytes], folder: Path, tmp_path: Path, content: bytes,
    message: str, eyeline: Command,
) -> None:  # fmt: skip
    if message == "lacks":
        torch.save({"a": torch.zeros(1)}, tmp_path / "x")
        content = (tmp_path / "x").read_bytes()
    server.set(lr_asd[0], Reply(content))
    ended = eyeline("download", "lr_asd", "--accept-licence")
    assert ended.code == 1 and message in ended.err and "Traceback" not in ended.err
    assert [name for name in left(folder) if not name.startswith("downloads/")] == []
    assert not (folder / "speech").exists()


def test_one_that_fails_does_not_end_the_others(
    eyeline: Command, lr_asd: tuple[str, bytes], folder: Path
) -> None:
    ended = eyeline("download", "ecs", "yunet", "lr_asd", "--accept-licence")
    assert ended.code == 1 and "placed: " in ended.out
    assert "ecs: its authors keep it where no program can download it" in ended.err
    assert "yunet: the server says 404 Not Found" in ended.err


def test_a_folder_that_cannot_be_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eyeline: Command, lr_asd: tuple[str, bytes]
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EYELINE_WEIGHTS", str(tmp_path / "file/weights"))
    ended = eyeline("download", "lr_asd", "yunet", "--accept-licence")
    assert ended.code == 1 and ended.err.count("eyeline: cannot make the folder") == 2


def test_a_disk_that_fills_up_places_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, lr_asd: tuple[str, bytes], tmp_path: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    (tmp_path / "x").write_bytes(lr_asd[1])
    with pytest.raises(OutputError, match=r"cannot be placed in .*: No space left"):
        weights.get("lr_asd", given=tmp_path / "x")
    assert left(folder) == []


def test_two_at_once_do_not_meet(lr_asd: tuple[str, bytes], folder: Path) -> None:
    (folder / ".eyeline").mkdir(parents=True)
    with (
        FileLock(folder / ".eyeline/lr_asd.lock"),
        pytest.raises(DataError, match="another process"),
    ):
        weights.get("lr_asd")
    weights.get("lr_asd")


@pytest.mark.parametrize(
    "name, tensors, place",
    [
        ("lam", LAM, "ego_social/lam_lstm.safetensors"),
        ("gaze360", GAZE360, "ego_social/gaze360_start.safetensors"),
    ],
)
def test_the_authors_file_is_imported(
    name: str, tensors: str, place: str, tmp_path: Path, folder: Path, eyeline: Command
) -> None:
    path = tmp_path / "theirs.pth"
    torch.save(their_tensors(tensors), path)
    packed = zipped(tmp_path / "theirs.zip", README_md=b"text", best_pth=path.read_bytes())
    for given in (path, packed):
        ended = eyeline("download", name, "--accept-licence", "--from", given)
        assert ended.code == 0, ended.err
        assert checkpoint.load(folder / place)[0].system == "ego_social"
    if name == "lam":
        system = load_system("ego_social")
        builder = next(b for b in system.builders.values() if b.networks == ("lam_lstm",))
        assert GivenWeights.read(()).of(system, builder) == {"lam_lstm": folder / place}
    wrong = eyeline("download", "ttm", "--accept-licence", "--from", path)
    assert wrong.code == 1 and "expected ego_social/ttm" in wrong.err
    assert not (folder / "ego_social/ttm.safetensors").exists()


def test_an_archive_with_several_weights_is_kept_and_named(
    server: Server, lr_asd: tuple[str, bytes], folder: Path, tmp_path: Path
) -> None:
    packed = zipped(tmp_path / "theirs.zip", a_pth=b"1", b_pth=b"2")
    server.set(lr_asd[0], Reply(packed.read_bytes()))
    with pytest.raises(CheckpointError, match=r"2 files of weights \(a.pth, b.pth\): unpack it"):
        weights.get("lr_asd")
    assert left(folder) == ["downloads/finetuning_TalkSet.model"]


def test_a_bzip2_file_is_unpacked(tmp_path: Path, lr_asd_bytes: bytes, folder: Path) -> None:
    packed = tmp_path / "x.bz2"
    packed.write_bytes(bz2.compress(lr_asd_bytes))
    entry = table.entry_of("lr_asd")
    path = received.unpacked(packed, tmp_path)
    assert entry.check and path.read_bytes() == lr_asd_bytes
    packed.write_bytes(bz2.compress(lr_asd_bytes)[:-50])
    with pytest.raises(CheckpointError, match="cannot be unpacked"):
        received.unpacked(packed, tmp_path)


@pytest.mark.parametrize(
    "name, message",
    [
        ("dlib", "is no shape predictor of dlib's"),
        ("yunet", "has the sha256"),
        ("ssdlite320_mobilenet_v3_large", "is text, not weights"),
    ],
)
def test_a_wrong_file_of_the_users_is_refused(
    name: str, message: str, tmp_path: Path, folder: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"some text, " * 100)
    with pytest.raises(CheckpointError, match=message):
        weights.get(name, given=wrong)
    assert left(folder) == []


def test_a_wrong_onnx_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"some text, " * 100)
    with pytest.raises(CheckpointError, match="is no ONNX network"):
        received.CHECKS["onnx"](tmp_path / "x.onnx")


@pytest.fixture
def hub(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Hugging Face, with the names of files in the repository of CSTS."""
    monkeypatch.setenv("HF_ENDPOINT", f"{server.address}/")
    monkeypatch.setenv("HF_TOKEN", "secret")
    return server


def listing(*names: str) -> Reply:
    return Reply(json.dumps({"siblings": [{"rfilename": name} for name in names]}).encode())


@pytest.mark.parametrize(
    "names, file, asked",
    [
        (("README.md", "a b.pyth"), None, "a%20b.pyth"),
        (("a.pyth", "b.pyth"), "b.pyth", "b.pyth"),
    ],
)
def test_a_file_on_hugging_face(
    hub: Server, names: tuple[str, ...], file: str | None, asked: str
) -> None:
    hub.set("/api/models/bolinlai/CSTS", listing(*names))
    with pytest.raises(DataError, match="404"):
        weights.get("csts", file=file)
    paths = [path for path, _ in hub.asked]
    assert paths[1] == f"/bolinlai/CSTS/resolve/main/{asked}"
    assert {headers["authorization"] for _, headers in hub.asked} == {"Bearer secret"}


def test_a_recorded_hash_is_of_one_file_of_a_repository(hub: Server) -> None:
    hub.set("/api/models/bolinlai/CSTS", listing("a.pyth", "b.pyth"))
    url = f"{hub.address}/bolinlai/CSTS/resolve/main/a.pyth"
    record, entry = weights.Record(url, "5e", "", ""), table.entry_of("csts")
    asked = {f: weights._wanted("csts", entry, f, record).hashes for f in ("a.pyth", "b.pyth")}
    assert asked == {"a.pyth": {"sha256": "5e"}, "b.pyth": {}}


@pytest.mark.parametrize(
    "reply, error, message",
    [
        (listing("a.pth", "b.pth"), UsageError, "holds a.pth, b.pth; name one by --file"),
        (listing("README.md"), UsageError, "holds no file of weights"),
        (Reply(b"", 401), DataError, "says 401 Unauthorized.*--from FILE"),
        (Reply(b"{}"), DataError, "is no list of files"),
    ],
)
def test_a_repository_without_the_one_file(
    hub: Server, reply: Reply, error: type[Exception], message: str
) -> None:
    hub.set("/api/models/bolinlai/CSTS", reply)
    with pytest.raises(error, match=message):
        weights.get("csts")


def test_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    cases = {
        table.Source(github="a/b", path="c d.pth"): "https://github.com/a/b/raw/HEAD/c%20d.pth",
        table.Source(
            github="a/b", tag="v1", path="c"
        ): "https://github.com/a/b/releases/download/v1/c",
        table.Source(huggingface="a/b", path="c"): "https://huggingface.co/a/b/resolve/main/c",
        table.Source(gdrive="x"): f"{table.DRIVE}?id=x&export=download&confirm=t",
        table.Source(url="http://a/b"): "http://a/b",
    }
    for source, url in cases.items():
        assert table.url_of(source) == url


def test_a_page_from_google_drive_says_what_to_do(
    server: Server, monkeypatch: pytest.MonkeyPatch, folder: Path, eyeline: Command
) -> None:
    page = b"<html><title>Google Drive - Quota exceeded</title></html>"
    monkeypatch.setattr(table, "DRIVE", server.set("/download", Reply(page, headers=HTML)))
    ended = eyeline("download", "csts_k400", "--accept-licence")
    assert ended.code == 1 and "too many have downloaded" in ended.err
    assert "By hand: eyeline download csts_k400 --accept-licence --from FILE" in ended.err


def test_torchvisions_file_carries_its_hash() -> None:
    entry = table.entry_of("ssdlite320_mobilenet_v3_large")
    wanted = weights._wanted("x", entry, None, None)
    assert len(wanted.hashes["sha256"]) == 8 and wanted.hashes["sha256"] in wanted.url


def test_the_list_says_what_is_there_and_how_to_get_the_rest(
    eyeline: Command, folder: Path
) -> None:
    (folder / "eye_contact").mkdir(parents=True)
    shutil.copyfile(__file__, folder / "eye_contact/ms_tcn2.safetensors")
    lines = {line.split()[0]: line for line in eyeline("download").out.splitlines() if line.strip()}
    assert "present" in lines["ecs"] and "missing" in lines["lr_asd"] and "by hand" in lines["lam"]
    rows = {row["builder"]: row for row in json.loads(eyeline("list", "--json").out)}
    said = rows["xgaze_mstcn"]["weights"]
    assert "eye_contact/ms_tcn2: present" in said
    assert "eye_contact/xgaze_resnet50: missing, eyeline download xgaze" in said
    assert not rows["xgaze_mstcn"]["ready"]


@pytest.mark.parametrize("arguments", [["nothing"], ["lr_asd", "yunet", "--from", "x"]])
def test_wrong_use(eyeline: Command, arguments: list[str]) -> None:
    assert eyeline("download", *arguments, "--accept-licence").code == 2


def test_an_entry_takes_no_unknown_key() -> None:
    row = known["lr_asd"].model_dump()
    with pytest.raises(ValueError, match="extra"):
        Entry.model_validate({**row, "licence_": "x"})
