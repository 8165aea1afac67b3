"""What is done to recordings: pure plans of what to look at, cut, frame and caption, and one thin runner of ffmpeg."""
