"""An import-linter contract: a package of `trail` is imported by its public modules only.

pyproject.toml lists the public modules of each package. Everything else is private to its package.
"""

from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class PublicModulesContract(Contract):
    """Broken by an import of a private module from outside its package.

    Options: `container`, the package whose packages are checked; `modules`, the public modules
    relative to it.
    """

    type_name = "public_modules"
    container = fields.StringField()
    modules = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Return the violations, one sentence each, in the metadata."""
        container: Any = self.container
        declared: Any = self.modules
        public = {f"{container}.{name}" for name in declared}
        problems = [f"{name} does not exist." for name in public - graph.modules]
        for package in sorted(graph.find_children(container)):
            for module in sorted(graph.find_descendants(package)):
                if module not in public:
                    problems += [
                        f"{user} imports {module}, which is private."
                        for user in graph.find_modules_that_directly_import(module)
                        if not f"{user}.".startswith(f"{package}.")
                    ]
        return ContractCheck(kept=not problems, metadata={"problems": sorted(problems)})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the violations."""
        for problem in check.metadata["problems"]:
            output.print_error(problem)
