"""Numbers with their nouns, as messages print them."""

_IRREGULAR = {"entry": "entries", "query": "queries", "match": "matches"}


def counted(number: object, noun: str) -> str:
    """A number and its noun in the singular or plural: "1 document", "2,088 documents"."""
    if number != 1:
        head, space, last = noun.rpartition(" ")
        noun = f"{head}{space}{_IRREGULAR.get(last, f'{last}s')}"
    return f"{number:,} {noun}"


class Amount(int):
    """A number that a format string can ask for with its noun: `{files:file}` is "1 file" or "2 files"."""

    def __format__(self, specification: str) -> str:
        return (
            counted(self, specification)
            if specification.isalpha() and len(specification) > 1
            else super().__format__(specification)
        )
