"""TLS towards Temporal: what the settings say, as the SDK takes it, and what its words about a failed connection mean."""

import ssl
from pathlib import Path

from temporalio.service import TLSConfig

from cutroom.errors import SetupError, Unreachable
from cutroom.settings import Settings

# What the SDK's error says (it has no types for these) -> what to do.
_REFUSALS = {
    "InvalidCertificate": "its certificate does not fit CUTROOM_TEMPORAL_TLS_CA_FILE and CUTROOM_TEMPORAL_TLS_SERVER_NAME",
    "InvalidContentType": "it speaks without TLS, which CUTROOM_TEMPORAL_API_KEY or CUTROOM_TEMPORAL_TLS... ask for",
    "PermissionDenied": "it refuses CUTROOM_TEMPORAL_API_KEY or our client certificate",
    "Unauthenticated": "it refuses CUTROOM_TEMPORAL_API_KEY or our client certificate",
    "transport error": "it ends the connection; see whether it wants TLS, and which client certificate (CUTROOM_TEMPORAL_TLS_...)",
}


def tls_config(settings: Settings) -> TLSConfig | bool:
    """TLS as the settings want it; False: none. An API key implies it, and so does each of the other TLS settings.

    Raises SetupError (`temporal_tls_misconfigured`) where a file cannot be read, is not what it should be, or lacks the other.
    """
    authority = _read(settings.temporal_tls_ca_file, "CUTROOM_TEMPORAL_TLS_CA_FILE")
    certificate = _read(settings.temporal_tls_cert_file, "CUTROOM_TEMPORAL_TLS_CERT_FILE")
    key = _read(settings.temporal_tls_key_file, "CUTROOM_TEMPORAL_TLS_KEY_FILE")
    name = settings.temporal_tls_server_name or None
    if not (settings.temporal_tls or settings.temporal_api_key.get_secret_value() or authority or certificate or key or name):
        return False
    if (certificate is None) != (key is None):
        lacking = "KEY" if key is None else "CERT"
        raise _misconfigured(f"A client certificate and its key go together: set CUTROOM_TEMPORAL_TLS_{lacking}_FILE too.")
    trial = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if authority is not None:
            trial.load_verify_locations(settings.temporal_tls_ca_file)
    except ssl.SSLError as error:
        raise _misconfigured("CUTROOM_TEMPORAL_TLS_CA_FILE holds no certificate; give one or more, as PEM.") from error
    try:
        if certificate is not None:
            trial.load_cert_chain(settings.temporal_tls_cert_file, settings.temporal_tls_key_file, password="")
    except ssl.SSLError as error:
        raise _misconfigured(
            "CUTROOM_TEMPORAL_TLS_CERT_FILE and CUTROOM_TEMPORAL_TLS_KEY_FILE are not a certificate and its key, as PEM without"
            " a password."
        ) from error
    return TLSConfig(server_root_ca_cert=authority, domain=name, client_cert=certificate, client_private_key=key)


def not_connected(words: str) -> Unreachable:
    """What the SDK says of a connection that could not be made, as an error of ours (`temporal_unavailable`)."""
    why = next((f" as the settings say: {why}" for said, why in _REFUSALS.items() if said in words), "")
    return Unreachable(f"Temporal does not answer{why}. Work starts when it does.", code="temporal_unavailable")


def _read(file: str, setting: str) -> bytes | None:
    try:
        return Path(file).read_bytes() if file else None
    except OSError as error:
        raise _misconfigured(f"The file that {setting} names cannot be read; correct its path or its rights.") from error


def _misconfigured(detail: str) -> SetupError:
    return SetupError(detail, code="temporal_tls_misconfigured")
