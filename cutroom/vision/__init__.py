"""What the pictures show: shots and faces. Frames in, numbers out; opens no file and starts no process."""
