"""Sentences in several languages from which sample documents are composed; all of them made up."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Language:
    """Titles, headings and sentences of one language."""

    code: str
    titles: tuple[str, ...]
    headings: tuple[str, ...]
    sentences: tuple[str, ...]


LANGUAGES: Final = (
    Language(
        "en",
        ("Harbour report", "Onboarding guide", "Incident review", "Library handbook", "Winter timetable", "Audio style guide"),
        ("Summary", "What changed", "How it works", "Open questions", "Next steps", "Background"),
        (
            "The tide gauge at the north pier was replaced on 14 March and has run without a gap since.",
            "Every reader may borrow up to twelve titles at a time, and recordings count as half a title.",
            "Dr. Hale asked for the figures by region; they are in the table below.",
            "Delays grew by 3.5 % in the second quarter, mostly because of the new signal at Elm Street.",
            "If the lamp on the panel turns red, close the valve first and call the duty officer after that.",
            "Most visitors never open the appendix, but the ones who do write the most useful letters.",
            "The committee met twice and agreed on everything except the colour of the doors.",
            "Please read the whole page aloud once before you record it, for the rhythm shows what the eye forgives.",
            "Costs stayed within the budget of £48,200, which nobody had expected in spring.",
            "A quiet morning followed, and by noon the last of the boxes had found its shelf.",
            "We tested the ramp with three wheelchairs, a pram and one very patient dog.",
            "Questions about this section go to the front desk, open from 9:00 to 17:30.",
        ),
    ),
    Language(
        "de",
        ("Städtische Satzung", "Leitfaden für neue Kolleginnen", "Jahresbericht der Bücherei", "Protokoll der Sitzung", "Winterfahrplan"),
        ("Überblick", "Was sich ändert", "Aufgaben", "Offene Fragen", "Nächste Schritte"),
        (
            "Die Satzung tritt am 1. Januar in Kraft und ersetzt die Fassung vom 3. Mai 2019.",
            "Wer ein Gerät ausleiht, bringt es spätestens nach 14 Tagen zurück, z. B. an der Pforte.",
            "Frau Dr. König stellte die Zahlen vor; der Anteil der Hörfassungen stieg um 12,5 %.",
            "Bei starkem Regen bleibt der untere Weg gesperrt, der obere ist beleuchtet.",
            "Die Kosten lagen mit 18.400 Euro unter dem Ansatz, was niemand erwartet hatte.",
            "Im Lesesaal wird leise gesprochen, auf der Treppe darf gelacht werden.",
            "Das Protokoll wurde verlesen und bei einer Enthaltung genehmigt.",
            "Die Türen öffnen sich nach außen, damit im Notfall niemand im Gedränge steht.",
            "Über die Farbe der neuen Bänke wird in der nächsten Sitzung entschieden.",
        ),
    ),
    Language(
        "fr",
        ("Guide du patient", "Rapport de saison", "Règlement de la médiathèque", "Compte rendu de réunion"),
        ("En bref", "Ce qui change", "Mode d'emploi", "Questions ouvertes"),
        (
            "Présentez-vous à l'accueil dix minutes avant l'heure, avec votre carte et une pièce d'identité.",
            "La médiathèque prête désormais des enregistrements, à raison de trois par semaine.",
            "M. Lefèvre a rappelé que le budget, soit 32 500 euros, ne serait pas dépassé.",
            "Le chemin du phare est fermé de novembre à mars à cause du vent.",
            "Après l'examen, restez assis un quart d'heure et buvez un grand verre d'eau.",
            "Les travaux ont commencé le 8 avril et dureront 6,5 semaines.",
            "La salle du fond est réservée à celles et ceux qui aiment le silence.",
            "On nous a demandé si les chiens étaient admis ; ils le sont, à condition d'écouter.",
        ),
    ),
    Language(
        "es",
        ("Manual de seguridad", "Informe anual", "Guía de bienvenida"),
        ("Resumen", "Qué cambia", "Instrucciones", "Próximos pasos"),
        (
            "Antes de entrar en el taller, póngase las gafas y guarde el teléfono.",
            "El consumo bajó un 7,5 % gracias a las ventanas nuevas.",
            "La Sra. Ortega presentó el plan y respondió a todas las preguntas.",
            "En caso de alarma, salga por la puerta azul y espere junto al olivo.",
            "El curso dura 3 días y termina con una visita al puerto.",
            "Nadie recordaba quién había pintado el mural, pero todos querían conservarlo.",
            "Las sugerencias se dejan en el buzón; se leen cada viernes.",
        ),
    ),
    Language(
        "el",
        ("Οδηγός ασφάλειας", "Ετήσια έκθεση", "Κανονισμός βιβλιοθήκης"),
        ("Περίληψη", "Τι αλλάζει", "Οδηγίες", "Επόμενα βήματα"),
        (
            "Πριν ανοίξετε τη βάνα, ελέγξτε ότι η λυχνία είναι σβηστή.",
            "Η βιβλιοθήκη μένει ανοιχτή έως τις οκτώ το βράδυ.",
            "Οι επισκέπτες αυξήθηκαν κατά 4,2 % σε σχέση με πέρυσι.",
            "Το μονοπάτι προς τον φάρο ξεκινά πίσω από το παλιό τελωνείο.",
            "Κρατήστε την απόδειξη· θα τη χρειαστείτε στην επιστροφή.",
            "Η επόμενη συνάντηση θα γίνει στις 12 Δεκεμβρίου.",
        ),
    ),
    Language(
        "ru",
        ("Руководство оператора", "Годовой отчёт", "Правила читального зала"),
        ("Кратко", "Что нового", "Порядок работы", "Дальнейшие шаги"),
        (
            "Перед началом смены проверьте давление и запишите показания в журнал.",
            "Читальный зал открыт с девяти утра до восьми вечера.",
            "За год число записей выросло на 15,5 %.",
            "Если лампа погасла, замените её и сообщите дежурному.",
            "Тропа к маяку начинается за старой таможней.",
            "Следующее собрание состоится 12 декабря.",
        ),
    ),
)

OWNERS: Final = ("Ana Silva", "Ben Cole", "Chi Wong", "Mara Koch", "Tom Okafor")


def page(language: Language, rng: random.Random, *, paragraphs: int) -> str:
    """Return one page: a heading and some paragraphs of three to six sentences."""
    parts = [rng.choice(language.headings)]
    parts.extend(" ".join(rng.choice(language.sentences) for _ in range(rng.randint(3, 6))) for _ in range(paragraphs))
    return "\n\n".join(parts)


def title(language: Language, rng: random.Random, *, number: int) -> str:
    """Return a title that tells sample documents apart."""
    return f"{rng.choice(language.titles)} {2020 + number % 7}, No. {number}"
