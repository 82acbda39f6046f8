"""Hashes of arrays that grow: slices are hashed once, whatever holds them."""

import numpy as np

from beliefs.records.hashes import arrays_hash
from beliefs.records.netcdf import read_netcdf, write_netcdf

STACK = np.random.default_rng(0).normal(size=(6, 2000, 2))


def test_a_stack_and_its_pieces_have_one_hash():
    apart = tuple(piece.copy() for piece in STACK)
    assert arrays_hash([("/a/x", STACK)]) == arrays_hash([("/a/x", apart)])
    assert arrays_hash([("/a/x", STACK)]) == arrays_hash([("/a/x", np.asfortranarray(STACK))])


def test_known_slices_are_not_hashed_again_and_new_ones_are():
    seen = {}
    first = arrays_hash([("/a/x", STACK[:5])], seen)
    assert first == arrays_hash([("/a/x", STACK[:5])]) and len(seen) == 5
    known = dict(seen)
    assert arrays_hash([("/a/x", tuple(STACK))], seen) == arrays_hash([("/a/x", STACK)])
    assert len(seen) == 6 and all(seen[place] is known[place] for place in known)


def test_one_changed_bit_or_another_order_changes_the_hash():
    changed = STACK.copy()
    changed[3, 7, 1] = np.nextafter(changed[3, 7, 1], 1.0)
    hashes = {arrays_hash([("/a/x", v)]) for v in (STACK, changed, STACK[::-1], STACK[:, ::-1])}
    assert len(hashes) == 4


def test_pieces_that_lie_together_are_written_like_those_that_lie_apart(tmp_path):
    together, apart = tuple(STACK), tuple(piece.copy() for piece in STACK)
    mixed = (*STACK[:3], STACK[3].copy(), *STACK[4:])
    for number, pieces in enumerate((together, apart, mixed, tuple(STACK[::-1])[::-1])):
        file = tmp_path / f"{number}.nc"
        write_netcdf(file, {"a": {"x": (("time", "particle", "side"), pieces)}}, {})
        np.testing.assert_array_equal(read_netcdf(file)[0]["a"]["x"][1], STACK)
        assert file.read_bytes() == (tmp_path / "0.nc").read_bytes()
