"""For every test: what it needs and does not find here is a reason to skip it, never to fail."""

import pytest
from django.conf import settings


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("postgresql") and "postgresql" not in settings.DATABASES["default"]["ENGINE"]:
        pytest.skip("needs PostgreSQL: give one by TEST_DATABASE_URL, or run `make test`")
    if item.get_closest_marker("redis") and not settings.REDIS_URL:
        pytest.skip("needs Redis: give one by TEST_REDIS_URL, or run `make test`")
