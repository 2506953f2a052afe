"""Configuration of the embedded server: small, quiet, private, and with the statistics Lectern shows."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from backend_core.db.cluster import Address

_TUNED: Mapping[str, str] = {
    "max_connections": "100",
    "superuser_reserved_connections": "3",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "min_wal_size": "48MB",
    # No replication: less to write, and copies are made by pg_dump.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # No input-output workers and no compiler: seven processes instead of ten, and short queries stay short.
    "io_method": "sync",
    "jit": "off",
    "max_worker_processes": "4",
    "password_encryption": "scram-sha-256",
    "unix_socket_permissions": "0700",
    "track_io_timing": "on",
    "track_functions": "pl",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] %a ",
    "log_min_duration_statement": "250",
    "log_lock_waits": "on",
    # Values and row contents are personal data and stay out of the log.
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "cluster_name": "lectern",
}
# Ends the query of a client that vanished; not offered on Windows.
_NOT_ON_WINDOWS: Mapping[str, str] = {"client_connection_check_interval": "10s"}


def configuration(address: Address, *, extra: Mapping[str, str]) -> str:
    """Return the text of the settings file for a server that listens at ``address`` and nowhere beyond loopback."""
    settings = dict(_TUNED)
    if sys.platform != "win32":
        settings |= _NOT_ON_WINDOWS
    if address.is_socket:
        settings |= {"listen_addresses": "", "unix_socket_directories": f'"{address.host}"'}
    else:
        settings |= {"listen_addresses": address.host, "unix_socket_directories": ""}
    settings |= extra
    settings["port"] = str(address.port)
    return "".join(f"{name} = '{_escaped(value)}'\n" for name, value in settings.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")
