"""The GPU worker: transcription, shots and faces, on the CPU where there is no GPU. Activities only."""
