"""The one settings class. Every value can be set by an environment variable with the prefix CUTROOM_.

Where a URL or an address is left empty, the embedded part of `cutroom up` is meant; the supervisor fills these in for the
processes that it starts, and gives each process only what it may have.
"""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024
GIB = 1024 * MIB


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="CUTROOM_", frozen=True, extra="ignore")

    home: Path = Field(Path(".cutroom"), description="Folder for all state of the embedded stack.")
    tools: Path = Field(Path("~/.cache/cutroom/bin"), description="Folder of installed programs, shared by all clones.")
    log_format: str = Field("json", description="json, or console for people.")

    metrics_host: str = Field("127.0.0.1", description="Address the workers serve /metrics and /healthz on.")
    metrics_port: int = Field(9464, description="Port of that; `cutroom up` takes four from here on. 0: none.")
    otlp_endpoint: str = Field("", description="URL of an OpenTelemetry collector (OTLP, HTTP); empty: spans stay in the home.")

    api_host: str = Field("127.0.0.1", description="Address the API listens on.")
    api_port: int = Field(8000, description="Port of the API.")
    api_url: str = Field("", description="Where clients find the API; empty: http://127.0.0.1:<api_port>.")
    api_token: SecretStr = Field(SecretStr(""), description="Token the CLI uses; empty: the embedded stack's own.")

    postgres_port: int = Field(5439, description="Port of the embedded PostgreSQL.")
    database_url: SecretStr = Field(SecretStr(""), description="PostgreSQL URL of the app role (row-level security).")
    database_system_url: SecretStr = Field(SecretStr(""), description="URL of the system role (sweepers, token look-up).")
    database_owner_url: SecretStr = Field(SecretStr(""), description="URL of the owner role (migrations only).")

    temporal_port: int = Field(7233, description="Port of the embedded Temporal server.")
    temporal_ui_port: int = Field(8233, description="Port of the embedded Temporal UI.")
    temporal_address: str = Field("", description="host:port of an outside Temporal; empty: embedded.")
    temporal_namespace: str = Field("default", description="Temporal namespace.")
    temporal_tls: bool = Field(False, description="Use TLS towards Temporal; an API key and the next four imply it.")
    temporal_tls_server_name: str = Field("", description="Name in Temporal's certificate; empty: that of the address.")
    temporal_tls_ca_file: str = Field("", description="PEM of who signs Temporal's certificate; empty: the system's authorities.")
    temporal_tls_cert_file: str = Field("", description="PEM of our client certificate, where Temporal asks for one (mTLS).")
    temporal_tls_key_file: str = Field("", description="PEM of that certificate's key, without a password.")
    temporal_api_key: SecretStr = Field(SecretStr(""), description="API key for Temporal Cloud.")
    payload_codec: str = Field("", description="package.module:factory of a PayloadCodec for all payloads; empty: none.")

    s3_port: int = Field(7070, description="Port of the embedded S3 gateway.")
    s3_endpoint: str = Field("", description="URL of an outside S3; empty: embedded.")
    s3_public_endpoint: str = Field("", description="URL of the store as clients reach it; empty: s3_endpoint.")
    s3_access_key: SecretStr = Field(SecretStr(""), description="S3 access key.")
    s3_secret_key: SecretStr = Field(SecretStr(""), description="S3 secret key.")
    s3_bucket: str = Field("cutroom", description="Bucket for everything.")
    s3_region: str = Field("us-east-1", description="S3 region.")

    stripe_live_key: SecretStr = Field(SecretStr(""), description="Stripe's secret key for live jobs and tokens, sk_live_... .")
    stripe_test_key: SecretStr = Field(SecretStr(""), description="Stripe's secret key for test jobs and tokens, sk_test_... .")
    stripe_webhook_secrets: SecretStr = Field(
        SecretStr(""),
        description="Secrets of the webhook endpoints, whsec_...; several, with commas, for both modes or while rotating.",
    )
    stripe_url: str = Field("", description="URL of a server that stands in for Stripe; empty: Stripe.")
    cards_port: int = Field(8420, description="Port of the embedded stand-in for Stripe.")

    ffmpeg: str = Field("", description="Path of an ffmpeg with libass, libx264 and loudnorm; empty: imageio-ffmpeg's.")
    whisper_model: str = Field(
        "base", description="Whisper model: a published name, a .pt file, or a folder converted for faster-whisper."
    )
    yolo_weights: str = Field("", description="YOLO weights with a class `face`; empty: the detector of nudenet.")
    language_url: str = Field(
        "", description="Base URL of an OpenAI-compatible endpoint that ranks the best passages, as https://.../v1; empty: none."
    )
    language_model: str = Field("", description="The model to ask there.")
    language_api_key: SecretStr = Field(SecretStr(""), description="The key for it; empty: it asks for none.")
    language_timeout_s: float = Field(120.0, gt=0, le=240, description="Seconds that it may take for one answer.")
    webhook_private_hosts: str = Field(
        "", description="Hosts, with commas, that webhooks may reach at private addresses and by http; empty: none."
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="Where mail goes: smtp://user:password@host:587 (STARTTLS), smtps://..., file:///folder; empty: nowhere.",
    )
    mail_from: str = Field("cutroom@localhost", description="Sender of that mail.")
    cache_bytes: int = Field(20 * GIB, description="Local copies of artifacts kept per worker host.")
    media_slots: int = Field(2, description="Media activities at a time in one worker process.")
    gpu_slots: int = Field(2, description="Model activities at a time in one worker process.")
    outbound_slots: int = Field(400, ge=1, description="Questions to other servers at a time in one worker process.")
    drain_s: int = Field(
        5, ge=0, description="Seconds that a stopping process gives its running steps or requests before it cancels them."
    )

    default_plan: Literal["own", "free"] = Field(
        "own", description="The plan of who subscribes to none: own allows all that these settings allow; free is for who sells."
    )
    max_source_bytes: int = Field(10 * GIB, description="Largest upload.")
    max_source_s: float = Field(4 * 3600.0, description="Longest source, seconds.")
    max_side_px: int = Field(8192, description="Largest width or height of a source.")
    max_fps: float = Field(240.0, description="Highest frame rate of a source.")
    max_streams: int = Field(16, description="Most streams in a source.")
    upload_ttl_s: int = Field(24 * 3600, description="An unfinished upload is swept after this.")

    @property
    def private_hosts(self) -> frozenset[str]:
        """The hosts of `webhook_private_hosts`."""
        return frozenset(host.strip().lower() for host in self.webhook_private_hosts.split(",") if host.strip())


@cache
def get_settings() -> Settings:
    """The process's settings, read from the environment once."""
    return Settings()
