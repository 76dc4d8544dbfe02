"""Components by name: one file in a family's package is one component, no list to edit.

`names` reads file names and entry points without importing anything; `load` imports the one that is wanted.
Files that start with an underscore are shared by a family and are no components.
"""

from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from mirante.errors import UnknownName


def _own(package: str) -> dict[str, str]:
    spec = find_spec(package)
    roots = [Path(root) for root in (spec.submodule_search_locations or [])] if spec else []
    found = [path for root in roots for path in sorted(root.iterdir())]
    modules = [p.stem for p in found if p.suffix == ".py" or (p / "__init__.py").is_file()]
    return {name.replace("_", "-"): f"{package}.{name}" for name in modules if not name.startswith("_")}


def _plugins(package: str) -> dict[str, str]:
    return {entry.name: entry.value for entry in entry_points(group=package)}


def names(package: str) -> tuple[str, ...]:
    """Names of the components of a family, e.g. `names("mirante.losses")`; imports none of them.

    Source: the family's own files, then entry points of the group of the same name.
    """
    return tuple(sorted({**_plugins(package), **_own(package)}))


def load(package: str, name: str) -> ModuleType:
    """Import one component.

    Raises:
        UnknownName: no such component; the message lists the valid names.
        ImportError: of the component itself, not disguised.
    """
    modules = {**_plugins(package), **_own(package)}
    if name not in modules:
        family = package.rpartition(".")[2]
        raise UnknownName(family.removesuffix("es" if family.endswith(("xes", "sses")) else "s"), name, modules)
    return import_module(modules[name])
