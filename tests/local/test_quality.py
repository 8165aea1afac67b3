"""The quality check passes a perfect demo and names the one thing that is wrong with a spoiled one."""

import json
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TEXTS = ["One small step is enough.", "Why would anybody wait?", "Because the road is long.", "That is all for today."]
FPS, SIDE = 30, {"width": 1920, "height": 1080}

Demo = dict[str, Any]


def truth() -> dict[str, Any]:
    """Four sentences of three seconds with pauses of half a second, and a face that stands still."""
    words, sentences = [], []
    for number, text in enumerate(TEXTS):
        start = 0.5 + 3.5 * number
        written = text.split()
        each = 3.0 / len(written)
        words += [
            {"text": w, "start_s": start + i * each, "end_s": start + (i + 1) * each, "sentence": number}
            for i, w in enumerate(written)
        ]
        sentences.append({"speaker": "A", "text": text, "start_s": start, "end_s": start + 3})
    box = {"who": "A", "x": 700, "y": 300, "w": 300, "h": 400}
    faces = [{"frame": frame, "boxes": [box]} for frame in range(0, 420, 6)]
    return {
        "fps": FPS, **SIDE, "words": words, "sentences": sentences, "faces": faces,
        "cuts": [120, 240, 360], "dissolves": [{"start_frame": 180, "end_frame": 198}], "shots": [],
    }  # fmt: skip


def perfect() -> Demo:
    """One clip of the middle sentences, all as the truth has it."""
    known = truth()
    shot = {
        "start_s": 3.75,
        "end_s": 10.75,
        "layout": "crop",
        "why": "",
        "keyframes": [{"t_s": 3.75, "x": 600, "y": 0, "w": 608, "h": 1080}],
    }
    return {
        "campaign.json": {
            "clips": [
                {
                    "status": "ready", "start_s": 3.75, "end_s": 10.75, "duration_s": 7.0,
                    "captions": "clip-01.srt", "frame": "clip-01.frame.json",
                }
            ]
        },
        "transcript.json": {"words": deepcopy(known["words"])},
        "shots.json": {"fps": FPS, "cuts": [120, 189, 240, 360]},
        "clip-01.frame.json": {"source_width": 1920, "source_height": 1080, "aspect": "9:16", "shots": [shot]},
        "clip-01.srt": f"1\n00:00:00,250 --> 00:00:03,250\n{TEXTS[1]}\n\n2\n00:00:03,750 --> 00:00:06,750\n{TEXTS[2]}\n",
    }  # fmt: skip


def check(folder: Path, demo: Demo) -> subprocess.CompletedProcess[str]:
    for name, content in demo.items():
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    (folder / "truth.json").write_text(json.dumps(truth()))
    command = [sys.executable, "-m", "bench.quality", "--out", str(folder), "--truth", str(folder / "truth.json")]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_a_demo_as_the_truth_has_it_passes(tmp_path: Path) -> None:
    result = check(tmp_path, perfect())
    assert result.returncode == 0, result.stdout + result.stderr
    assert "MISSED" not in result.stdout


def late_cut(demo: Demo) -> None:
    demo["shots.json"]["cuts"][0] += 3


def missing_cut(demo: Demo) -> None:
    demo["shots.json"]["cuts"].remove(240)


def crop_beside_the_face(demo: Demo) -> None:
    demo["clip-01.frame.json"]["shots"][0]["keyframes"][0]["x"] = 720


def crop_that_leaves_the_face(demo: Demo) -> None:
    demo["clip-01.frame.json"]["shots"][0]["keyframes"].append({"t_s": 10.0, "x": 0, "y": 0, "w": 608, "h": 1080})


def whole_picture(demo: Demo) -> None:
    demo["clip-01.frame.json"]["shots"][0]["layout"] = "fit"


def words_shifted(demo: Demo) -> None:
    for word in demo["transcript.json"]["words"]:
        word["start_s"] += 0.15


def one_word_far_off(demo: Demo) -> None:
    demo["transcript.json"]["words"][7]["start_s"] += 0.4


def words_lost(demo: Demo) -> None:
    del demo["transcript.json"]["words"][4:9]


def subtitles_shifted(demo: Demo) -> None:
    demo["clip-01.srt"] = demo["clip-01.srt"].replace("00:00:03,750", "00:00:04,150")


def clip_inside_a_sentence(demo: Demo) -> None:
    demo["campaign.json"]["clips"][0]["start_s"] = 4.75


def clip_close_to_the_next_word(demo: Demo) -> None:
    demo["campaign.json"]["clips"][0] |= {"end_s": 10.95, "duration_s": 7.2}


def no_clip(demo: Demo) -> None:
    demo["campaign.json"]["clips"][0]["status"] = "failed"


@pytest.mark.parametrize(
    ("spoil", "missed"),
    [
        (late_cut, "cuts, F1"),
        (missing_cut, "cuts, F1"),
        (crop_beside_the_face, "a face inside"),
        (crop_that_leaves_the_face, "a face inside"),
        (whole_picture, "frames in a fit layout"),
        (words_shifted, "caption word start, error in ms, p95"),
        (one_word_far_off, "caption word start, error in ms, max"),
        (words_lost, "caption words found"),
        (subtitles_shifted, "subtitle cues"),
        (clip_inside_a_sentence, "clips of whole sentences"),
        (clip_close_to_the_next_word, "nearest word outside"),
        (no_clip, "clips  "),
    ],
)
def test_what_is_wrong_is_named_and_fails_the_check(tmp_path: Path, spoil: Callable[[Demo], None], missed: str) -> None:
    demo = perfect()
    spoil(demo)
    result = check(tmp_path, demo)
    assert result.returncode == 1, result.stdout + result.stderr
    assert any(line.startswith(missed) and line.endswith("MISSED") for line in result.stdout.splitlines()), result.stdout
