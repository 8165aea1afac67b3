"""The truth of a talk is the same in either notation."""

import json
from pathlib import Path
from typing import Any

from bench.truth import read_truth

BOX = {"who": "B", "x": 700, "y": 300, "w": 300, "h": 400}
COMMON: dict[str, Any] = {"fps": 30, "width": 1920, "height": 1080, "cuts": [120]}
LONG = COMMON | {
    "words": [{"text": "Why", "start_s": 0.5, "end_s": 0.75, "sentence": 0}],
    "sentences": [{"speaker": "B", "text": "Why wait?", "start_s": 0.5, "end_s": 1.5}],
    "shots": [{"kind": "two", "start_frame": 0, "end_frame": 120}],
    "dissolves": [{"start_frame": 180, "end_frame": 198}],
    "lights": [{"start_frame": 40, "end_frame": 60}],
    "builds": [90],
    "faces": [{"frame": 6, "boxes": [BOX]}],
}
SHORT = COMMON | {
    "words": [{"w": "Why", "start": 0.5, "end": 0.75, "sentence": 0}],
    "sentences": [{"speaker": "B", "kind": "question", "text": "Why wait?", "start": 0.5, "end": 1.5}],
    "shots": [{"kind": "two", "start": 0, "end": 120}],
    "dissolves": [[180, 198]],
    "lighting": [{"kind": "ramp", "start": 40, "end": 60}],
    "builds": [90],
    "faces": [{"frame": 6, "t": 0.2, "boxes": [BOX]}],
}


def test_both_notations_say_the_same(tmp_path: Path) -> None:
    paths = [tmp_path / "long.json", tmp_path / "short.json"]
    for path, given in zip(paths, (LONG, SHORT), strict=True):
        path.write_text(json.dumps(given))
    long, short = (read_truth(path) for path in paths)
    assert [light[:2] for light in long.lights] == [light[:2] for light in short.lights] == [(40, 60)]
    assert long._replace(lights=[]) == short._replace(lights=[])
    assert long.words[0].text == "Why"
    assert long.shots[0].kind == "two"


def test_nobody_speaks_between_sentences(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(LONG))
    truth = read_truth(path)
    assert [truth.speaker_at(t_s) for t_s in (0.4, 0.5, 1.4, 1.5)] == ["", "B", "B", ""]
