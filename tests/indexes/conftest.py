"""`kind` is every kind of index, `file_kind` those whose rows lie in files, `engine_kind` those of real engines."""

import pytest

from real_engines import CASES, FILES


@pytest.fixture(params=[*FILES, *CASES])
def kind(request, located):
    return located(request.param)


@pytest.fixture(params=CASES)
def engine_kind(request, located):
    return located(request.param)


@pytest.fixture(params=FILES)
def file_kind(request):
    return request.param
