"""What is promised is asserted in a file of its own, and said as well as in a test."""

import pytest

pytest.register_assert_rewrite("tests.integration.agent.backends.promises")
