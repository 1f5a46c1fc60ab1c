import type { Catalog } from '../runtime/configuration/catalog.ts'
import { deploymentEnvironment, resolveService } from '../runtime/configuration/identity.ts'
import type { Environment } from '../runtime/configuration/schema.ts'
import type { CatalogQuestions } from './sources/mapping.ts'

/** `told` is called with every answer, for counting what the catalog does not know. */
export function createCatalogQuestions(
  catalog: Catalog,
  environments: readonly Environment[],
  told: (identity: ReturnType<typeof resolveService>) => void,
): CatalogQuestions {
  const byWorkflow = new Set(
    [...catalog.repositories]
      .filter(([, rules]) => rules.some((rule) => rule.workflows.length > 0))
      .map(([repository]) => repository),
  )
  for (const key of catalog.deployments.keys()) byWorkflow.add(key.split(' ', 1)[0] ?? key)
  return {
    resolve: (names) => {
      const identity = resolveService(names, catalog, environments)
      told(identity)
      return identity
    },
    deploymentEnvironment: (repository, workflow) => deploymentEnvironment(catalog, repository, [workflow]),
    workflowDecides: (repository) => byWorkflow.has(repository.toLowerCase()),
  }
}
