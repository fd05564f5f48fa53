"""Settings: where each comes from."""

from minivision.training.settings import Settings


def test_given_beats_stored_beats_recipe_and_a_recipes_minutes_are_not_the_runs():
    settings = Settings.resolve({"rate": 3.0, "seed": None}, {"rate": 2.0, "seed": 5}, {"rate": 1.0, "minutes": 3})
    assert settings.rate == 3.0 and settings.seed == 5
    assert settings.minutes is None  # what one would train for by default; this run was given steps
