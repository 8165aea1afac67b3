"""One clip as a MoviePy pipeline makes it; runs in the peers' environment: VIDEO START_S LENGTH_S OUT."""

import sys

from moviepy import CompositeVideoClip, TextClip, VideoFileClip


def main(video: str, start_s: float, length_s: float, out: str) -> None:
    source = VideoFileClip(video).subclipped(start_s, start_s + length_s)
    across = source.h * 9 / 16
    left = (source.w - across) / 2
    picture = source.cropped(x1=left, x2=left + across).resized((1080, 1920))
    text = TextClip(text="ONE CAPTION", font_size=84, color="white", stroke_color="black", stroke_width=6, duration=length_s)
    whole = CompositeVideoClip([picture, text.with_position(("center", 1280))])
    whole.write_videofile(
        out, codec="libx264", audio_codec="aac", preset="veryfast", threads=2, ffmpeg_params=["-crf", "20"], logger=None
    )


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
