"""Weights of the authors: SyncNet, regressors that joblib wrote, and files that want code."""

from __future__ import annotations

import os
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.neural_network import MLPClassifier, MLPRegressor

from eyeline.errors import CheckpointError
from eyeline.speech.syncnet.weights import load_syncnet, our_name
from eyeline.systems.gaze_following import weights
from eyeline.systems.gaze_following.matching import slope
from eyeline.systems.gaze_following.weights import import_original
from eyeline.training import checkpoint
from tests.closeness import assert_close_to_scale
from tests.speech.syncnet.conftest import their_tensors


@pytest.fixture(scope="module")
def theirs() -> dict[str, torch.Tensor]:
    return their_tensors()


@pytest.mark.parametrize("old", [False, True])
def test_syncnet_is_placed_whole(
    theirs: dict[str, torch.Tensor], tmp_path: Path, old: bool
) -> None:
    """Files of before PyTorch 0.4.1 count no batches and are no zips."""
    kept = {k: v for k, v in theirs.items() if not (old and k.endswith("num_batches_tracked"))}
    path = tmp_path / "syncnet_v2.model"
    torch.save(kept, path, _use_new_zipfile_serialization=not old)
    imported = import_original(path)
    assert (imported.card.system, imported.card.builder) == ("gaze_following", "syncnet")
    assert imported.ignored == ()
    assert sum(v.numel() for k, v in imported.state.items() if "running" not in k
               and "num_batches" not in k) == 13_631_616  # fmt: skip
    for name, value in theirs.items():
        torch.testing.assert_close(imported.state[our_name(name)], value, rtol=0, atol=0)
    checkpoint.save(tmp_path / "ours.safetensors", imported.state, imported.card)
    for file in (path, tmp_path / "ours.safetensors"):
        net, settings = load_syncnet(file)
        assert not net.training and settings == {}
        assert torch.equal(net.lips.head[3].bias, theirs["netfclip.3.bias"])


def test_other_files_are_refused(theirs: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "s.model"
    for change, said in (
        ({"netcnnlip.99.weight": torch.zeros(2)}, "no place for lips.convolutions.99.weight"),
        ({"other": torch.zeros(2)}, "no place for other"),
        ({"netfcaud.3.bias": torch.zeros(2)}, r"sound.head.3.bias \(2,\) instead of \(1024,\)"),
        ({"netfcaud.3.bias": torch.full((1024,), torch.nan)}, "no numbers in sound.head.3.bias"),
        ({"netfcaud.3.bias": torch.ones(1024) > 0}, "sound.head.3.bias as torch.bool"),
    ):
        torch.save({**theirs, **change}, path)
        with pytest.raises(CheckpointError, match=said):
            import_original(path)
    torch.save({k: v for k, v in theirs.items() if k != "netfcaud.3.bias"}, path)
    with pytest.raises(CheckpointError, match=r"lacks sound.head.3.bias"):
        import_original(path)


def test_no_file_and_none_of_ours(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no weights file"):
        import_original(tmp_path / "none.model")
    (tmp_path / "text.model").write_text("hello, this is no checkpoint")
    with pytest.raises(CheckpointError, match=r"text\.model"):
        import_original(tmp_path / "text.model")
    card = checkpoint.CheckpointCard("gaze_3d", "gaze_from_afar", {})
    checkpoint.save(tmp_path / "o.safetensors", {"a": torch.zeros(1)}, card)
    with pytest.raises(CheckpointError, match="gaze_3d/gaze_from_afar; expected syncnet"):
        load_syncnet(tmp_path / "o.safetensors")


joblib = pytest.importorskip("joblib")  # scikit-learn brings it


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(0).random((60, 2)) * 1000


def trained(points, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged
        return MLPRegressor(**{"max_iter": 4, "random_state": 0, **how}).fit(
            points, points[:, 1] / 500
        )


@pytest.mark.parametrize(
    ("how", "stored"),
    [
        ({}, {}),
        ({"random_state": None}, {}),
        ({"hidden_layer_sizes": (7, 5), "activation": "tanh"}, {"compress": 3}),
        ({"hidden_layer_sizes": (6,), "solver": "lbfgs"}, {"compress": ("gzip", 3)}),
        ({"hidden_layer_sizes": (6,), "solver": "sgd"}, {"protocol": 3}),
        ({"hidden_layer_sizes": (6,), "activation": "logistic"}, {"protocol": 2}),
        ({"hidden_layer_sizes": (6,), "early_stopping": True}, {"protocol": 5}),
    ],
)
def test_reads_what_joblib_wrote(tmp_path, points, how, stored):
    model = trained(points, **how)
    joblib.dump(model, tmp_path / "model_mlp.m", **stored)
    result = weights.read_slope(tmp_path / "model_mlp.m")
    np.testing.assert_allclose(result(points), model.predict(points), atol=1e-12)


def test_import_makes_a_weights_file(tmp_path, points):
    model = trained(points)
    joblib.dump(model, tmp_path / "model_mlp.m")
    result = weights.import_slope(tmp_path / "model_mlp.m")
    checkpoint.save(tmp_path / "ours.safetensors", result.state, result.card)
    ours = slope.read(tmp_path / "ours.safetensors")
    np.testing.assert_allclose(ours(points), model.predict(points), atol=1e-12)


def test_single_precision_and_other_byte_order(tmp_path, points):
    model = trained(points.astype(np.float32))
    model.coefs_ = [c.astype(">f8") for c in model.coefs_]
    joblib.dump(model, tmp_path / "m")
    result = weights.read_slope(tmp_path / "m")
    assert_close_to_scale(result(points), model.predict(points))


class Wicked:
    def __reduce__(self):
        return os.mkdir, ("was_run",)


def test_runs_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    joblib.dump({"coefs_": Wicked()}, tmp_path / "wicked.m")
    with pytest.raises(CheckpointError, match=r"asks for (posix|nt)\.mkdir.*Nothing .* was run"):
        weights.read_slope(tmp_path / "wicked.m")
    assert not (tmp_path / "was_run").exists()
    joblib.load(tmp_path / "wicked.m")
    assert (tmp_path / "was_run").exists(), "the file does run something in other hands"


def test_names_keep_their_meaning(tmp_path, points):
    """A file that gives the stand-in of a name another state, which later files would meet."""
    joblib.dump(trained(points), tmp_path / "good")
    change = b"\x80\x02cnumpy\ndtype\nN}X\x04\x00\x00\x00makecnumpy\nndarray\ns\x86b."
    (tmp_path / "bad").write_bytes(change)
    with pytest.raises(CheckpointError, match="would change what a name stands for"):
        weights.read_slope(tmp_path / "bad")
    (tmp_path / "bad").write_bytes(change.replace(b"cnumpy\ndtype", b"cnumpy\nndarray"))
    with pytest.raises(CheckpointError, match="would change what a name stands for"):
        weights.read_slope(tmp_path / "bad")
    weights.read_slope(tmp_path / "good")


def test_an_array_of_objects_is_refused(tmp_path, points):
    model = trained(points)
    model.coefs_ = [np.array([[Wicked()]], object)]
    joblib.dump(model, tmp_path / "m")
    with pytest.raises(CheckpointError, match="only numbers are read"):
        weights.read_slope(tmp_path / "m")


def test_damage_is_reported(tmp_path, points):
    joblib.dump(trained(points), tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    for length in (0, 1, 40, 700, 1500, len(whole) // 2, len(whole) - 3):
        (tmp_path / "cut").write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="cut"):
            weights.read_slope(tmp_path / "cut")


@pytest.mark.parametrize("name", ["activation", "out_activation_", "coefs_", "intercepts_"])
def test_words_and_layers_that_are_endless(tmp_path, points, name):
    """A tuple of two that are one, and so on: to write it into a message would take for ever."""
    endless = ()
    for _ in range(60):
        endless = (endless, endless)
    model = trained(points)
    setattr(model, name, endless)
    joblib.dump(model, tmp_path / "m")
    with pytest.raises(CheckpointError, match=r"a tuple|no arrays"):
        weights.read_slope(tmp_path / "m")


def test_many_layers_that_are_one(tmp_path, points):
    model = trained(points)
    model.coefs_ = [model.coefs_[0]] * 10_000
    joblib.dump(model, tmp_path / "m")
    with pytest.raises(CheckpointError, match="no list of arrays"):
        weights.read_slope(tmp_path / "m")


def with_coefficients(model, change):
    model.coefs_ = [change(c) for c in model.coefs_]
    return model


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda p: {"a": np.zeros(3)}, "holds no MLPRegressor"),
        (lambda p: MLPRegressor(), "was not trained"),
        (lambda p: trained(np.c_[p, p]), "should take 2 numbers"),
        (lambda p: with_coefficients(trained(p), lambda c: c * np.nan), "no numbers"),
        (lambda p: with_coefficients(trained(p), lambda c: c.tolist()), "no arrays"),
        (lambda p: MLPClassifier(), "MLPClassifier, which is not read"),
    ],
)
def test_other_contents_are_refused(tmp_path, points, made, message):
    joblib.dump(made(points), tmp_path / "m")
    with pytest.raises(CheckpointError, match=message):
        weights.read_slope(tmp_path / "m")


def test_two_outputs_are_refused(tmp_path, points):
    model = trained(points)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(points, points)
    joblib.dump(model, tmp_path / "m")
    with pytest.raises(CheckpointError, match="2 outputs"):
        weights.read_slope(tmp_path / "m")


def test_no_such_file_and_no_joblib(tmp_path):
    with pytest.raises(CheckpointError, match="No such file"):
        weights.read_slope(tmp_path / "absent.m")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(CheckpointError, match="no file of joblib"):
        weights.read_slope(tmp_path / "text")
    (tmp_path / "plain").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(CheckpointError, match="holds no MLPRegressor"):
        weights.read_slope(tmp_path / "plain")
