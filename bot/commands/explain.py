"""`/explain`: what a word of the trade means, its usual range, where it stands now."""

from bot.commands import Command, CommandOption, Request
from bot.commands._naming import metric_named, suggest_terms, word_named
from bot.commands._telling import go_on, join_texts, tell_fact, title
from bot.desk.market import Market
from bot.domain.posts import Answer, Figure, Profile
from bot.domain.story import Origin


async def answer(market: Market, request: Request) -> Answer:
    """The meaning of a term in a few sentences. Raises InputError that names the nearest terms."""
    profile = request.profile
    if (word := word_named(market, request.options["term"], profile)) is not None:
        return await _of_word(market, word, profile)
    name = metric_named(market, request.options["term"], profile)
    words = market.bank(profile).metrics.get(name)
    asset = market.assets[0]
    facts = await market.facts(asset)
    formula = Origin(kind="input", ref=f"{name} formula", value=market.playbook.catalog.metrics[name].formula)
    worked_out = market.say("answer", "explain-formula", facts, profile, {"text": formula})
    body, spans = join_texts(
        (words.explain or words.meaning) if words else "",
        tell_fact(market, "explain", name, facts, profile),
        between="\n",
    )
    return Answer(
        title=title(market, name, profile),
        body=body,
        body_spans=spans,
        notes=(Figure(label="", text=worked_out.text, spans=worked_out.spans),),
        buttons=(
            go_on(
                market.bank(profile).words.get("button.history", "history"),
                "history",
                {"metric": name, "asset": asset},
            ),
        ),
        footer=market.footer(facts, profile, [name]),
    )


async def _of_word(market: Market, word: str, profile: Profile) -> Answer:
    """What a word of the posts means that is no metric: a verdict, how sure it is, a term of the trade."""
    words = market.bank(profile).words
    return Answer(
        title=words[f"term.{word}"].split("|")[0],
        body=words[f"meaning.{word}"],
        footer=market.footer(await market.facts(market.assets[0]), profile),
    )


COMMAND = Command(
    name="explain",
    options=(CommandOption(name="term", required=True, suggest=suggest_terms),),
    answer=answer,
    shared=True,
)
