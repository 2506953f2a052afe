"""The short sentence with which a voice introduces itself, in its own language."""

from __future__ import annotations

from typing import Final

from backend_core.speech.language_words import primary

_COUNTING: Final = "1, 2, 3, 4, 5. La, la, la, la, la."
"""Nearly every voice reads digits in its own language; the few that cannot, sing."""

_SENTENCES: Final = {
    "af": "Hierdie stem lees jou dokumente voor.",
    "ar": "هذا الصوت يقرأ لك مستنداتك.",
    "bg": "Този глас чете вашите документи.",
    "ca": "Aquesta veu llegeix els teus documents.",
    "cmn": "这个声音为您朗读文档。",
    "cs": "Tento hlas vám čte dokumenty.",
    "cv": "Ку сасӑ документсене вулать.",
    "cy": "Mae'r llais hwn yn darllen eich dogfennau.",
    "da": "Denne stemme læser dine dokumenter højt.",
    "de": "Diese Stimme liest Ihre Dokumente vor.",
    "el": "Αυτή η φωνή διαβάζει τα έγγραφά σας.",
    "en": "This voice reads your documents aloud.",
    "eo": "Ĉi tiu voĉo laŭtlegas viajn dokumentojn.",
    "es": "Esta voz lee sus documentos en voz alta.",
    "et": "See hääl loeb teie dokumente ette.",
    "fa": "این صدا اسناد شما را می‌خواند.",
    "fi": "Tämä ääni lukee asiakirjasi ääneen.",
    "fr": "Cette voix lit vos documents à haute voix.",
    "he": "הקול הזה מקריא את המסמכים שלך.",
    "hi": "यह आवाज़ आपके दस्तावेज़ पढ़ती है।",
    "hr": "Ovaj glas čita vaše dokumente.",
    "hu": "Ez a hang felolvassa a dokumentumait.",
    "id": "Suara ini membacakan dokumen Anda.",
    "it": "Questa voce legge i tuoi documenti.",
    "ja": "このこえがぶんしょをよみあげます。",
    "ko": "이 목소리가 문서를 읽어 드립니다.",
    "la": "Haec vox libros tuos recitat.",
    "lt": "Šis balsas skaito jūsų dokumentus.",
    "lv": "Šī balss lasa jūsu dokumentus.",
    "nb": "Denne stemmen leser dokumentene dine høyt.",
    "nl": "Deze stem leest uw documenten voor.",
    "pl": "Ten głos czyta twoje dokumenty.",
    "pt": "Esta voz lê os seus documentos.",
    "ro": "Această voce vă citește documentele.",
    "ru": "Этот голос читает ваши документы.",
    "sk": "Tento hlas vám číta dokumenty.",
    "sl": "Ta glas bere vaše dokumente.",
    "sr": "Овај глас чита ваша документа.",
    "sv": "Den här rösten läser upp dina dokument.",
    "sw": "Sauti hii inasoma hati zako.",
    "tr": "Bu ses belgelerinizi okur.",
    "uk": "Цей голос читає ваші документи.",
    "vi": "Giọng nói này đọc tài liệu của bạn.",
}


def preview_text(language: str) -> str:
    """Return a short sentence in the BCP 47 ``language``; digits, which every voice can read, where none is known."""
    return _SENTENCES.get(primary(language), _COUNTING)
