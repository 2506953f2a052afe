"""Every rule of the boundary in plain words, by the id under which it is kept."""

from __future__ import annotations

from typing import Final

from backend_core.privacy.cell_cases import CELLS, DATABASE, FORGETTING, SEED, STORIES, TRACES, Case


def _of(group: str, *known: tuple[str, str, str]) -> tuple[Case, ...]:
    return tuple(Case(name, title, rule, group) for name, title, rule in known)


IN_DATABASE: Final = _of(
    DATABASE,
    (
        "own_role_is_bound",
        "The tested role is bound by the rules",
        "The role that Lectern uses is neither a superuser nor let past row security; otherwise the run refuses to pass.",
    ),
    (
        "roles_are_bound",
        "No role of Lectern is above the rules",
        "None of Lectern's roles passes row security, or can become one that does.",
    ),
    (
        "row_security_is_forced",
        "Every table of a conversation is closed",
        "Every table with a container has row security, for its owner too, whichever table is added later.",
    ),
    ("policies_are_ours", "The rules on the tables are exactly ours", "No policy was dropped, widened or added."),
    (
        "nothing_runs_with_more_rights",
        "No view or function sees more than its user",
        "No view, function or table runs or is read with rights that its user lacks, but for the few that return no words.",
    ),
    (
        "keys_begin_with_container",
        "No key spans two conversations",
        "Every unique and foreign key begins with the container, so that no refusal tells what another one holds.",
    ),
    ("no_counter_spans_containers", "No number counts across conversations", "Rows have random ids; gaps tell nothing."),
    ("directory_reads_no_words", "Lists across conversations hold no words", "The role that lists and counts can read no column of words."),
    ("no_scope_no_rows", "Plain SQL without a scope returns nothing", "Every table with a container is empty to whoever opened none."),
    ("without_where_isolated", "A forgotten condition leaks nothing", "A query without its WHERE returns the same as one with it."),
    ("forged_scope_is_nothing", "A forged scope opens nothing", "Whoever writes the setting of a scope by hand sees nothing."),
    ("replayed_scope_is_nothing", "A used scope opens nothing", "A scope copied from an ended transaction sees nothing."),
    (
        "borrowed_scope_is_nothing",
        "A borrowed scope opens nothing",
        "A scope copied into another session, while its owner still works, sees nothing.",
    ),
    ("one_scope_per_transaction", "A transaction opens one conversation", "A second conversation in the same transaction is refused."),
    ("scope_ends_with_transaction", "A scope ends with its transaction", "The next transaction on the same connection sees nothing."),
    (
        "foreign_write_is_refused",
        "Nothing is written into another conversation",
        "Inserting or moving a row there is refused by the database.",
    ),
    ("scope_needs_a_reason", "Nobody opens a conversation without a reason", "The database refuses a scope without one."),
    ("scope_key_is_hidden", "Nobody can read what signs a scope", "The key of the scopes cannot be read or replaced by the application."),
)

IN_STORIES: Final = _of(
    STORIES,
    (
        "secret_project",
        "A secret project stays in its group",
        "A project named in a group is unknown when a member asks about it in private.",
    ),
    ("personal_worry", "A personal worry stays private", "A worry told to a persona is unknown in the group of the same person."),
    (
        "roommate_complaint",
        "A complaint about a flatmate stays private",
        "In the flat share nothing of it shows, not to the flatmate either.",
    ),
    (
        "surprise_party",
        "A surprise party stays a surprise",
        "Planned in one group, it is unknown in another with Ana, and later when Ana asks alone.",
    ),
    (
        "twenty_changes",
        "Twenty changes between group and private",
        "However often talk moves between group and private, each knows only its own.",
    ),
    ("member_who_left", "Who left a group takes nothing along", "Someone who left finds nothing of the group in private."),
    (
        "lookalike_names",
        "No name can pass for another conversation",
        "A group named like a private label, or with % and _ in its name, is only itself.",
    ),
    ("one_person_however_written", "One phone is one person", "However a phone is written, it opens the same conversation and no other."),
    ("update_keeps_container", "A changed memory stays where it was", "Changing a memory, or its history, never moves it."),
    (
        "import_keeps_container",
        "An import cannot change the conversation",
        "A file exported elsewhere and imported here tells nothing to there.",
    ),
    (
        "reply_knows_its_own",
        "A reply is made of its own conversation",
        "What a persona is given for a reply comes from that conversation only.",
    ),
)

IN_FORGETTING: Final = _of(
    FORGETTING,
    ("forget_in_group_only_group", "Forgetting in a group forgets there", "The same words remembered in private stay."),
    ("forget_in_direct_only_direct", "Forgetting in private forgets there", "The same words remembered in a group stay."),
    ("forget_that_means_the_last", "“Forget that” means the last of this talk", "It never reaches a newer memory of another conversation."),
    (
        "forget_ambiguous_changes_nothing",
        "An unclear wish changes nothing",
        "When it is not clear what is meant, Lectern asks and forgets nothing.",
    ),
    ("forget_everything_touches_one", "Forgetting everything touches one conversation", "All other conversations are as they were."),
    ("forgotten_is_gone", "What is forgotten for good is gone", "No word of it is left in any table that this role can read."),
    (
        "boundary_stays_in_its_place",
        "“Don't bring this up” holds in its place",
        "A boundary set in one conversation hides nothing in another, and is not seen there.",
    ),
)

IN_TRACES: Final = _of(
    TRACES,
    (
        "no_words_outside_containers",
        "No words stand outside the conversations",
        "Jobs, notices, settings and every other table are free of them.",
    ),
    ("no_words_in_logs", "No words stand in the log files", "Nothing that this run said was written to a log."),
    (
        "made_up_people_are_hidden",
        "Made-up people show in no list",
        "Contacts, personas and conversations of a run are kept out of every list.",
    ),
    ("nothing_is_left_behind", "Nothing made up is left behind", "After the run every made-up person is gone with everything they said."),
)

CASES: Final = (*SEED, *CELLS, *IN_STORIES, *IN_FORGETTING, *IN_DATABASE, *IN_TRACES)
BY_ID: Final = {case.id: case for case in CASES}
