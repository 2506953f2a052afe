"""How long the document list takes at growing sizes, and how many statements it sends, beside the naive loader."""

from __future__ import annotations
