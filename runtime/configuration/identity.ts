/** Which service and environment a record belongs to: pure, the same names give the same answer everywhere. */
import { deploymentKey, type Catalog, type NameKind, type RepositoryRule } from './catalog.ts'
import { ENVIRONMENT_CHARS_MAX, type Environment, type Tier } from './schema.ts'

/** What a source calls the thing it speaks of; absent = the source does not say. */
export interface SourceNames {
  readonly environment: string | null
  readonly explicit?: string
  /** OpenTelemetry service.name or annotation. */
  readonly otelServiceName?: string
  /** app.kubernetes.io/instance, /name; the workload. */
  readonly kubernetes?: { readonly instance?: string; readonly name?: string; readonly workload?: string }
  readonly prometheus?: { readonly service?: string; readonly job?: string }
  readonly repository?: string
  /** Name, file or id of the workflow. */
  readonly workflow?: string
  /** Path inside the repository. */
  readonly path?: string
}

export interface Identity {
  /** `<environment>/<name>`, or `<environment>/unassigned:<source name>`. */
  readonly service: string
  readonly environment: string
  readonly mapped: boolean
  /** Not in the closed list of the configuration: treated as the development tier, worth a warning. */
  readonly unknownEnvironment: boolean
}

const NAME_LENGTH_MAX = 200
/** As the gateway, the engine and the query API take it. */
const SERVICE_LENGTH_MAX = 256

/** One segment: a service is `<environment>/<name>`, so an environment never holds a slash. */
function plainEnvironment(name: string): string {
  const plain = name
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[-._]+/, '')
    .slice(0, ENVIRONMENT_CHARS_MAX)
  return plain === '' ? 'unknown' : plain
}

const plainName = (name: string): string =>
  name
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, NAME_LENGTH_MAX)
    .toWellFormed()

const unassignedService = (environment: string, name: string): string =>
  `${environment}/unassigned:${name}`.slice(0, SERVICE_LENGTH_MAX).toWellFormed()

/** The environment a name or alias stands for. */
export function resolveEnvironment(
  name: string | null,
  environments: readonly Environment[],
): { environment: string; tier: Tier; unknownEnvironment: boolean } {
  const wanted = (name ?? 'unknown').trim().toLowerCase()
  const known = environments.find(
    (each) => each.name === wanted || each.aliases.some((alias) => alias.toLowerCase() === wanted),
  )
  if (known !== undefined) return { environment: known.name, tier: known.tier, unknownEnvironment: false }
  return { environment: plainEnvironment(wanted), tier: 'development', unknownEnvironment: true }
}

interface AskedNames {
  readonly service?: string | undefined
  readonly environment?: string | undefined
}

/** A question by the names under which records are kept: its environment and its service's, where they are aliases. */
export function resolveQuestion<Input extends object>(input: Input, environments: readonly Environment[]): Input {
  const { service, environment }: AskedNames = input
  const resolved = (name: string): string => resolveEnvironment(name, environments).environment
  const slash = service?.indexOf('/') ?? -1
  return {
    ...input,
    ...(environment === undefined ? {} : { environment: resolved(environment) }),
    ...(service === undefined || slash < 0
      ? {}
      : { service: `${resolved(service.slice(0, slash))}${service.slice(slash)}` }),
  }
}

function isBelow(path: string, folder: string): boolean {
  const plain = path.replace(/^\.?\/+/, '')
  return plain === folder || plain.startsWith(`${folder}/`)
}

/** A monorepo's rules: the workflow decides, else the deepest folder that holds the path, else the rule for all the rest. */
function serviceOfRepository(names: SourceNames, rules: readonly RepositoryRule[]): string | null {
  const { workflow, path } = names
  if (workflow !== undefined) {
    const rule = rules.find((each) => each.workflows.includes(workflow.toLowerCase()))
    if (rule !== undefined) return rule.service
  }
  if (path !== undefined) {
    const [deepest] = rules
      .flatMap((rule) => rule.paths.map((folder) => ({ folder, service: rule.service })))
      .filter(({ folder }) => isBelow(path, folder))
      .sort((a, b) => b.folder.length - a.folder.length)
    if (deepest !== undefined) return deepest.service
  }
  return rules.find((rule) => rule.workflows.length === 0 && rule.paths.length === 0)?.service ?? null
}

/** The names a source gave, in the order in which they are tried. */
function candidates(names: SourceNames): { kind: NameKind | 'repository'; name: string }[] {
  const all: [NameKind | 'repository', string | undefined][] = [
    ['explicit', names.explicit],
    ['openTelemetry', names.otelServiceName],
    ['kubernetes', names.kubernetes?.instance],
    ['kubernetes', names.kubernetes?.name],
    ['kubernetes', names.kubernetes?.workload],
    ['prometheus', names.prometheus?.service],
    ['prometheus', names.prometheus?.job],
    ['repository', names.repository],
  ]
  return all.flatMap(([kind, name]) => {
    const plain = name === undefined ? '' : plainName(name)
    return plain === '' ? [] : [{ kind, name: plain }]
  })
}

function mappedName(names: SourceNames, catalog: Catalog): string | null {
  for (const { kind, name } of candidates(names)) {
    const service =
      kind === 'repository'
        ? serviceOfRepository(names, catalog.repositories.get(name.toLowerCase()) ?? [])
        : (catalog.names[kind].get(name.toLowerCase()) ?? null)
    if (service !== null) return service
  }
  return null
}

/**
 * The first of the names that the catalog maps: explicit → OpenTelemetry → Kubernetes instance, name, workload →
 * Prometheus service, job → repository (a monorepo by workflow or path). None mapped: `unassigned:` and the first name.
 */
export function resolveService(names: SourceNames, catalog: Catalog, environments: readonly Environment[]): Identity {
  const { environment, unknownEnvironment } = resolveEnvironment(
    names.environment ?? catalog.defaultEnvironment,
    environments,
  )
  const name = mappedName(names, catalog)
  if (name !== null) return { service: `${environment}/${name}`, environment, mapped: true, unknownEnvironment }
  const [first] = candidates(names)
  // In lower case, as the catalog looks names up: a mapping made later finds the history of every spelling.
  const unassigned = first?.name.toLowerCase() ?? 'unknown'
  return { service: unassignedService(environment, unassigned), environment, mapped: false, unknownEnvironment }
}

/** The environment a workflow deploys to by the catalog; null: what it does is a CI run. */
export function deploymentEnvironment(
  catalog: Catalog,
  repository: string,
  workflows: readonly (string | null)[],
): string | null {
  for (const workflow of workflows) {
    const environment = workflow === null ? undefined : catalog.deployments.get(deploymentKey(repository, workflow))
    if (environment !== undefined) return environment
  }
  return null
}

/**
 * Which sources' records of that name the catalog maps: of `all` kinds of sources, of `some` (a name that only Prometheus is
 * known to use, a repository mapped by workflow or path), or of `none`.
 */
export function mappedFor(sourceName: string, catalog: Catalog): 'all' | 'some' | 'none' {
  const name = sourceName.toLowerCase()
  const kinds = Object.values(catalog.names).map((index) => index.has(name))
  const rules = catalog.repositories.get(name) ?? []
  if (kinds.every(Boolean) || rules.some((rule) => rule.workflows.length === 0 && rule.paths.length === 0)) return 'all'
  return kinds.some(Boolean) || rules.length > 0 ? 'some' : 'none'
}

/** Under which names a service's records were kept before the catalog mapped them: history is read through these too. */
export function formerServices(service: string, catalog: Catalog): readonly string[] {
  const slash = service.indexOf('/')
  const [environment, name] = [service.slice(0, slash), service.slice(slash + 1)]
  const aliases = Object.values(catalog.names).flatMap((index) =>
    [...index].filter(([, mapped]) => mapped === name).map(([alias]) => alias),
  )
  const repositories = [...catalog.repositories]
    .filter(([, rules]) => rules.every((rule) => rule.service === name))
    .map(([repository]) => repository)
  return [...new Set([...aliases, ...repositories])].sort().map((alias) => unassignedService(environment, alias))
}
