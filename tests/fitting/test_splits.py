"""Splits: no content on both sides, everything used, the same whoever asks."""

import numpy as np
import pytest

from conviqt_cli.fitting.splits import grouped_folds, grouped_splits

GROUPS = np.array([f"c{i}" for i in np.random.default_rng(0).integers(0, 25, size=200)])


@pytest.mark.parametrize("divide", [lambda: grouped_splits(GROUPS, 30), lambda: grouped_folds(GROUPS, 5)])
def test_no_content_is_on_both_sides(divide):
    for train, test in divide():
        assert not set(GROUPS[train]) & set(GROUPS[test])
        assert sorted([*train, *test]) == list(range(200))


def test_a_fifth_of_contents_is_tested_and_splits_differ():
    splits = grouped_splits(GROUPS, 50)
    assert {len(set(GROUPS[test])) for _, test in splits} == {5}
    assert len({tuple(test) for _, test in splits}) == 50


def test_a_longer_run_begins_with_the_shorter_and_seeds_differ():
    short, long = grouped_splits(GROUPS, 5), grouped_splits(GROUPS, 20)
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(short, long[:5], strict=True))
    assert any(not np.array_equal(a[1], b[1]) for a, b in zip(short, grouped_splits(GROUPS, 5, seed=1), strict=True))


def test_few_contents_give_each_split_once():
    groups = np.repeat(["a", "b", "c"], 4)
    assert len(grouped_splits(groups, 100)) == 3
    assert len(grouped_folds(groups, 5)) == 3


def test_one_content_cannot_be_split():
    for divide in (grouped_splits, grouped_folds):
        with pytest.raises(ValueError, match="two contents"):
            divide(np.array(["a"] * 9))


def test_folds_test_each_item_once_and_are_balanced():
    sizes = [len(test) for _, test in grouped_folds(GROUPS, 5)]
    assert sum(sizes) == 200
    assert max(sizes) - min(sizes) <= 12
