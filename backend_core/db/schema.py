"""The one ``MetaData`` on which every feature's ``tables.py`` declares its tables."""

from __future__ import annotations

from sqlalchemy import MetaData

# Fixed names make constraints addressable in migrations and in error handling.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
