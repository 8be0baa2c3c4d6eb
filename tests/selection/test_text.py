from medad.selection.text import table


def test_a_table_has_a_text_column_and_numbers():
    assert table(["name", "a", "b"], [["x", "1", "2"]]) == (
        "| name | a | b |\n| --- | --: | --: |\n| x | 1 | 2 |"
    )
