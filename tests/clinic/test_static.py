from clinic.management.commands import build_css


def test_board_grid_is_what_the_command_writes():
    assert build_css.PATH.read_text() == build_css.board_grid(), "Run manage.py build_css and commit the file."


def test_board_grid_holds_a_whole_day_and_every_lane():
    rules = build_css.board_grid().splitlines()
    assert ".r-1{grid-row-start:1}" in rules
    assert ".r-288{grid-row-start:288}" in rules
    assert ".s-288{grid-row-end:span 288}" in rules
    assert [rule for rule in rules if rule.startswith(".l-") and "-3{" in rule] == [
        ".l-1-3{--lane:1;--lanes:3}",
        ".l-2-3{--lane:2;--lanes:3}",
        ".l-3-3{--lane:3;--lanes:3}",
    ]
