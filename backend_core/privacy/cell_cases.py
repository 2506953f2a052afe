"""Rules that cells of the matrix prove, in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from backend_core.privacy import contexts
from backend_core.privacy.contexts import ADMIN, CODES, D1, D2, D3, DIRECT, GA, GB, GC, GROUPS, INSIDE, NONE, between
from backend_core.privacy.records import Cell

BOUNDARY, STORIES, FORGETTING, DATABASE, TRACES = "boundary", "stories", "forgetting", "database", "traces"
_SEARCHES: Final = frozenset({"search_words", "search_vectors", "search_hybrid"})
Pairs = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Case:
    """One rule.

    Attributes:
        rule: what must be true, in one sentence that anybody understands.
        group: what it is about.
        pairs: of the matrix, viewer first; empty for a rule that is tried in another way.
        operations: which ones of these pairs; all when empty.
    """

    id: str
    title: str
    rule: str
    group: str
    pairs: Pairs = frozenset()
    operations: frozenset[str] = frozenset()

    def covers(self, cell: Cell) -> bool:
        """Return whether this cell proves the rule."""
        return (cell.viewer, cell.owner) in self.pairs and (not self.operations or cell.operation in self.operations)


def _cells(name: str, title: str, rule: str, pairs: Pairs, operations: frozenset[str] = frozenset()) -> Case:
    return Case(name, title, rule, BOUNDARY, pairs, operations)


def _both(first: tuple[str, ...], second: tuple[str, ...]) -> Pairs:
    return between(first, second) | between(second, first)


_ALL: Final = frozenset((viewer, owner) for viewer in CODES for owner in CODES)
_OPERATION_RULES: Final = {
    "search_words": "A search by words finds only what was said in the same conversation.",
    "search_vectors": "A search by meaning finds only what was said in the same conversation.",
    "search_hybrid": "A search by words and meaning together finds only the same conversation, and its scores depend on nothing else.",
    "list": "A list and its pages hold only the same conversation, in an order that nothing else changes.",
    "get": "An id from elsewhere is answered exactly as an id that does not exist.",
    "count": "Counts and facets count only the same conversation.",
    "aggregate": "Sums, statistics and views tell only of the same conversation.",
    "export": "An export holds only the same conversation, byte for byte.",
    "update": "Nobody can change, or find out by trying to change, what another conversation remembers.",
    "forget": "Nobody can make another conversation forget, or find out by trying.",
    "autocomplete": "Words are completed only from the same conversation.",
    "neighbours": "What was said before and after is looked for only in the same conversation.",
    "deduplicate": "The same words said in two conversations are two memories; neither tells of the other.",
    "error_text": "No error shows, or depends on, what another conversation remembers.",
    "audit_logs": "The audit log and the log files hold no words of anybody, and every opening leaves exactly one row.",
    "cache": "Nothing asked before, on the same connection or by somebody else, shines through.",
}

SEED: Final = (
    _cells(
        "test_group_memory_not_visible_in_direct_search",
        "Group secrets stay out of direct chats",
        "Somebody alone with a persona finds nothing that a group remembers, though they are a member of it.",
        between(DIRECT, GROUPS),
        _SEARCHES,
    ),
    _cells(
        "test_direct_memory_not_visible_in_group_search",
        "Private worries stay out of groups",
        "A group finds nothing that one of its members told a persona alone.",
        between(GROUPS, DIRECT),
        _SEARCHES,
    ),
    _cells(
        "test_multiple_group_chats_isolated",
        "Groups know nothing of one another",
        "Two groups share no memory, not even through a member of both.",
        between(GROUPS, GROUPS),
    ),
    Case(
        "test_container_tag_generation",
        "Every conversation has a label of its own",
        "A label is made of one phone and one persona, or of one group; no name or number can forge another's.",
        DATABASE,
    ),
    Case(
        "test_boundary_commands_respect_mode",
        "“Forget that” holds where it is said",
        "Said in a group it changes that group only, said in private that private talk only.",
        FORGETTING,
    ),
    Case(
        "test_real_world_scenarios",
        "Everyday stories end well",
        "A complaint about a flatmate, a surprise party and a long change between group and private talk all keep their secrets.",
        STORIES,
    ),
)

CELLS: Final = (
    _cells(
        "own_memory_is_visible",
        "A conversation sees its own memory",
        "Every operation works on the own conversation; a boundary that hides everything proves nothing.",
        frozenset((code, code) for code in INSIDE),
    ),
    _cells(
        "groups_are_closed_to_direct",
        "Nothing of a group shows in private",
        "No operation of any kind shows a group's memory in a private talk, or lets it be changed from there.",
        between(DIRECT, GROUPS),
    ),
    _cells(
        "direct_is_closed_to_groups",
        "Nothing private shows in a group",
        "No operation of any kind shows a private talk's memory in a group, or lets it be changed from there.",
        between(GROUPS, DIRECT),
    ),
    _cells(
        "two_personas_share_nothing",
        "Two personas of one person share nothing",
        "What Ana tells Sage, Milo never hears, and the other way round.",
        _both((D1,), (D2,)),
    ),
    _cells(
        "two_people_share_nothing",
        "Two people with one persona share nothing",
        "What Ana tells Sage stays unknown when Ben talks to Sage, and the other way round.",
        _both((D1, D2), (D3,)),
    ),
    _cells(
        "shared_member_is_no_bridge",
        "A member of two groups is no bridge",
        "Ana is in the flat share and in the party plan; neither learns of the other through her.",
        _both((GA,), (GB,)),
    ),
    _cells(
        "strangers_share_nothing",
        "Strangers share nothing",
        "A group without a common member and everybody else know nothing of each other.",
        _both((GC,), (D1, D2, D3, GA, GB)),
    ),
    _cells(
        "without_scope_nothing_answers",
        "Without a scope nothing answers",
        "A program that opened no conversation sees nothing of any, and can change nothing.",
        frozenset((NONE, owner) for owner in CODES),
    ),
    _cells(
        "nothing_is_kept_without_scope",
        "Nothing can be kept outside a conversation",
        "Words that belong to no conversation are refused, and so nobody ever finds them.",
        frozenset((viewer, NONE) for viewer in CODES),
    ),
    _cells(
        "administrators_leave_a_record",
        "Administrators leave a reason and a record",
        "An administrator sees a conversation only by opening it, and each opening is one row of the audit log.",
        frozenset((ADMIN, owner) for owner in CODES),
    ),
    _cells(
        "what_administrators_open_stays_closed",
        "What an administrator opens stays closed to others",
        "That an administrator looked makes a conversation visible to nobody else.",
        frozenset((viewer, ADMIN) for viewer in INSIDE),
    ),
    *(
        _cells(f"operation_{one.code}", f"{one.title}: only the own conversation", _OPERATION_RULES[one.code], _ALL, frozenset({one.code}))
        for one in contexts.OPERATIONS
    ),
)
