"""A suite that has nothing to do with SCIM."""


def test_sum():
    assert 1 + 1 == 2
