"""Rules of the repository that no linter knows."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "beliefs"
# A room imports only from itself and from the rooms to its left.
ROOMS = (
    "errors", "study", "features", "model", "inference", "simulation", "forecasting", "evaluation",
    "records", "reporting", "cli", "__main__",
)  # fmt: skip
MODULES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in MODULES]
# Constructors of numpy.random that hold their own state.
OWN_STATE = {"Generator", "SeedSequence", "default_rng", "BitGenerator", "PCG64", "Philox"}
UNSAFE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def room_of(path: Path) -> str:
    """The room of a file: its folder in the package, or its own name at the top."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imported(tree: ast.AST, package: str) -> list[tuple[int, str]]:
    """Line and full name of every import, those inside functions too."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            # `from beliefs import study` imports a room as well.
            found += [(node.lineno, f"{base}.{alias.name}") for alias in node.names]
        elif (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", getattr(node.func, "attr", "")) == "import_module"
            and node.args
        ):
            arg = node.args[0]
            if isinstance(arg, ast.JoinedStr):
                arg = arg.values[0]
            if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
                found.append((node.lineno, arg.value + "*"))
    return found


def offences(room: str, source: str, package: str) -> list[str]:
    """Imports of rooms that stand further to the right."""
    bad = []
    for line, name in imported(ast.parse(source), package):
        parts = name.rstrip("*.").split(".")
        if parts[0] == "beliefs" and len(parts) > 1 and parts[1] in ROOMS:
            if ROOMS.index(parts[1]) > ROOMS.index(room):
                bad.append(f"line {line}: {room} imports {name}")
    return bad


def attributes(tree: ast.AST) -> list[tuple[int, str]]:
    """Line and dotted name of every attribute looked up."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            parts, inner = [node.attr], node.value
            while isinstance(inner, ast.Attribute):
                parts.append(inner.attr)
                inner = inner.value
            if isinstance(inner, ast.Name):
                found.append((node.lineno, ".".join([inner.id, *reversed(parts)])))
    return found


def test_every_module_is_in_a_room():
    assert len(MODULES) > 40
    rooms = {room_of(path) for path in MODULES} - {"__init__"}
    assert rooms == set(ROOMS)


@pytest.mark.parametrize("name", NAMES)
def test_imports_go_one_way(name):
    path = ROOT / name
    room = room_of(path)
    if room == "__init__":  # the package's front door opens every room, lazily
        return
    package = ".".join(path.relative_to(ROOT).parent.parts)
    bad = offences(room, path.read_text(encoding="utf-8"), package)
    assert not bad, f"{name} {'; '.join(bad)}"


@pytest.mark.parametrize(
    ("source", "bad"),
    [
        ("from beliefs.inference import fit", True),
        ("import beliefs.reporting.plots", True),
        ("from beliefs import reporting", True),
        ("def f():\n    from beliefs.inference.nuts.fit import fit", True),
        ("from ..forecasting import passage", True),
        ("import_module(f'beliefs.reporting.{name}')", True),
        ("from beliefs.model.contract import Array", False),
        ("from .contract import Array", False),
        ("from beliefs.errors import StudyError", False),
        ("import numpy", False),
    ],
)
def test_the_rule_sees_every_way_to_import(source, bad):
    assert bool(offences("model", source, "beliefs.model")) == bad


def test_the_front_door_imports_nothing_heavy():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    modules = {name.split(".")[0] for _, name in imported(tree, "beliefs")}
    assert modules <= {"__future__", "importlib", "typing", "beliefs"}


@pytest.mark.parametrize("name", NAMES)
def test_the_map_names_the_module(name):
    words = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    if Path(name).name == "__init__.py":
        return  # a room's front page; the room itself has its heading
    assert name in words or name.removeprefix("beliefs/") in words, f"ARCHITECTURE.md lacks {name}"


def test_the_map_names_no_module_that_is_gone():
    import re

    words = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b((?:beliefs/)?(?:[a-z_]+/)*[a-z_0-9]+\.py)\b", words))
    rooms = tuple(f"{room}/" for room in ROOMS)
    gone = [
        name
        for name in named
        if name.removeprefix("beliefs/").startswith(rooms)
        and not (PACKAGE / name.removeprefix("beliefs/")).is_file()
    ]
    assert not gone


@pytest.mark.parametrize("name", NAMES)
def test_no_file_is_long(name):
    lines = len((ROOT / name).read_text(encoding="utf-8").splitlines())
    assert lines <= 600, f"{name} has {lines} lines"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_pickled_and_no_randomness_is_global(name):
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    loaded = {found.split(".")[0] for _, found in imported(tree, "beliefs")}
    assert not loaded & (UNSAFE | {"random"}), name
    for line, found in attributes(tree):
        head, _, last = found.rpartition(".")
        if head in ("np.random", "numpy.random"):
            assert last in OWN_STATE, f"{name}:{line} uses the global {found}"
    for line, found in imported(tree, "beliefs"):
        if found.startswith("numpy.random."):
            assert found.split(".")[-1] in OWN_STATE, f"{name}:{line} imports {found}"


# Who may write otherwise than by `beliefs.study.writefile`, and what.
OWN_WRITERS = {
    "beliefs/study/writefile.py": {"open"},
    "beliefs/cli/interrupt.py": {"open"},  # the null device
    "beliefs/records/netcdf.py": {"open"},  # by way of HDF5, into a folder that is written aside
    "beliefs/records/lock.py": {"open"},
    "beliefs/records/ledger/ledger_file.py": {"open"},  # appends
    "beliefs/records/calibration.py": {"open"},  # appends
    "beliefs/reporting/axes.py": {"savefig"},  # into memory
}
WRITERS = {"write_text", "write_bytes", "savefig", "write_html", "copyfile", "copytree"}


def writes(tree: ast.AST) -> set[str]:
    """Names of calls that write a file by themselves."""
    found = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in WRITERS:
            found.add(name)
        if name in ("open", "fdopen", "File"):
            given = [*node.args, *(word.value for word in node.keywords)]
            modes = [a.value for a in given if isinstance(a, ast.Constant) and a.value]
            flags = [a for one in given for a in ast.walk(one) if isinstance(a, ast.Attribute)]
            if any(isinstance(m, str) and set(m) & set("wxa+") and len(m) < 4 for m in modes):
                found.add("open")
            if any(flag.attr in ("O_WRONLY", "O_RDWR", "O_CREAT") for flag in flags):
                found.add("open")
    return found


@pytest.mark.parametrize("name", NAMES)
def test_files_are_written_by_the_one_writer(name):
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    assert writes(tree) <= OWN_WRITERS.get(name, set()), name


def test_the_rule_on_writing_tells_reading_from_writing():
    assert writes(ast.parse("p.open()\nopen(p, 'rb')\nos.open(p, os.O_RDONLY)")) == set()
    for line in ("open(p, 'w')", "p.open('ab')", "os.open(p, os.O_CREAT)", "p.write_text('')"):
        assert writes(ast.parse(line))


def test_the_rule_on_randomness_tells_the_two_kinds_apart():
    tree = ast.parse("np.random.default_rng(1).normal()\nnp.random.normal()")
    names = [found for _, found in attributes(tree)]
    assert "np.random.normal" in names and "np.random.default_rng" in names
