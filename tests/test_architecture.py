"""Rules of the repository that no linter knows."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from beliefs.study.bundled import list_studies

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "beliefs"
# A room imports only from itself and from the rooms before it.
ROOMS = (
    "errors", "shown", "study", "features", "model", "inference", "simulation", "forecasting",
    "evaluation", "records", "reporting", "cli", "__main__",
)  # fmt: skip
TEXTS = {str(p.relative_to(ROOT)): p.read_text("utf-8") for p in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(text) for name, text in TEXTS.items()}
# Constructors of numpy.random that hold their own state.
OWN_STATE = {"Generator", "SeedSequence", "default_rng", "BitGenerator", "PCG64", "Philox"}
UNSAFE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "random"}
# What writes a file, but for a table without a path, which is returned as text.
WRITES = re.compile(
    r"\.(write_text|write_bytes|write_html|savefig|copyfile|copytree|copy2)\(|O_CREAT|O_WRONLY|O_RDWR"
    r"|open\([^()]*[\"'](w|x|a|r\+)b?[\"']|\.to_(csv|json|netcdf)\((?!\)|\w+=)"
)
# Who writes otherwise than by `write_file` and `replace_file` of `beliefs.study.writefile`: those
# that append, the null device, a figure drawn into memory, and netCDF in a folder set aside.
OWN_WRITERS = {
    "beliefs/study/writefile.py", "beliefs/cli/app.py", "beliefs/records/files.py",
    "beliefs/reporting/axes.py",
}  # fmt: skip
LARGEST_FOLDER, LONGEST_FILE, IMPORTS_IN_FUNCTIONS = 14, 600, 40
MOST_LINES, MOST_FILES = {"beliefs": 27_730, "tests": 15_464}, 140
IMPORTS = ast.Import | ast.ImportFrom


def imported(tree: ast.AST) -> list[tuple[int, str]]:
    """Line and full name of every import, those inside functions too."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: a relative import"
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def wrong_way(room: str, tree: ast.AST) -> list[str]:
    """Imports of rooms that stand further down."""
    rooms = [(line, name, (name + ".").split(".")[1]) for line, name in imported(tree)
             if name.startswith("beliefs.")]  # fmt: skip
    return [
        f"line {line}: {room} imports {name}"
        for line, name, other in rooms
        if other in ROOMS and ROOMS.index(other) > ROOMS.index(room)
    ]


def drawn(tree: ast.AST) -> list[tuple[int, str]]:
    """Line and name of everything taken from numpy.random."""
    return [
        (node.lineno, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "random"
    ] + [
        (line, name.split(".")[2])
        for line, name in imported(tree)
        if name.startswith("numpy.random.")
    ]


def test_imports_go_one_way():
    rooms = {name: Path(name).with_suffix("").parts[1] for name in TREES}
    assert set(rooms.values()) - {"__init__"} == set(ROOMS)
    bad = [
        f"{name} {offence}"
        for name, tree in TREES.items()
        if rooms[name] != "__init__"  # the front door opens every room, lazily
        for offence in wrong_way(rooms[name], tree)
    ]
    assert not bad, "\n".join(bad)


def test_no_two_files_import_each_other():
    modules = {name.removesuffix(".py").replace("/", ".").removesuffix(".__init__"): tree
               for name, tree in TREES.items()}  # fmt: skip
    graph = {
        module: {
            known
            for _, name in imported(tree)
            for known in (name, name.rpartition(".")[0])
            if known in modules and known != module
        }
        for module, tree in modules.items()
        if module != "beliefs"
    }
    graph = {module: found - {"beliefs"} for module, found in graph.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None


def test_folders_and_files_are_small():
    folders: dict[Path, int] = {}
    for name in TREES:
        if Path(name).name != "__init__.py":
            folders[Path(name).parent] = folders.get(Path(name).parent, 0) + 1
    assert not {str(f): n for f, n in folders.items() if n > LARGEST_FOLDER}
    lines = {name: len(text.splitlines()) for name, text in TEXTS.items()}
    assert not {name: n for name, n in lines.items() if n > LONGEST_FILE}


def test_few_imports_hide_in_functions_each_with_a_reason():
    hidden, bare = set(), set()
    for name, tree in TREES.items():
        lines = ["", *TEXTS[name].splitlines()]
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                at = {n.lineno for n in ast.walk(function) if isinstance(n, IMPORTS)}
                hidden |= {(name, n) for n in at}
                if at and not any("#" in lines[n - 1] + lines[n] for n in at):
                    bare.add(f"{name}:{min(at)}")
    assert len(hidden) <= IMPORTS_IN_FUNCTIONS and not bare, (len(hidden), bare)


def test_package_and_tests_stay_small():
    for folder, most in MOST_LINES.items():
        files = (ROOT / folder).rglob("*.py")
        assert sum(len(f.read_text(encoding="utf-8").splitlines()) for f in files) <= most, folder
    assert len(TREES) <= MOST_FILES


def test_nothing_is_pickled_and_no_randomness_is_global():
    for name, tree in TREES.items():
        assert not {found.split(".")[0] for _, found in imported(tree)} & UNSAFE, name
        for line, found in drawn(tree):
            assert found in OWN_STATE, f"{name}:{line} uses the global {found}"


def test_files_are_written_by_the_one_writer():
    code = {name: re.sub(r">>>.*", "", text) for name, text in TEXTS.items()}
    assert {name for name, text in code.items() if WRITES.search(text)} == OWN_WRITERS
    for line in ("open(p, 'w')", "p.open('ab')", "os.open(p, os.O_CREAT)", "t.to_csv(p)"):
        assert WRITES.search(line), line
    assert not WRITES.search("p.open()\nopen(p, 'rb')\nos.open(p, os.O_RDONLY)\nt.to_csv(sep=',')")


WORDS = re.compile(
    r"\b(us|usa|america|american|americans|washington|iran|iranian|tehran|israel|israeli|hormuz|"
    r"houthis?|hezbollah|hamas|lebanon|iraq|iraq_syria|gulf|gulf_state|iran_proxy|red_sea|pakistan|"
    r"oman|oman_qatar|muscat|vienna|geneva|jcpoa|rial|europe|un|us_\w+|usd_irr|maritime|strait|"
    r"confederacy|confederate|greenback|appomattox|vietnam|svn|hanoi|trump|khamenei)\b",
    re.IGNORECASE,
)
ALLOWED = re.compile(r'^STUDY = "us-iran-2026"$')  # the study of commands that are given none


def test_no_party_place_or_document_of_one_conflict_is_named():
    files = [p for end in ("py", "toml", "j2", "csv", "json") for p in PACKAGE.rglob(f"*.{end}")]
    assert len(files) > 80
    conflicts = [name for name in list_studies() if name != "synthetic-duel"]  # which is invented
    assert len(conflicts) == 5
    found, defaults = [], 0
    for path in files:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if ALLOWED.match(line):
                defaults += 1
            elif (word := WORDS.search(line)) or any(name in line for name in conflicts):
                found.append(f"{path.relative_to(PACKAGE)}:{number} {word and word[0]}: {line}")
    assert not found, "\n".join(found)
    assert defaults == 1
