"""Files that are missing, not files, not text, or not tables."""

from broken import (
    C,
    Case,
    E,
    I,
    S,
    T,
    as_file,
    as_folder,
    drop,
    eve,
    first_lines,
    gone,
    grow,
    ind,
    link,
    put,
    recode,
    talk,
)

MB = 2**20
MISSING = [
    Case(f"no {name}", drop(name), name, "no such file", name, "add it")
    for name in (S, I, E, T, "SOURCES.md")
]
CASES = [
    Case("not a folder", as_file, "small", "a file", "study folder", "us-iran-2026"),
    Case("no folder", gone, "small", "nothing of that name", "study folder", "us-iran-2026"),
    *MISSING,
    Case("empty sources", put("SOURCES.md", b"\n"), "SOURCES.md:1", "empty", "terms", "one line"),
    Case("link out of the folder", link(E), E, "symbolic link", "regular file", "copy"),
    Case("link to a device", link(I, "/dev/zero"), I, "symbolic link", "regular file", "copy"),
    Case("link to nothing", link(C, "nowhere"), C, "symbolic link", "regular file", "copy"),
    Case("folder, not a file", as_folder(T), T, "not a regular", "regular file", "copy"),
    Case("huge file", grow(E, 65 * MB), E, "68157440 bytes", "67108864", "keep only"),
    Case("huge settings", grow(S, 2 * MB), S, "2097152 bytes", "1048576", "keep only"),
    Case(
        "line of 50 MB", grow(I, 50 * MB, b"\n"), f"{I}:212", "more than 1048576", "1048576", "ends"
    ),
    Case("NUL byte", put(T, b"talk_id,\x00"), f"{T}:1 byte 9", "x00", "UTF-8", "UTF-16"),
    Case("UTF-16", recode(T, "utf-16"), f"{T}:1 byte 1", "UTF-16", "UTF-8", "iconv -f UTF-16"),
    Case("UTF-16 unmarked", recode(T, "utf-16-le"), f"{T}:1 byte 2", "x00", "UTF-8", "UTF-16"),
    Case("UTF-32", recode(T, "utf-32"), f"{T}:1 byte 1", "UTF-32", "UTF-8", "iconv -f UTF-32"),
    Case("Latin-1", recode(T, "latin-1"), f"{T}:2 byte 45", "xe1laga", "UTF-8", "iconv -f latin1"),
    Case("Latin-1 settings", put(S, b"# \xe1"), f"{S}:1 byte 3", "xe1", "UTF-8", "iconv -f latin1"),
    Case("empty table", put(I, b""), f"{I}:1", "no header", "indicator,date", "header"),
    Case("only a header, coverage", first_lines(C, 1), f"{C}:1", "0 rows", "cover", "delete"),
    Case(
        "missing column", eve(",zone", ""), f"{E}:1 column zone", "red_line", "zone", "add `zone`"
    ),
    Case("misspelt column", ind("value", "val"), f"{I}:1 column value", "val", "value", "`val` to"),
    Case("extra column", ind("value", "value,n"), f"{I}:1 column n", "n", "indicator", "remove"),
    Case("column twice", ind("value", "date"), f"{I}:1 column date", "date", "value", "rename"),
    Case(
        "no header",
        ind("indicator,date,published_at,value\n", ""),
        f"{I}:1",
        "price",
        "date",
        "first line",
    ),
    Case("cell left out", ind(",100.0\n", "\n"), f"{I}:36", "3 cells", "4 cells", "empty, not out"),
    Case("comma in a number", ind(",100.0", ",1,000"), f"{I}:36", "5 cells", "4 cells", "quote"),
    Case("open quotation mark", talk("T2,", '"T2,'), f"{T}:3", "not closed", "quoted", "close"),
    Case(
        "text after a quotation",
        talk("T2,", '"T"2,'),
        f"{T}:3",
        "after a closing",
        "quoted",
        "close",
    ),
    Case("old line ends", talk("\nT1", "\rT1"), f"{T}:1", "carriage return", "comma", "line feed"),
    Case(
        "endless cell", talk("T2,", '"T2,' + "x\n" * 99999), f"{T}:3", "131072", "quoted", "close"
    ),
]
