"""How a window shows which profile it works on: colour, frame, the word for production, and why it only reads."""

from __future__ import annotations

from typing import Any, Final

from desktop.i18n import tr
from desktop.style import tone_fill
from desktop.widgets.badge import Badge
from desktop.widgets.rail import ProfileCard
from desktop.widgets.top_bar import ProfileStrip

_KINDS: Final = {"embedded": ("ok", "laptop"), "server": ("warn", "server")}


def show_profile(profile: Any, strip: ProfileStrip, mark: Badge, card: ProfileCard) -> None:
    """Show ``profile`` (``backend.profile``) on the edge of the window, in the top bar and at the foot of the rail."""
    tone, symbol = _KINDS.get(profile.kind, ("info", "server"))
    chosen = str(getattr(profile, "colour", "none"))
    hue = tone_fill(tone if chosen == "none" else chosen)
    production = bool(getattr(profile, "production", False))
    strip.show_colour(hue, frame=production)
    mark.show_state(tr("Production") if production else "", "bad")
    card.show_profile(profile.name, tr("PostgreSQL {version}", version=profile.server_version), token=hue, icon_name=symbol)


def read_only_reason(profile: Any) -> str:
    """Return why nothing is changed through ``profile``."""
    if getattr(profile, "newer_schema", False):
        return tr("A newer Lectern changed this database.")
    return tr("The profile says so.")
