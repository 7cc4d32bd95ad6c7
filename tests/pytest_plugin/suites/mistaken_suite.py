"""Tests that ask for what cannot be; the last one without the fixture."""

from mockscim import MockScim


def test_outcome(scim):
    scim.sweep(print, outcomes="resett")


def test_case(scim):
    scim.sweep(lambda: scim.ask("GET", "/"), only="9")


def test_keyword(scim):
    scim.verify("user.create", counts=1)


def test_fault(scim):
    scim.fault("reset", operation="user.creat")


def test_client():
    with MockScim.threaded() as mine:
        mine.sweep("synchronise")
