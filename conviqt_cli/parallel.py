"""The same work on any number of processes, with the same results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

#: Called with how many tasks are done, and of how many.
TaskProgress = Callable[[int, int], None]
#: Called with the name of a step, how much of it is done, and how much there is.
StepProgress = Callable[[str, int, int], None]


def run_parallel(
    function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], jobs: int, progress: TaskProgress | None = None
) -> list[Any]:
    """``[function(*task) for task in tasks]`` on several processes, results in order and the same for any number."""
    from joblib import Parallel, delayed

    calls = (delayed(_single_threaded)(function, task) for task in tasks)
    results = []
    for result in Parallel(n_jobs=jobs, return_as="generator")(calls):
        results.append(result)
        if progress is not None:
            progress(len(results), len(tasks))
    return results


def _single_threaded(function: Callable[..., Any], task: tuple[Any, ...]) -> Any:
    """Sums of floats depend on how many threads shared them; with one thread they do not, whoever runs them."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return function(*task)
