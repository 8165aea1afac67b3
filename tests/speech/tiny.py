"""A whisper of the right shape, small and never trained, in CTranslate2's form, with whisper's own tokens."""

import json
from pathlib import Path

import numpy as np

STATE, HEADS, LAYERS, MELS, AUDIO, TEXT, TOKENS = 32, 2, 2, 80, 1500, 448, 51865


def convert_tiny(folder: Path) -> Path:
    """The folder, with all files that faster-whisper reads."""
    from ctranslate2.specs.whisper_spec import WhisperConfig, WhisperSpec
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    tokens = whisper_tokens()
    random = np.random.default_rng(0)

    def some(*shape: int) -> np.ndarray:
        return (random.normal(size=shape) * 0.05).astype(np.float32)

    def linear(spec: object, out: int, into: int) -> None:
        spec.weight, spec.bias = some(out, into), np.zeros(out, np.float32)

    def norm(spec: object) -> None:
        spec.gamma, spec.beta = np.ones(STATE, np.float32), np.zeros(STATE, np.float32)

    def attention(spec: object, parts: list[int]) -> None:
        norm(spec.layer_norm)
        for layer, times in zip(spec.linear, parts, strict=True):
            linear(layer, times * STATE, STATE)

    spec = WhisperSpec(LAYERS, HEADS, LAYERS, HEADS)
    for conv, into in ((spec.encoder.conv1, MELS), (spec.encoder.conv2, STATE)):
        conv.weight, conv.bias = some(STATE, into, 3), np.zeros(STATE, np.float32)
    spec.encoder.position_encodings.encodings = some(AUDIO, STATE)
    spec.decoder.position_encodings.encodings = some(TEXT, STATE)
    spec.decoder.embeddings.weight = some(TOKENS, STATE)
    spec.decoder.projection.weight = spec.decoder.embeddings.weight
    norm(spec.encoder.layer_norm)
    norm(spec.decoder.layer_norm)
    for layer in (*spec.encoder.layer, *spec.decoder.layer):
        attention(layer.self_attention, [3, 1])
        norm(layer.ffn.layer_norm)
        linear(layer.ffn.linear_0, 4 * STATE, STATE)
        linear(layer.ffn.linear_1, STATE, 4 * STATE)
    for layer in spec.decoder.layer:
        attention(layer.attention, [1, 2, 1])
    spec.register_vocabulary(tokens)
    languages = range(tokens.index("<|startoftranscript|>") + 1, tokens.index("<|translate|>"))
    spec._config = WhisperConfig([], [tokens.index("<|endoftext|>")], list(languages), [(1, 0), (1, 1)])
    spec.validate()
    spec.save(str(folder))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": MELS}))
    text = {token: number for number, token in enumerate(tokens) if number < tokens.index("<|endoftext|>")}
    tokenizer = Tokenizer(models.BPE(text, []))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer.add_special_tokens(tokens[len(text) :])
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def whisper_tokens() -> list[str]:
    """Whisper's tokens by number, text in GPT-2's notation of bytes."""
    from tokenizers import pre_tokenizers
    from whisper.tokenizer import get_encoding

    encoding = get_encoding("multilingual", 99)
    plain = sorted(pre_tokenizers.ByteLevel.alphabet())
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in printable}
    letters |= {byte: chr(256 + number) for number, byte in enumerate(b for b in range(256) if b not in letters)}
    assert sorted(letters.values()) == plain
    text = ["".join(letters[byte] for byte in encoding.decode_single_token_bytes(number)) for number in range(50257)]
    return [*text, *(encoding.decode([number]) for number in range(50257, TOKENS))]
