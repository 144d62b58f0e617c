import numpy as np


def window(number):
    """The host arrays of a step, full of a number."""
    x = np.full((5, 3), number, np.int32)
    return x, x + 1, None, np.array(number), np.array([number / 2, number], np.float32)


def test_arrays_arrive(cuda, host):
    resets = np.array([[True, False]])
    for arrays in (window(1), window(2), (resets, *window(3))):
        for found, sent in zip(cuda.upload(*arrays), arrays, strict=True):
            if sent is None:
                assert found is None
            else:
                assert (found.shape, found.dtype) == (sent.shape, sent.dtype)
                np.testing.assert_array_equal(host(found), sent)


def test_arrays_of_the_same_kinds_come_to_the_same_places(cuda):
    def addresses(arrays):
        return [cuda.address(array) for array in cuda.upload(*arrays) if array is not None]

    first = addresses(window(1))
    other = addresses((*window(1), np.ones(7)))
    assert addresses(window(2)) == addresses(window(3)) == first
    assert not set(other) & set(first)
    assert all(address % 256 == 0 for address in first + other)


def test_the_host_may_change_what_it_has_uploaded(cuda, host):
    x, *rest = window(1)
    found = cuda.upload(x, *rest)[0]
    x[...] = 9
    assert (host(found) == 1).all()


def test_work_on_an_upload_is_done_before_the_next_one_arrives(cuda, host):
    """The host is several steps ahead of the device."""
    seen = []
    for number in range(6):
        x, *_ = cuda.upload(*window(number))
        seen.append(x * 1)
    for number, copy in enumerate(seen):
        assert (host(copy) == number).all()


def test_arrays_that_are_not_contiguous(cuda, host):
    x = np.arange(24, dtype=np.int32).reshape(4, 6)
    for array in (x[:, ::2], x.T, x[::-1]):
        np.testing.assert_array_equal(host(cuda.upload(array)[0]), array)


def test_nothing_to_upload(cuda):
    assert cuda.upload() == []
    assert cuda.upload(None) == [None]


def test_an_upload_is_one_copy_and_nothing_else(cuda, counts):
    for _ in range(2):
        cuda.upload(*window(1))
        cuda.synchronize()
    assert counts(lambda: cuda.upload(*window(2))) == {"copies_to_device": 1}
