import pytest


@pytest.fixture(autouse=True)
def quick_and_private() -> None:
    """No settings and no folder: these tests only read files."""
