"""Tables in Markdown, and parts of documents that scripts write, between <!-- NAME --> and <!-- end of NAME -->."""


def write(document, name, text):
    """Replaces what stands between the marks of `name` in the file `document` (a pathlib.Path)."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    whole = document.read_text()
    if begin not in whole or end not in whole:
        raise SystemExit(f"{document}: the marks of '{name}' are missing; restore them")
    document.write_text(whole.split(begin)[0] + begin + text.rstrip("\n") + "\n" + end + whole.split(end)[1])


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] + ["| " + " | ".join(row) + " |" for row in rows])
