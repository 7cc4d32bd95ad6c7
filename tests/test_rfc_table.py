"""The table of requirements is whole, its marks are real, and its page is up to date."""

import itertools

import rfc_table

TABLES = rfc_table.load()
ROWS = {row.key: row for _, rows in TABLES.values() for row in rows}
MARKS = rfc_table.marks()


def test_every_requirement_has_a_test_or_a_reason():
    """No row is without both, and none has both: what has a test is not left out."""
    assert [key for key, row in ROWS.items() if (row.left_out is None) != (key in MARKS)] == []


def test_every_mark_names_a_requirement():
    """A key in a mark that no row has is a slip."""
    assert {key: tests for key, tests in MARKS.items() if key not in ROWS} == {}


def test_rows_are_well_formed():
    """Each has a known level, words, and a section with a title; a stated one ends in a letter, others are counted."""
    for sections, rows in TABLES.values():
        for section, group in itertools.groupby(rows, lambda row: row.section):
            assert section in sections
            ends = [(row.key.rpartition("-")[2], row.level) for row in group]
            numbers = [end for end, level in ends if level != "stated"]
            letters = [end for end, level in ends if level == "stated"]
            assert numbers == [str(n + 1) for n in range(len(numbers))]
            assert letters == list("abcdefghij")[: len(letters)]
    assert {row.level for row in ROWS.values()} <= set(rfc_table.LEVELS)
    assert all(row.says and "|" not in row.says + (row.left_out or "") for row in ROWS.values())


def test_the_page_is_up_to_date():
    """``python -m tests.rfc_table`` writes it anew."""
    assert rfc_table.PAGE.read_text("utf-8") == rfc_table.page()


def test_marks_are_found(tmp_path):
    """Several keys in a mark, several marks on a test, asynchronous tests, and tests in folders."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "test_a.py").write_text(
        '@pytest.mark.rfc("1-1", "1-2")\n@pytest.mark.rfc("1-3")\nasync def test_one(): ...\n'
        '@pytest.mark.other("1-4")\n@pytest.mark.rfc("1-1")\ndef test_two(): ...\n'
    )
    one, two = (rfc_table.Shown("inner/test_a.py", name) for name in ("test_one", "test_two"))
    assert rfc_table.marks(tmp_path) == {"1-1": [one, two], "1-2": [one], "1-3": [one]}
