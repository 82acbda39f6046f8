import pytest


@pytest.fixture(scope="session")
def base_rate_futures(rich_folder):
    """A forecast of a theory without beliefs."""
    from posteriors import small_posterior

    from beliefs.forecast.forecast import forecast

    return forecast(small_posterior(rich_folder, "base_rate"), 35, seed=5)
