"""The benchmark of memory's search on chats in the format of LoCoMo: what it reads, what it counts, and that it tells ways apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend_core.bench.locomo import run
from backend_core.bench.locomo_controls import asked_all, okapi, recalls
from backend_core.bench.locomo_data import read_chats
from backend_core.errors import NotFound, UnreadableFile
from tests.backend_core.memory.test_sentence_model import write_model

TURNS = (
    ("Ana", "Hi Ben, what did you do on your holiday?"),
    ("Ben", "I hiked in the mountains."),
    ("Ana", "Which one was the highest?"),
    ("Ben", "The Zugspitze, we needed two days."),
    ("Ana", "I adopted a kitten yesterday."),
    ("Ben", "What is its name?"),
    ("Ana", "Mimi."),
)
QUESTIONS = (
    ("What is the name of Ana's kitten?", ["D1:7"], 4),
    ("Where did Ben go hiking?", ["D1:2; D1:4"], 1),
    ("When did Ana adopt a kitten?", ["D1:5"], 2),
    ("Nobody knows?", ["D9:9", "nonsense"], 5),
)


def write_chats(folder: Path, names: tuple[str, ...]) -> Path:
    """Write chats as LoCoMo has them."""
    folder.mkdir(exist_ok=True)
    rows = []
    for name in names:
        said = [{"speaker": who, "dia_id": f"D1:{n}", "text": text} for n, (who, text) in enumerate(TURNS, start=1)]
        said[3]["blip_caption"] = "a photo of a summit"
        asked = [{"question": question, "answer": "", "evidence": evidence, "category": kind} for question, evidence, kind in QUESTIONS]
        talk = {"speaker_a": "Ana", "speaker_b": "Ben", "session_1_date_time": "1:56 pm on 8 May, 2023", "session_1": said}
        rows.append({"sample_id": name, "conversation": talk, "qa": asked})
    (folder / "chats.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder


def test_chats_are_read_with_their_photos_and_evidence_that_points_nowhere_left_out(tmp_path: Path) -> None:
    (chat,) = read_chats(write_chats(tmp_path, ("one",)))
    assert chat.turns[3].text == "The Zugspitze, we needed two days. [a photo of a summit]"
    assert [sorted(question.evidence) for question in chat.questions] == [[6], [1, 3], [4]]


@pytest.mark.parametrize("content", ["", "[]", "{}", '[{"conversation": {"session_1": []}}]', '{"conversation": {}}'])
def test_files_that_hold_no_chats_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content, encoding="utf-8")
    with pytest.raises(UnreadableFile):
        read_chats(tmp_path)
    with pytest.raises(NotFound):
        read_chats(tmp_path / "missing")


def test_recall_is_the_share_of_the_evidence_among_the_first(tmp_path: Path) -> None:
    (chat,) = read_chats(write_chats(tmp_path, ("one",)))
    assert recalls(chat, [[6, 0], [1, 0], [0, 4]], 2) == [100, 50, 100]
    assert recalls(chat, [[6, 0], [1, 0], [0, 4]], 1) == [100, 50, 0]


def test_a_run_measures_every_way_on_the_same_questions_and_memory_finds_what_words_alone_do_not(tmp_path: Path) -> None:
    found = run(write_chats(tmp_path, ("one", "two")))
    keys = {"recall@5", "recall@10", "recall@20", "p50_ms", "p95_ms"}
    assert (found["chats"], found["questions"], found["hybrid"]) == (2, 6, None)
    assert set(found["controls"]) == {"full_text_and", "full_text_or", "rank_bm25", "dense"}
    for way in (found["lexical"], found["lexical_as_delivered"], *filter(None, found["controls"].values())):
        assert set(way) == keys
    assert found["lexical"]["recall@5"] == 100
    assert found["lexical"]["recall@5"] > found["controls"]["full_text_and"]["recall@20"]


def test_control_words_as_they_are_written_miss_what_stems_and_neighbours_find(tmp_path: Path) -> None:
    (chat,) = read_chats(write_chats(tmp_path, ("one",)))
    places, taken = asked_all(okapi(chat), chat)
    assert len(taken) == 3
    assert recalls(chat, places, 1) != [100, 50, 100]


def test_with_a_model_meaning_is_measured_too(tmp_path: Path) -> None:
    found = run(write_chats(tmp_path / "chats", ("one",)), model=write_model(tmp_path / "model"))
    ways = (found["hybrid"], found["hybrid_as_delivered"], found["controls"]["dense"])
    assert [way["recall@20"] for way in ways] == [100, 100, 100]
