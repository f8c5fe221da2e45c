"""What a phrase bank may lack without being wrong."""

from msgspec.structs import replace

from bot.domain.playbook import Playbook
from bot.domain.story import Phrase
from bot.lab.banks import bank_warnings
from bot.playbook import read_playbook


def with_phrase(playbook: Playbook, text: str) -> Playbook:
    bank = playbook.banks["es"]
    phrase = Phrase(id="new", slot="limit", about="any", text=text, image=None, file="x.toml")
    changed = replace(bank, phrases=(*bank.phrases, phrase))
    return replace(playbook, banks={**playbook.banks, "es": changed})


def test_english_in_another_bank_is_told_with_its_file_and_id() -> None:
    shipped = read_playbook()
    english = with_phrase(shipped, "The desk is calm, and that is all.")
    assert "es/x.toml: new: reads as English: translate it" in bank_warnings(english)
    spanish = with_phrase(shipped, "La mesa sigue en calma ante {{ spot_usd | usd }}.")
    assert not [line for line in bank_warnings(spanish) if "/x.toml" in line]


def test_a_word_that_english_stands_in_for_is_told() -> None:
    shipped = read_playbook()
    bank = shipped.banks["es"]
    borrowed = replace(bank, words={**bank.words, "venues": "{n} of the {m} venues are heard"})
    told = bank_warnings(replace(shipped, banks={**shipped.banks, "es": borrowed}))
    assert "es: word venues: English stands in for it: add it to config/phrases/es/" in told


def test_a_language_that_no_panel_has_a_name_for_is_told_with_the_file_it_belongs_into() -> None:
    shipped = read_playbook()
    assert not [line for line in bank_warnings(shipped) if "calls itself" in line]
    told = bank_warnings(
        replace(shipped, banks={**shipped.banks, "de": replace(shipped.banks["es"], locale="de")})
    )
    assert [line for line in told if "calls itself" in line] == [
        f"{locale}: word panel.language.de: what a language calls itself: add it to config/phrases/{locale}/panel.toml"
        for locale in ("de", "en", "es")
    ]
