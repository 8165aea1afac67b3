"""Reads a container with PyAV and prints what is in it as JSON: the part of `probe` that touches hostile bytes.

A script (standard library and PyAV only), run in a limited child process; whatever happens to it, the worker stands.
"""

from __future__ import annotations

import json
import os
import sys
import time
from math import inf
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

SAMPLED_PACKETS = 600
REORDERED_PACKETS = 32
TAIL_S = 1.0
DECODING_S = 2.5
LAST_PACKETS_S = 10.0
LOOKS = 6
INTERLACED = range(2, 6)  # AVFieldOrder: fields stored apart or together, top or bottom first
LOOK_SIZE = (64, 36)
FEWEST_LOOKS = 3
SAME_GREY = 4  # of 255, between small pictures of one still


def examine(path: Path, demuxer: str, thorough: bool) -> dict[str, Any]:
    """Facts as they are, undecided: see `cutroom.media.probe.decide`. Where not `thorough`, "still" is not looked for."""
    if not _whole(path, demuxer):
        return {"whole": False}
    options = {"protocol_whitelist": "file"}
    with av.open(str(path), format=demuxer, options=options, metadata_errors="ignore") as container:
        streams = [_stream(stream) for stream in container.streams]
        pictures = [s for s in container.streams.video if Disposition.attached_pic not in s.disposition]
        video = _video(container, pictures[0]) if pictures else None
        duration = container.duration / av.time_base if container.duration else _last_packet_end(container)
        if video is not None and video["decodes"]:
            video["tail_decodes"] = _tail_decodes(container, pictures[0], duration)
            video["still"] = thorough and _still(container, pictures[0], duration)
        shown = [*pictures[:1], *container.streams.audio[:1]]
        extents = [_extent(container, stream, duration) for stream in shown]
    return {"whole": True, "duration_s": duration, "streams": streams, "video": video, "extents": extents}


def _stream(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    return {"type": stream.type, "codec": context.codec.canonical_name if context is not None else ""}


def _video(container: InputContainer, stream: VideoStream) -> dict[str, Any]:
    context = stream.codec_context
    facts: dict[str, Any] = {"codec": context.codec.canonical_name if context is not None else "", "decodes": False}
    if context is None:
        return facts
    facts |= {"width": context.width, "height": context.height, "average_rate": float(stream.average_rate or 0)}
    facts["times"] = [_packet_times(container, stream, share) for share in (0.0, 0.5)]
    container.seek(0)
    try:
        frame = next(container.decode(stream))
    except (FFmpegError, StopIteration):
        return facts
    sar = stream.sample_aspect_ratio or context.sample_aspect_ratio
    return facts | {
        "decodes": True,
        "width": frame.width,
        "height": frame.height,
        "pixel_aspect": float(sar) if sar else 1.0,
        "rotation": frame.rotation,
        "matrix": int(frame.colorspace),
        "transfer": int(frame.color_trc),
        "interlaced": frame.interlaced_frame or context.field_order in INTERLACED,
    }


def _packet_times(container: InputContainer, stream: VideoStream, share: float) -> list[float]:
    """Presentation times of some packets from this share of the recording on, sorted, in seconds."""
    container.seek((container.start_time or 0) + int((container.duration or 0) * share))
    times = []
    for packet in container.demux(stream):
        if packet.pts is not None:
            times.append(_seconds(packet.pts, packet))
        if len(times) >= SAMPLED_PACKETS:
            return sorted(times)[:-REORDERED_PACKETS]  # those before which others still come
    return sorted(times)


def _last_packet_end(container: InputContainer) -> float:
    """The length of a recording that was never finalised: nobody wrote it down."""
    container.seek(0)
    start = _start_s(container)
    ends = [_seconds(packet.pts + (packet.duration or 0), packet) for packet in container.demux() if packet.pts is not None]
    return max([start, *ends]) - start


def _tail_decodes(container: InputContainer, stream: VideoStream, duration_s: float) -> bool:
    """Whether a picture comes out of the last stretch; a slow decoder gets the benefit of the doubt."""
    begun = time.monotonic()
    start = _start_s(container)
    end = _seconds((stream.start_time or 0) + stream.duration, stream) if stream.duration else start + duration_s
    container.seek(int(max(start, end - TAIL_S) * av.time_base))
    decoded = False
    try:
        for frame in container.decode(stream):
            decoded = True
            if time.monotonic() - begun > DECODING_S or (frame.time is not None and frame.time >= end - TAIL_S):
                return True
    except FFmpegError:
        return False
    return decoded


def _still(container: InputContainer, stream: VideoStream, duration_s: float) -> bool:
    """Whether the picture is the same at all of several moments; a slow decoder that reaches too few of them tells nothing.

    Key frames are compared first, as one that differs settles it; only where all are alike is what lies between decoded.
    """
    deadline = time.monotonic() + DECODING_S
    moments = [_start_s(container) + duration_s * number / LOOKS for number in range(LOOKS)]
    first, reached = None, 0
    for exact in (False, True):
        for moment_s in moments:
            container.seek(int(moment_s * av.time_base))
            frame = _frame_from(container, stream, moment_s if exact else -inf, deadline)
            if frame is None:
                continue
            look = bytes(frame.reformat(*LOOK_SIZE, format="gray").planes[0])
            first = first or look
            if any(abs(one - other) > SAME_GREY for one, other in zip(first, look, strict=True)):
                return False
            reached += exact
    return reached >= FEWEST_LOOKS


def _frame_from(container: InputContainer, stream: VideoStream, least_s: float, deadline: float) -> VideoFrame | None:
    """The next frame that is not before this moment, else the last one; None where none comes in time."""
    frame = None
    try:
        for frame in container.decode(stream):
            if time.monotonic() > deadline:
                return None
            if frame.time is not None and frame.time >= least_s:
                break
    except FFmpegError:
        return None
    return frame


def _extent(container: InputContainer, stream: Stream, duration_s: float) -> list[float]:
    """When the stream begins and ends, in seconds from the start of the recording; at the earliest LAST_PACKETS_S before its
    end, where nothing of the stream was found later.
    """
    start = _start_s(container)
    begins = _seconds(stream.start_time or 0, stream) - start
    if stream.duration:
        return [begins, begins + _seconds(stream.duration, stream)]
    container.seek(int((start + max(0.0, duration_s - LAST_PACKETS_S)) * av.time_base))
    ends = [_seconds(packet.pts + (packet.duration or 0), packet) for packet in container.demux(stream) if packet.pts is not None]
    return [begins, max(ends, default=start + max(0.0, duration_s - LAST_PACKETS_S)) - start]


def _start_s(container: InputContainer) -> float:
    return float((container.start_time or 0) / av.time_base)


def _seconds(ticks: int, of: Packet[Any] | Stream) -> float:
    return float(ticks * (of.time_base or 0))


def _whole(path: Path, demuxer: str) -> bool:
    """Whether the file is as long as its own outermost structure says."""
    with path.open("rb") as file:
        return (_boxes_end if demuxer == "mov" else _segment_ends)(file, os.fstat(file.fileno()).st_size)


def _boxes_end(file: BinaryIO, size: int) -> bool:
    """Walk the top-level boxes of an MP4 (ISO 14496-12, 4.2): each must end inside the file, and one is `moov`."""
    at, names = 0, set()
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, name = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - at
        names.add(name)
        if length < 8 or at + length > size:
            # Some writers leave a few bytes after the last box; a box with media in it must be whole.
            return b"moov" in names - {name} and name not in (b"mdat", b"moov", b"moof")
        at += length
    return b"moov" in names


def _segment_ends(file: BinaryIO, size: int) -> bool:
    """The Segment of a Matroska file (RFC 9559) ends inside the file; a live recording's has no known length."""
    file.seek(4)
    head_length, _ = _vint(file)
    file.seek(head_length, os.SEEK_CUR)
    if file.read(4) != b"\x18\x53\x80\x67":
        return False
    length, known = _vint(file)
    return not known or file.tell() + length <= size


def _vint(file: BinaryIO) -> tuple[int, bool]:
    """A variable-length size (RFC 8794, 4): its value, and whether it is a known one."""
    first = file.read(1)[0]
    width = 9 - first.bit_length()
    value = int.from_bytes(bytes([first & (0xFF >> width)]) + file.read(width - 1), "big")
    return value, value != (1 << 7 * width) - 1


if __name__ == "__main__":
    try:
        print(json.dumps(examine(Path(sys.argv[1]), sys.argv[2], thorough=sys.argv[3] == "thorough")))
    except (FFmpegError, IndexError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
