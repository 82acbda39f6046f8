"""The chain of a ledger: any flipped byte is found, and told with its line."""

import json
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledgers import sealed

from beliefs.records.ledger.chain import BEGINNING, check, held_head, seal

TEXT = st.text(max_size=12)
SAID = st.dictionaries(
    st.sampled_from(["kind", "hash_of", "p", "said"]),
    st.one_of(TEXT, st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none()),
    min_size=1,
)
LEDGERS = st.lists(SAID, min_size=1, max_size=5)


def line_of(data, place):
    """Number of the line that holds a byte; an end of line belongs to the line it ends."""
    return data[:place].count(b"\n") + 1


def forged(data, n, **fields):
    """The same with line `n` saying something else under a hash that is right."""
    lines = data.splitlines(keepends=True)
    old = json.loads(lines[n - 1])
    said = {k: v for k, v in old.items() if k not in ("n", "previous", "hash")} | fields
    lines[n - 1] = seal(old["n"], old["previous"], said)
    return lines


SMALL = sealed(*({"kind": "forecast", "p": p, "who": 'é\n"x"'} for p in (0.1, 0.25, 0.5)))


@given(LEDGERS)
def test_what_was_written_is_in_order_and_says_the_same(records):
    chain = check(sealed(*records))
    assert chain.problems == () and chain.rest == b""
    assert [line.n for line in chain.lines] == [*range(1, len(records) + 1)]
    for line, fields in zip(chain.lines, records, strict=True):
        said = {k: v for k, v in line.record.items() if k not in ("n", "previous", "hash")}
        assert said == fields
    assert held_head(chain, chain.head) == 0
    assert held_head(chain, chain.lines[0].hash) == len(records) - 1
    assert held_head(chain, BEGINNING) == len(records)


def test_every_flipped_bit_of_a_ledger_is_found_at_its_line():
    for place in range(len(SMALL)):
        for bit in range(8):
            broken = bytearray(SMALL)
            broken[place] ^= 1 << bit
            problems = check(bytes(broken)).problems
            assert problems, (place, bit)
            assert problems[0].line == line_of(SMALL, place), (place, bit, problems)


@given(LEDGERS, st.data())
def test_a_ledger_cut_anywhere_but_at_the_end_of_a_line_is_found_cut_off(records, data):
    whole = sealed(*records)
    size = data.draw(st.integers(0, len(whole)))
    chain = check(whole[:size])
    at_an_end = size == 0 or whole[size - 1 : size] == b"\n"
    assert (chain.problems == ()) == at_an_end
    if not at_an_end:
        assert "cut off" in chain.problems[0].what
        assert chain.problems[0].line == line_of(whole, size)
        assert whole[: chain.whole] + chain.rest == whole[:size]


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (lambda x: x[:1] + x[2:], 2, "chain broken between lines 1 and 2: they were written as"),
        (lambda x: x[1:], 1, "line 1 is not the beginning of a ledger: it was written as line 2"),
        (lambda x: [x[0], x[2], x[1]], 2, "chain broken between lines 1 and 2"),
        (lambda x: [x[0], x[0], *x[1:]], 2, "chain broken between lines 1 and 2"),
        (lambda x: [x[0], b"{}\n", *x[1:]], 2, "line 2 has not the form"),
        (lambda x: [x[0].replace(b"0.1", b"0.2"), *x[1:]], 1, "hash of line 1 does not match"),
        (lambda x: forged(b"".join(x), 2, p=0.9), 3, "chain broken between lines 2 and 3"),
        (lambda x: [x[0][:-2] + b"\n", *x[1:]], 1, "line 1 is not valid JSON"),
    ],
    ids=["removed", "headless", "swapped", "twice", "foreign", "changed", "forged", "short"],
)  # fmt: skip
def test_what_was_done_to_the_lines_is_told_with_the_line(change, line, words):
    problems = check(b"".join(change(SMALL.splitlines(keepends=True)))).problems
    assert problems[0].line == line and words in problems[0].what


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum here")
def test_a_shell_counts_the_same_hash(tmp_path):
    file = tmp_path / "ledger.jsonl"
    file.write_bytes(SMALL)
    sum_up = """sed -n 2p "$1" | sed 's/,"hash":"[^"]*"}$//' | tr -d '\\n' | sha256sum"""
    done = subprocess.run(
        ["sh", "-c", sum_up, "sh", file], check=True, capture_output=True, text=True
    )
    assert done.stdout.split()[0] == check(SMALL).lines[1].hash
    assert json.loads(SMALL.splitlines()[2])["previous"] == done.stdout.split()[0]
