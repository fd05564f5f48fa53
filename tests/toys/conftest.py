"""One browser for all tests of the toys: it takes a second to start."""

import pytest
from chromium import PROGRAM, open_chromium


@pytest.fixture(scope="session")
def page():
    if PROGRAM is None:
        pytest.skip("no Chromium on this machine")
    with open_chromium() as opened:
        yield opened
