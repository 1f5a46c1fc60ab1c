/**
 * catalog.yaml: what sources call things → our services. Read once, refused whole; an installation without one puts
 * everything under `unassigned:`.
 */
import { z } from 'zod'
import { ConfigurationError, readYaml } from './configuration.ts'
import { nearest } from './keys.ts'
import { maintenanceEntry, maintenanceWindows } from './maintenanceWindows.ts'
import type { MaintenanceWindow } from './maintenanceWindows.ts'
import { isTimeZone } from './schema.ts'

const text = z.string().trim().min(1).max(200)
const names = z.array(text).default([])

const repositoryRule = z.union([
  text.transform((repository) => ({ repository, workflows: [] as string[], paths: [] as string[] })),
  z.strictObject({ repository: text, workflows: names, paths: names }),
])

const service = z.strictObject({
  team: text.nullable().default(null),
  time_zone: text.nullable().default(null),
  /** Whatever the source. */
  aliases: names,
  open_telemetry: names,
  kubernetes: names,
  prometheus: names,
  repositories: z.array(repositoryRule).default([]),
})

const deployment = z.strictObject({ repository: text, workflow: text, environment: text })

const catalogSchema = z.strictObject({
  version: z.literal(1),
  default_environment: text.nullable().default(null),
  services: z
    .record(
      z
        .string()
        .regex(
          /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
          'must be letters, digits, dots, dashes and underscores, at most 100',
        ),
      service.nullable().transform((value) => value ?? service.parse({})),
    )
    .default({}),
  deployments: z.array(deployment).default([]),
  maintenance: z.array(maintenanceEntry).default([]),
})

/** Kinds of names a source may call a service by, in the order in which they are tried; `repository` comes last. */
export const NAME_KINDS = ['explicit', 'openTelemetry', 'kubernetes', 'prometheus'] as const
export type NameKind = (typeof NAME_KINDS)[number]

export interface RepositoryRule {
  readonly service: string
  readonly workflows: readonly string[]
  readonly paths: readonly string[]
}

export interface CatalogService {
  readonly name: string
  readonly team: string | null
  readonly timeZone: string | null
}

/** Services are looked up as the catalog spells them, everything else by lower case. */
export interface Catalog {
  readonly services: ReadonlyMap<string, CatalogService>
  /** Environment of what names none. */
  readonly defaultEnvironment: string | null
  readonly names: Readonly<Record<NameKind, ReadonlyMap<string, string>>>
  readonly repositories: ReadonlyMap<string, readonly RepositoryRule[]>
  /** `<repository> <workflow>` → environment: workflows that deploy. */
  readonly deployments: ReadonlyMap<string, string>
  readonly maintenance: readonly MaintenanceWindow[]
}

export const EMPTY_CATALOG: Catalog = {
  services: new Map(),
  defaultEnvironment: null,
  names: { explicit: new Map(), openTelemetry: new Map(), kubernetes: new Map(), prometheus: new Map() },
  repositories: new Map(),
  deployments: new Map(),
  maintenance: [],
}

type Parsed = z.output<typeof catalogSchema>

function indexNames(services: Parsed['services'], problems: string[]): Catalog['names'] {
  const indexes = Object.fromEntries(NAME_KINDS.map((kind) => [kind, new Map<string, string>()])) as Record<
    NameKind,
    Map<string, string>
  >
  for (const [name, entry] of Object.entries(services)) {
    const own: Record<NameKind, readonly string[]> = {
      explicit: [],
      openTelemetry: entry.open_telemetry,
      kubernetes: entry.kubernetes,
      prometheus: entry.prometheus,
    }
    for (const kind of NAME_KINDS) {
      for (const alias of new Set([name, ...entry.aliases, ...own[kind]].map((each) => each.toLowerCase()))) {
        const other = indexes[kind].get(alias)
        if (other !== undefined) problems.push(`services: ${alias} names both ${other} and ${name}`)
        indexes[kind].set(alias, name)
      }
    }
  }
  return indexes
}

function indexRepositories(services: Parsed['services'], problems: string[]): Map<string, RepositoryRule[]> {
  const index = new Map<string, RepositoryRule[]>()
  const taken = new Map<string, string>()
  for (const [name, entry] of Object.entries(services)) {
    for (const { repository, workflows, paths } of entry.repositories) {
      const key = repository.toLowerCase()
      const rule = {
        service: name,
        workflows: workflows.map((each) => each.toLowerCase()),
        paths: paths.map((each) => each.replace(/^\.?\/+|\/+$/g, '')),
      }
      const claims = [...rule.workflows.map((w) => `workflow ${w} of `), ...rule.paths.map((p) => `path ${p} of `)]
      for (const claim of claims.length === 0 ? [''] : claims) {
        const other = taken.get(claim + key)
        if (other !== undefined) {
          problems.push(`services: ${claim}repository ${key} belongs to both ${other} and ${name}`)
        }
        taken.set(claim + key, name)
      }
      index.set(key, [...(index.get(key) ?? []), rule])
    }
  }
  return index
}

export const deploymentKey = (repository: string, workflow: string): string =>
  `${repository.toLowerCase()} ${workflow.toLowerCase()}`

const keyProblem = (issue: z.core.$ZodIssue): string[] => {
  const path = issue.path.map(String).join('.')
  if (issue.code !== 'unrecognized_keys') return [`${path === '' ? 'the catalog' : path}: ${issue.message}`]
  const known = [
    ...Object.keys(catalogSchema.shape),
    ...Object.keys(service.shape),
    ...Object.keys(deployment.shape),
    ...Object.keys(maintenanceEntry.shape),
  ]
  return issue.keys.map((key) => {
    const meant = nearest(key, known)
    return `unknown key ${[path, key].filter((part) => part !== '').join('.')}${meant === null ? '' : `: did you mean ${meant}?`}`
  })
}

/** `file` null: no catalog. Throws ConfigurationError with every problem. */
export function readCatalog(file: string | null): Catalog {
  if (file === null) return EMPTY_CATALOG
  const problems: string[] = []
  const raw = readYaml(file, problems)
  if (problems.length > 0) throw new ConfigurationError(file, problems)
  const parsed = catalogSchema.safeParse(raw ?? {})
  if (!parsed.success) throw new ConfigurationError(file, parsed.error.issues.flatMap(keyProblem))

  const { services, deployments, maintenance, default_environment } = parsed.data
  const catalog: Catalog = {
    services: new Map(
      Object.entries(services).map(([name, { team, time_zone }]) => [name, { name, team, timeZone: time_zone }]),
    ),
    defaultEnvironment: default_environment,
    names: indexNames(services, problems),
    repositories: indexRepositories(services, problems),
    deployments: new Map(deployments.map((d) => [deploymentKey(d.repository, d.workflow), d.environment])),
    maintenance: maintenanceWindows(maintenance, new Set(Object.keys(services)), problems),
  }
  for (const { name, timeZone } of catalog.services.values()) {
    if (timeZone !== null && !isTimeZone(timeZone))
      problems.push(`services: ${name} has an unknown time zone ${timeZone}`)
  }
  // The same pair is met once for each kind of name.
  if (problems.length > 0) throw new ConfigurationError(file, [...new Set(problems)])
  return catalog
}
