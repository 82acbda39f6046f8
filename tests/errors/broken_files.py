"""Files that are missing, not files, not text, or not tables."""

import shutil

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
    grow,
    ind,
    link,
    put,
    recode,
    talk,
)

MB = 2**20
MISSING = [Case(f"no {name}", drop(name)) for name in (S, I, E, T, "SOURCES.md")]
CASES = [
    Case("not a folder", as_file),
    Case("no folder", shutil.rmtree),
    *MISSING,
    Case("empty sources", put("SOURCES.md", b"\n")),
    Case("link out of the folder", link(E)),
    Case("link to a device", link(I, "/dev/zero")),
    Case("link to nothing", link(C, "nowhere")),
    Case("folder, not a file", as_folder(T)),
    Case("huge file", grow(E, 65 * MB)),
    Case("huge settings", grow(S, 2 * MB)),
    Case("line of 50 MB", grow(I, 50 * MB, b"\n")),
    Case("NUL byte", put(T, b"talk_id,\x00")),
    Case("UTF-16", recode(T, "utf-16")),
    Case("UTF-16 unmarked", recode(T, "utf-16-le")),
    Case("UTF-32", recode(T, "utf-32")),
    Case("Latin-1", recode(T, "latin-1")),
    Case("Latin-1 settings", put(S, b"# \xe1")),
    Case("empty table", put(I, b"")),
    Case("only a header, coverage", put(C, b"start,end,density,instrument,note\n")),
    Case("missing column", eve(",zone", "")),
    Case("misspelt column", ind("value", "val")),
    Case("extra column", ind("value", "value,n")),
    Case("column twice", ind("value", "date")),
    Case("no header", ind("indicator,date,published_at,value\n", "")),
    Case("cell left out", ind(",100.0\n", "\n")),
    Case("comma in a number", ind(",100.0", ",1,000")),
    Case("open quotation mark", talk("T2,", '"T2,')),
    Case("text after a quotation", talk("T2,", '"T"2,')),
    Case("old line ends", talk("\nT1", "\rT1")),
    Case("endless cell", talk("T2,", '"T2,' + "x\n" * 99999)),
]
