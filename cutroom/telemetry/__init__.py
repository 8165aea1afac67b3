"""What a running process tells about itself: metrics and traces. Knows only settings; everything else may use it."""
