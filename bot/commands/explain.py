"""`/explain`: what a word of the trade means, its usual range, where it stands now."""

from bot.commands import Command, Option, Request
from bot.commands._naming import metric_named, suggest_metrics
from bot.commands._telling import figures, go_on, joined, title, told
from bot.desk import Desk
from bot.domain.posts import Answer
from bot.domain.story import Origin


async def answer(desk: Desk, request: Request) -> Answer:
    """The meaning of a term in a few sentences. Raises InputError that names the nearest terms."""
    profile = request.profile
    name = metric_named(desk, request.options["term"], profile)
    words = desk.bank(profile).metrics.get(name)
    asset = desk.assets[0]
    facts = await desk.facts(asset)
    formula = Origin(kind="input", ref=f"{name} formula", value=desk.playbook.catalog.metrics[name].formula)
    body, spans = joined(
        (words.explain or words.meaning) if words else "",
        told(desk, "explain", name, facts, profile),
        desk.say("answer", "explain-formula", facts, profile, {"text": formula}),
    )
    return Answer(
        title=title(desk, name, profile),
        body=body,
        body_spans=spans,
        figures=figures(desk, [name, f"{name}.percentile_90d"], facts, profile),
        buttons=(
            go_on(
                desk.bank(profile).words.get("button.history", "history"), "history", {"metric": name, "asset": asset}
            ),
        ),
        footer=desk.footer(facts, profile),
    )


COMMAND = Command(
    name="explain", options=(Option(name="term", required=True, suggest=suggest_metrics),), answer=answer, shared=True
)
