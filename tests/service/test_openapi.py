"""The OpenAPI document holds: whatever its schemas allow or forbid, answers are as it says, and never a 5xx.

Cases are drawn by Schemathesis. Texts that are blank, sums that cancel out and pictures that cannot be read pass the
schema and are refused with 400, 413 or 422, which the document names; so its check that valid data be accepted is left
out, all others hold.
"""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from served_squares import ENVIRONMENT, KEYS
from served_squares import settings as service_settings

from mirante.service import Key
from mirante.service.app import create

EVERYTHING = "e" * 32


@pytest.fixture(scope="module")
def application(tmp_path_factory):
    """A service with one key that opens everything."""
    keys = (Key("ALL", tuple(KEYS)),)
    made = service_settings(tmp_path_factory.mktemp("openapi"), keys=keys)
    return create(made, environment={**ENVIRONMENT, "ALL": EVERYTHING})


def drawn(application, cases):
    """Send so many cases to every route, each answered as the document says."""
    import schemathesis
    from schemathesis.checks import load_all_checks
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    load_all_checks()
    schema = schemathesis.openapi.from_asgi("/openapi.json", application)
    sent = []
    for found in schema.get_all_operations():
        operation = found.ok()
        strategy = operation.as_strategy()

        @settings(
            max_examples=cases,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def one(case):
            sent.append(case.path)
            head = {"Authorization": f"Bearer {EVERYTHING}"}
            case.call_and_validate(headers=head, excluded_checks=[positive_data_acceptance])

        one()
    return sent


def test_a_few_cases_for_every_route(application):
    sent = drawn(application, 4)
    assert len(set(sent)) >= 11


@pytest.mark.slow
def test_two_thousand_cases(application):
    assert len(drawn(application, 200)) >= 2000


def test_every_body_and_answer_has_an_example(application):
    schemas = application.openapi()["components"]["schemas"]
    for name in ("SearchRequest", "Deleted", "Swapped", "Hits", "ErrorDocument"):
        assert schemas[name]["examples"], name


def test_every_refusal_is_named_by_the_document(application):
    for path, methods in application.openapi()["paths"].items():
        for method, operation in methods.items():
            codes = set(operation["responses"])
            if path.startswith("/v1"):
                assert {"401", "403", "429", "503"} <= codes, (method, path)
            assert "HTTPValidationError" not in str(operation["responses"]), (method, path)
