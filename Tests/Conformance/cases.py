"""The list of cases: filled by the modules that describe them, in the order of the sections."""
import typing


class Case(typing.NamedTuple):
    name: str
    words: str
    run: typing.Callable
    greets: bool


ALL = []


def case(section, words, greets=True):
    """`greets`: SETTINGS have been exchanged before it begins. The number counts within the section."""
    def add(run):
        number = 1 + sum(1 for other in ALL if other.name.rpartition("/")[0] == section)
        ALL.append(Case(f"{section}/{number}", words, run, greets))
        return run
    return add
