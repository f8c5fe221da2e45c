"""`/basis`: fresh, and the last reading with its age when a venue is dead."""


async def test_the_basis_is_said_with_its_usual_range(ask):
    answer = await ask("basis")
    assert answer.title.startswith("BTC: 60-day")
    assert "2%" in answer.body
    assert "5-10%" in answer.body


async def test_an_old_reading_is_told_with_its_time(ask):
    answer = await ask("basis", tenor="90")
    assert "3%" in answer.body
    assert "6 February 2026, 09:00 UTC" in answer.body


async def test_an_old_figure_says_its_time_too(ask, figures_of):
    texts = figures_of(await ask("basis"))
    assert any("3%" in text and "09:00 UTC" in text for text in texts.values())
