"""Settings: where their values come from."""

from minivision.training.settings import Settings


def test_a_given_value_comes_before_one_of_the_checkpoint_and_that_before_the_recipe():
    settings = Settings(rate=3.0, seed=None).complete({"rate": 2.0, "seed": 5}, {"rate": 1.0, "clip": 2, "minutes": 3})
    assert settings.rate == 3.0 and settings.seed == 5 and settings.clip == 2
    assert settings.optimizer == "adamw" and settings.flips == ()  # defaults
    assert not hasattr(settings, "minutes")  # of the recipe: a default for the length of a run


def test_settings_that_are_not_given_are_none_until_they_are_completed():
    assert Settings().batch_size is None and Settings().complete().batch_size == 16
    assert Settings(flips=()).complete({"flips": ("horizontal",)}).flips == ()
    assert Settings(flips=True).flips == ("horizontal",)
