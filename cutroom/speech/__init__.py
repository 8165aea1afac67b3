"""From sound, and captions where there are some, to words with times. Nothing here imports a model library at the top."""
