"""Text to speech: voices, engines, the text normaliser, word marks and encoders.

``Speech`` is what the rest of Lectern uses; ``LocalEngine`` speaks with espeak-ng in a process of its own.
"""

from __future__ import annotations

from backend_core.speech.engine import Engine, Mark, SpeechRequest, SpokenAudio, Voice
from backend_core.speech.local import LocalEngine
from backend_core.speech.service import Speech

__all__ = ["Engine", "LocalEngine", "Mark", "Speech", "SpeechRequest", "SpokenAudio", "Voice"]
