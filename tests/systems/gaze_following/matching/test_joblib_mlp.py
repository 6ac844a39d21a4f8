"""Regressors that scikit-learn and joblib wrote, read without either; and files that want code."""

from __future__ import annotations

import os
import pickle
import warnings

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

from eyeline.errors import CheckpointError
from eyeline.systems.gaze_following import weights
from eyeline.systems.gaze_following.matching import slope
from eyeline.training import checkpoint
from tests.closeness import assert_close_to_scale

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
