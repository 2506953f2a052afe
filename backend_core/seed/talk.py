"""Made-up talk in several languages from which sample conversations are composed: short threads with gaps to fill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

Turn = tuple[str, str]
"""Who speaks, and what: ``u`` the contact and ``p`` the persona in direct talk; ``a``, ``b``, ``c`` members and ``p`` in a group."""

Thread = tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Talk:
    """Threads of one language, and what fills their gaps.

    Attributes:
        prefix: what telephone numbers begin with.
        names: first and last names of contacts.
        gaps: words for ``{friend}``, ``{place}``, ``{food}``, ``{day}``, ``{thing}``; ``{n}`` and ``{time}`` are numbers everywhere.
        titles: of groups.
    """

    code: str
    prefix: str
    names: tuple[tuple[str, ...], tuple[str, ...]]
    gaps: Mapping[str, tuple[str, ...]]
    direct: tuple[Thread, ...]
    group: tuple[Thread, ...]
    titles: tuple[str, ...]


ENGLISH: Final = Talk(
    "en",
    "+447700",
    (
        ("Maya", "Owen", "Priya", "Jack", "Grace", "Tom", "Zara", "Callum", "Nia", "Harry", "Ella", "Femi"),
        ("Carter", "Shah", "O'Brien", "Lewis", "Adeyemi", "Walker", "Hughes", "Patel", "Reid", "Clarke"),
    ),
    {
        "friend": ("Ben", "Lucy", "my sister", "Sam", "my flatmate", "Dev", "Aunt Jo", "Chris from work"),
        "place": ("Lisbon", "the Lake District", "Edinburgh", "the new climbing hall", "Brighton", "Porto", "the allotment", "York"),
        "food": ("ramen", "a lemon tart", "lentil soup", "pad thai", "sourdough", "mushroom risotto", "shakshuka"),
        "day": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        "thing": ("a ukulele", "running shoes", "a sewing machine", "an old bike", "a tent", "watercolours", "a chess set"),
    },
    (
        (
            ("u", "morning! did the interview at {place} yesterday"),
            ("p", "You did it! How did it feel walking out?"),
            ("u", "honestly? I was so nervous I called the boss {friend} by mistake 😂"),
            ("p", "Oh no. Did they laugh?"),
            ("u", "they did. they said they'll ring on {day}"),
            ("p", "Then I'll keep my fingers crossed until {day}."),
        ),
        (
            ("u", "can you remind me that mum's birthday is on the {n}th"),
            ("p", "The {n}th, noted. Do you know what she'd like?"),
            ("u", "she wants to learn something new, maybe {thing}"),
            ("p", "That suits her. Shall we look at it together next week?"),
            ("u", "yes please, thank you ❤️"),
        ),
        (
            ("u", "I made {food} tonight and it actually worked"),
            ("p", "From scratch? Tell me what you changed."),
            ("u", "less salt and I let it rest for {n} minutes"),
            ("p", "Patience: the secret ingredient nobody puts on the list."),
            ("u", "haha I'm writing that on the fridge"),
        ),
        (
            ("u", "I've never told anyone this but I'm scared I picked the wrong degree"),
            ("p", "Thank you for trusting me with it. When did the feeling start?"),
            ("u", "when {friend} asked what I'd do with it and I had no answer"),
            ("p", "Not having an answer yet isn't the same as having the wrong one."),
            ("u", "I needed to hear that"),
        ),
        (
            ("u", "my knee hurts again after the run"),
            ("p", "The left one, like in spring? Did you warm up?"),
            ("u", "the right one this time. physio is on {day} at {time}"),
            ("p", "Good. Until then: stairs slowly, and ice it tonight."),
        ),
        (
            ("u", "we're going to {place} for {n} days in May!"),
            ("p", "Lovely! Train or plane?"),
            ("u", "train, {friend} is afraid of flying"),
            ("p", "Then you'll see the sea from the window. Window seat on the left."),
            ("u", "how do you know these things"),
        ),
        (
            ("u", "work was awful. {friend} took credit for my slides"),
            ("p", "That stings. Did anyone notice?"),
            ("u", "no. and I said nothing, which is worse"),
            ("p", "You can still say it tomorrow, calmly, with the file's history open."),
            ("u", "ok. ok that's a good idea actually"),
        ),
        (
            ("u", "started learning {thing}, day {n}"),
            ("p", "Sore fingers or sore pride?"),
            ("u", "both lol"),
            ("p", "Excellent, that means it's working."),
        ),
        (
            ("u", "I sleep badly since the move"),
            ("p", "The street, or the thoughts?"),
            ("u", "thoughts mostly. I feel a bit lonely here"),
            ("p", "Would you like company until you're tired, or a plan for {day}?"),
            ("u", "a plan I think"),
            ("p", "Then: the market at {time}, and you tell me about one person you spoke to."),
        ),
        (
            ("u", "allergic to hazelnuts, please don't suggest that cake again"),
            ("p", "Understood, no hazelnuts. Almonds are fine?"),
            ("u", "almonds are fine"),
            ("p", "Then {food} for dinner and an almond biscuit after."),
        ),
    ),
    (
        (
            ("a", "who's in for {place} on {day}?"),
            ("b", "me! I can drive, room for {n}"),
            ("c", "in, if we're back by {time}"),
            ("a", "@persona what should we bring?"),
            ("p", "Rain jackets, and somebody has to own up to {thing}."),
            ("b", "haha that's {friend}"),
        ),
        (
            ("a", "rent is due, I paid the {n}0 for the boiler too"),
            ("b", "thanks! sending my half tonight"),
            ("c", "can we split it three ways? {friend} stayed all week"),
            ("a", "fair"),
            ("p", "That makes a third each. Shall I note it until {day}?"),
            ("b", "yes please"),
        ),
        (
            ("a", "book club: chapter {n} by {day}"),
            ("b", "I'm two chapters behind, don't spoil it"),
            ("c", "the twist though 😂"),
            ("p", "No spoilers from me. Snacks are {food}?"),
            ("a", "always {food}"),
        ),
        (
            ("a", "practice moved to {time}"),
            ("b", "again??"),
            ("a", "the hall is taken by the choir"),
            ("c", "fine by me"),
            ("b", "ok but {friend} can't make it then"),
        ),
    ),
    ("Flat 12", "Book club", "Sunday league", "Trip north", "Choir", "Allotment", "Parents of 4b", "Quiz night"),
)

GERMAN: Final = Talk(
    "de",
    "+491555",
    (
        ("Lena", "Jonas", "Mia", "Paul", "Greta", "Emil", "Aylin", "Lukas", "Frieda", "Yusuf", "Marie", "Anton"),
        ("Schneider", "Yılmaz", "Weber", "Hoffmann", "Krüger", "Bauer", "Lindemann", "Vogel", "Schäfer", "Nowak"),
    ),
    {
        "friend": ("Tim", "meine Schwester", "Oma", "Kemal", "mein Mitbewohner", "Sophie", "der Chef", "Nele"),
        "place": ("Rügen", "Leipzig", "die Kletterhalle", "Wien", "der Schrebergarten", "Freiburg", "das Freibad", "Kopenhagen"),
        "food": ("Linsensuppe", "Apfelstrudel", "Käsespätzle", "Ofengemüse", "Sauerteigbrot", "Pilzrisotto"),
        "day": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
        "thing": ("Gitarre", "Schwimmen", "Töpfern", "Schach", "Nähen", "Aquarell"),
    },
    (
        (
            ("u", "Guten Morgen! Das Gespräch gestern lief besser als gedacht"),
            ("p", "Wie schön! Was hat dich überrascht?"),
            ("u", "dass sie nach meinem Garten gefragt haben 😄"),
            ("p", "Und wann hörst du etwas?"),
            ("u", "am {day} gegen {time}"),
            ("p", "Dann drücke ich bis {day} die Daumen."),
        ),
        (
            ("u", "Ich war heute mit {friend} beim Arzt"),
            ("p", "Was hat er gesagt?"),
            ("u", "nichts Schlimmes, aber noch {n} Tage schonen. Ich mache mir Sorgen"),
            ("p", "Das verstehe ich. Wobei kann ich dir bis dahin helfen?"),
            ("u", "erinner mich abends an die Tropfen"),
            ("p", "Mache ich, um {time}."),
        ),
        (
            ("u", "heute {food} gekocht, diesmal ohne Anbrennen"),
            ("p", "Fortschritt! Was war anders?"),
            ("u", "weniger Hitze und {n} Minuten länger"),
            ("p", "Geduld steht in keinem Rezept, gehört aber in jedes."),
            ("u", "haha das schreibe ich mir auf"),
        ),
        (
            ("u", "unter uns: ich überlege, die Stelle zu kündigen"),
            ("p", "Danke, dass du mir das sagst. Was hält dich noch?"),
            ("u", "die Leute. Und dass ich es noch niemandem erzählt habe"),
            ("p", "Dann lass uns zuerst überlegen, wem du es sagen möchtest."),
            ("u", "danke dir"),
        ),
        (
            ("u", "im Mai geht es nach {place}, {n} Tage!"),
            ("p", "Mit dem Zug?"),
            ("u", "ja, {friend} fliegt nicht gern"),
            ("p", "Dann ein Platz am Fenster, in Fahrtrichtung links."),
            ("u", "woher weißt du sowas 😂"),
        ),
        (
            ("u", "Lerne jetzt {thing}, Tag {n}"),
            ("p", "Macht es schon Spaß, oder tut es noch weh?"),
            ("u", "beides"),
            ("p", "Genau so soll es sein."),
        ),
        (
            ("u", "{friend} hat meinen Geburtstag vergessen"),
            ("p", "Das tut weh. Hast du es gesagt?"),
            ("u", "nein, ich bin ganz traurig heimgegangen"),
            ("p", "Magst du am {day} mit ihm reden? Ich helfe dir mit dem ersten Satz."),
        ),
    ),
    (
        (
            ("a", "Wer kommt am {day} mit? Ziel: {place}"),
            ("b", "ich! kann fahren, {n} Plätze"),
            ("c", "dabei, muss um {time} zurück sein"),
            ("a", "@persona was nehmen wir mit?"),
            ("p", "Regenjacken, und jemand macht {food}."),
            ("b", "das ist dann {friend} 😄"),
        ),
        (
            ("a", "Miete ist fällig, ich hab die {n}0 € für den Handwerker ausgelegt"),
            ("b", "danke, überweise heute"),
            ("c", "durch drei? {friend} war die ganze Woche da"),
            ("a", "passt"),
            ("p", "Ich merke mir das bis {day}."),
        ),
        (
            ("a", "Probe ist jetzt um {time}"),
            ("b", "schon wieder??"),
            ("a", "die Halle ist belegt"),
            ("c", "für mich ok"),
            ("b", "{friend} kann dann nicht"),
        ),
    ),
    ("WG Lindenstraße", "Chor", "Wanderfreunde", "Elternrunde 3a", "Fußball freitags", "Lesekreis"),
)
