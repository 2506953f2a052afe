"""A made-up database whose truth is known: families of indexes with equal, shorter, look-alike and half-built ones, and what must stay."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

SCHEMAS = ("corpus_a", "Corpus B", "corpus.c")
NAMES = ("ledger", "Ledger Line", "übergabe", 'quo"ted', "select", "dotted.name", "order")

# what a key may look like besides plain; each finds something else, or in another order, than the plain one
LOOK_ALIKES = (
    "{lead} DESC",
    "{lead} NULLS FIRST",
    '{lead} COLLATE "C"',
    "{lead} text_pattern_ops",
    "{lead} varchar_pattern_ops DESC",
    "lower({lead})",
    "({lead} || 'x')",
)
PREDICATES = ("", " WHERE (amount > 10)", " WHERE (note IS NOT NULL)")


@dataclass
class Truth:
    """What is true of each index, by schema and name; and the columns of foreign keys nothing serves, by schema and table."""

    duplicates: set[tuple[str, str]] = field(default_factory=set)
    prefixes: set[tuple[str, str]] = field(default_factory=set)
    invalid: set[tuple[str, str]] = field(default_factory=set)
    stays: set[tuple[str, str]] = field(default_factory=set)
    different: set[tuple[str, str]] = field(default_factory=set)
    unserved: set[tuple[str, str, tuple[str, ...]]] = field(default_factory=set)


class Corpus:
    """Plants families of indexes, each on a leading column of its own so that no two families have to do with each other."""

    def __init__(self, conn: psycopg.Connection[tuple[object, ...]], seed: int) -> None:
        self.conn = conn
        self.random = random.Random(seed)
        self.truth = Truth()
        self._count = 0

    def plant(self) -> Truth:
        """Make everything; return what is true of it."""
        for schema in SCHEMAS:
            self.conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
            for table in self.random.sample(NAMES, 3):
                self._table(schema, table)
        return self.truth

    def _table(self, schema: str, table: str) -> None:
        leads = [f"Lead {n}" if n % 2 else f"lead{n}" for n in range(self.random.randint(3, 5))]
        where = sql.Identifier(schema, table)
        kind = sql.SQL(self.random.choice(("", "UNLOGGED ")))
        columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(lead)) for lead in leads)
        self.conn.execute(
            sql.SQL("CREATE {}TABLE {} (id serial PRIMARY KEY, {}, amount int, note text, second text, third text, extra int)").format(
                kind, where, columns
            )
        )
        self.truth.stays.add((schema, f"{table}_pkey"))
        for lead in leads:
            self._family(schema, where, sql.Identifier(lead).as_string(self.conn))

    def _name(self, schema: str) -> tuple[str, str]:
        self._count += 1
        style = self.random.choice(("idx_{n}", "Idx {n}", "idx.{n}", "ïdx_{n}"))
        return schema, style.format(n=self._count)

    def _index(self, place: tuple[str, str], where: sql.Identifier, keys: str, *, unique: bool = False, tail: str = "") -> None:
        kind = sql.SQL("UNIQUE ") if unique else sql.SQL("")
        body = sql.SQL(f"{keys}{tail}")
        self.conn.execute(sql.SQL("CREATE {}INDEX {} ON {} {}").format(kind, sql.Identifier(place[1]), where, body))

    def _family(self, schema: str, where: sql.Identifier, lead: str) -> None:
        predicate = self.random.choice(PREDICATES)
        order = self.random.choice(("", " DESC", " DESC NULLS LAST"))
        rest = self.random.sample(("second", "third DESC", "lower(third)", "amount"), 2)
        keys = [f"{lead}{order}", *rest]
        include = self.random.choice(("", " INCLUDE (note, id)"))
        base = self._name(schema)
        unique = self.random.random() < 1 / 3
        self._index(base, where, f"({', '.join(keys)})", unique=unique, tail=include + predicate)
        (self.truth.stays if unique else self.truth.different).add(base)
        self._redundant(schema, where, keys, include, predicate)
        self._look_alikes(schema, where, lead, order, predicate)

    def _redundant(self, schema: str, where: sql.Identifier, keys: list[str], include: str, predicate: str) -> None:
        if self.random.random() < 1 / 2:
            twin = self._name(schema)
            # what is only carried along has no order
            carried = self.random.choice((include, include.replace("note, id", "id, note")))
            self._index(twin, where, f"({', '.join(keys)})", tail=carried + predicate)
            self.truth.duplicates.add(twin)
        for length in (1, 2):
            if self.random.random() < 1 / 2:
                short = self._name(schema)
                self._index(short, where, f"({', '.join(keys[:length])})", tail=predicate)
                self.truth.prefixes.add(short)
        if include and self.random.random() < 1 / 2:
            short = self._name(schema)
            self._index(short, where, f"({keys[0]})", tail=" INCLUDE (id)" + predicate)
            self.truth.prefixes.add(short)

    def _look_alikes(self, schema: str, where: sql.Identifier, lead: str, order: str, predicate: str) -> None:
        shapes = [shape for shape in LOOK_ALIKES if not (order == " DESC" and shape.endswith("} DESC"))]
        for shape in self.random.sample(shapes, 2):
            other = self._name(schema)
            self._index(other, where, f"({shape.format(lead=lead)})", tail=predicate)
            self.truth.different.add(other)
        more = (f"USING hash ({lead})", f"USING brin ({lead})", f"({lead}{order}) INCLUDE (extra)", f"({lead}{order}) WHERE (id > 7)")
        shape = self.random.choice(more)
        other = self._name(schema)
        self._index(other, where, shape, tail="" if "WHERE" in shape else predicate)
        self.truth.different.add(other)


# Each line of its own kind; said beside it what is true.
FIXED = """
CREATE SCHEMA traps;
SET search_path = traps, public;
CREATE TABLE parent (id int PRIMARY KEY, code text CONSTRAINT parent_code UNIQUE, a int, b int,
                     CONSTRAINT parent_ab UNIQUE (a, b) DEFERRABLE INITIALLY DEFERRED, slug text);
CREATE UNIQUE INDEX parent_slug ON parent (slug) NULLS NOT DISTINCT;
CREATE UNIQUE INDEX parent_target ON parent (b, id);
CREATE TABLE served (id int PRIMARY KEY, one int REFERENCES parent, two int, three int, four int REFERENCES parent,
                     five text REFERENCES parent (code), six int REFERENCES parent, self int REFERENCES served,
                     FOREIGN KEY (two, three) REFERENCES parent (b, id));
CREATE INDEX served_one ON served (one);
CREATE INDEX served_order ON served (three, two, id);
CREATE INDEX served_not_null ON served (four) WHERE four IS NOT NULL;
CREATE INDEX served_pattern ON served (five text_pattern_ops);
CREATE INDEX served_hash ON served USING hash (six);
CREATE INDEX served_self ON served (self DESC);
CREATE TABLE bare (id int PRIMARY KEY, one int REFERENCES parent, two int, three int, four int REFERENCES parent,
                   five text REFERENCES parent (code), self int REFERENCES bare, six int REFERENCES parent, seven int REFERENCES parent,
                   FOREIGN KEY (three, two) REFERENCES parent (b, id));
CREATE INDEX bare_one ON bare (id, one);
CREATE INDEX bare_part ON bare (three, id);
CREATE INDEX bare_partial ON bare (four) WHERE four > 3;
CREATE INDEX bare_collation ON bare (five COLLATE "C");
CREATE INDEX bare_expression ON bare ((self + 0));
CREATE INDEX bare_brin ON bare USING brin (six);
CREATE INDEX bare_and ON bare (seven) WHERE seven IS NOT NULL AND one IS NOT NULL;
CREATE TABLE tenant (id int PRIMARY KEY, kind int, UNIQUE (id, kind));
CREATE TABLE tenanted (tenant int, kind int, n int, PRIMARY KEY (tenant, n), FOREIGN KEY (tenant, kind) REFERENCES tenant (id, kind));
CREATE TABLE parts (id int, day date, ref int REFERENCES parent, bare int REFERENCES parent, PRIMARY KEY (id, day))
    PARTITION BY RANGE (day);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE INDEX parts_day ON parts (day);
CREATE INDEX parts_ref ON parts_1 (ref);
CREATE INDEX parts_2_ref ON parts_2 (ref);
CREATE INDEX parts_only ON ONLY parts (bare, day);
CREATE TABLE rooms (id int PRIMARY KEY, during int4range, number int, EXCLUDE USING gist (during WITH &&), EXCLUDE (number WITH =));
CREATE TABLE replicated (a int NOT NULL, b int);
CREATE UNIQUE INDEX replicated_a ON replicated (a);
ALTER TABLE replicated REPLICA IDENTITY USING INDEX replicated_a;
CREATE TABLE sorted (a int, b int);
CREATE INDEX sorted_a ON sorted (a);
CREATE INDEX sorted_ab ON sorted (a, b);
CLUSTER sorted USING sorted_a;
CREATE TABLE grand (a int, b int);
CREATE TABLE child (c int) INHERITS (grand);
CREATE INDEX grand_a ON grand (a);
CREATE INDEX child_a ON child (a);
CREATE INDEX child_a_again ON child (a);
CREATE MATERIALIZED VIEW seen AS SELECT id, code FROM parent;
CREATE UNIQUE INDEX seen_id ON seen (id);
CREATE INDEX seen_code ON seen (code);
CREATE INDEX seen_code_again ON seen (code);
CREATE TABLE words (id int PRIMARY KEY, tags int[], body tsvector, s text, v varchar(10));
CREATE INDEX words_tags ON words USING gin (tags);
CREATE INDEX words_tags_again ON words USING gin (tags);
CREATE INDEX words_tags_slow ON words USING gin (tags) WITH (fastupdate = off);
CREATE INDEX words_both ON words USING gin (tags, body);
CREATE INDEX words_s ON words (s);
CREATE INDEX words_s_v ON words (s, v);
CREATE INDEX words_s_v_s ON words (s, v, id);
CREATE INDEX words_s_upper ON words (upper(s), v);
CREATE INDEX words_s_upper_first ON words (upper(s));
CREATE INDEX words_id ON words (id);
CREATE UNIQUE INDEX words_id_unique ON words (id);
CREATE INDEX words_fill ON words (v, s) WITH (fillfactor = 70);
CREATE INDEX words_fill_again ON words (v, s);
CREATE TABLE doubled (a int, b int);
INSERT INTO doubled SELECT g / 2, g FROM generate_series(1, 10) g;
CREATE INDEX doubled_a ON doubled (b);
RESET search_path
"""
HALF_BUILT = "CREATE UNIQUE INDEX CONCURRENTLY doubled_unique ON traps.doubled (a)"
# a twin of the valid one that nobody may call its better half
HALF_BUILT_TWIN = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'traps.doubled_b_twin'::regclass"


def plant_traps(conn: psycopg.Connection[tuple[object, ...]]) -> Truth:
    """Make what is listed above; return what is true of it."""
    for statement in FIXED.split(";\n"):
        conn.execute(statement.encode())
    try:
        conn.execute(HALF_BUILT)
    except psycopg.errors.UniqueViolation:
        conn.execute("CREATE INDEX doubled_b_twin ON traps.doubled (b)")
    conn.execute(HALF_BUILT_TWIN)
    stays = (
        "parent_pkey", "parent_code", "parent_ab", "parent_slug", "parent_target", "served_pkey", "served_one", "served_order",
        "served_not_null", "served_pattern", "served_hash", "served_self", "bare_pkey", "tenanted_pkey", "tenant_pkey",
        "tenant_id_kind_key",
               "parts_pkey", "parts_1_pkey", "parts_2_pkey", "parts_day", "parts_1_day_idx", "parts_2_day_idx", "parts_ref", "parts_2_ref",
        "rooms_pkey", "rooms_during_excl", "rooms_number_excl", "replicated_a", "sorted_a", "seen_id", "words_pkey", "words_id_unique",
        "parts_only",
    )  # fmt: skip
    different = ("bare_one", "bare_part", "words_tags", "words_tags_slow", "words_both", "grand_a", "child_a", "doubled_a", "sorted_ab")
    unserved = {
        "bare": (("one",), ("three", "two"), ("four",), ("five",), ("self",), ("six",), ("seven",)),
        "parts": (("bare",),),
    }
    return Truth(
        duplicates={("traps", name) for name in ("child_a_again", "seen_code_again", "words_tags_again", "words_id", "words_fill_again")},
        prefixes={("traps", name) for name in ("words_s", "words_s_v", "words_s_upper_first")},
        invalid={("traps", name) for name in ("doubled_unique", "doubled_b_twin")},
        stays={("traps", name) for name in stays},
        different={("traps", name) for name in different},
        unserved={("traps", table, columns) for table, keys in unserved.items() for columns in keys},
    )
