"""What the fixtures give a test."""


def test_fresh(suite):
    """Each test has a directory of its own, as fixtures and markers say, and nothing is left of the tests before."""
    suite("fresh", "here").assert_outcomes(passed=40, xfailed=1, skipped=1)
