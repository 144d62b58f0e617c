import numpy as np
import pytest


@pytest.fixture
def graphs(cuda):
    """A backend that records."""
    return type(cuda)(0, cuda_graph=True)


class Step:
    """Work for a backend: total += number, by a kernel and a product."""

    def __init__(self, backend, start=0.0):
        self.backend = backend
        self.total = backend.asarray(np.full((1, 1), float(start)))
        self.numbers = backend.asarray(np.zeros((1, 1)))
        self.product = backend.xp.empty((1, 1))
        self.one = backend.asarray(np.ones((1, 1)))
        self.times = 0  # that Python did the work

    def __call__(self, number, key="step"):
        (uploaded,) = self.backend.upload(np.full((1, 1), float(number)))
        self.backend.repeat(key, lambda: self.work(uploaded))

    def work(self, uploaded):
        self.times += 1
        self.backend.kernels.product(uploaded, self.one, self.product)
        self.total += self.product


def test_replays_use_new_numbers(graphs, host):
    step = Step(graphs)
    for number in range(1, 7):
        step(number)
        assert host(step.total) == sum(range(number + 1))
    assert step.times == 2
    assert graphs.graph_refused is None


def test_without_graphs_the_work_is_done_each_time(cuda, host):
    step = Step(cuda)
    for _ in range(4):
        step(1.0)
    assert (step.times, host(step.total)) == (4, 4)
    assert cuda.graph_refused is None


def test_each_key_is_recorded(graphs, host):
    one, other = Step(graphs), Step(graphs, start=100)
    for _ in range(4):
        one(1, "one")
        other(10, "other")
    assert (one.times, other.times) == (2, 2)
    assert (host(one.total), host(other.total)) == (4, 140)


def test_what_a_graph_writes_to_is_kept(graphs, host):
    """Nobody but the graph may hold the arrays of its work."""
    step = Step(graphs)
    step(1)
    step(1)
    total = step.total.view()
    del step
    graphs.xp.full((1, 1), 1000.0)  # where a freed array was
    graphs.upload(np.full((1, 1), 5.0))
    graphs.repeat("step", lambda: pytest.fail("to be replayed"))
    assert host(total) == 7


def test_a_replay_is_one_launch_and_nothing_else(graphs, counts):
    step = Step(graphs)
    for _ in range(3):
        step(1)
    graphs.synchronize()  # or the upload may have to wait
    assert counts(lambda: step(1)) == {"copies_to_device": 1, "graph_launches": 1}


class TestRefused:
    def check(self, graphs, host, step, *words):
        """Work that cannot be recorded is done all the same, each time, and it is told why."""
        for number in range(1, 5):
            step(number)
            assert host(step.total) == sum(range(number + 1))
        for word in words:
            assert word in graphs.graph_refused
        assert "\n" not in graphs.graph_refused
        after = Step(graphs)
        for _ in range(4):
            after(1, "another")
        assert (after.times, host(after.total)) == (4, 4)

    def test_work_that_allocates(self, graphs, host):
        class Allocating(Step):
            def work(self, uploaded):
                super().work(uploaded.copy())

        self.check(graphs, host, Allocating(graphs), "allocates memory")

    def test_work_that_waits(self, graphs, host):
        class Waiting(Step):
            def work(self, uploaded):
                super().work(uploaded)
                self.backend.synchronize()

        self.check(graphs, host, Waiting(graphs), "CUDARuntimeError: cudaErrorStreamCapture")

    def test_work_that_fetches(self, graphs, host):
        class Fetching(Step):
            def work(self, uploaded):
                super().work(uploaded)
                self.backend.to_host(self.total)

        self.check(graphs, host, Fetching(graphs), "Error: ")


def test_an_error_of_the_work_is_raised(graphs, host):
    step = Step(graphs)
    step(1)
    step.one = None
    for _ in range(2):
        with pytest.raises(AttributeError):
            step(1)
    assert host(step.total) == 1
