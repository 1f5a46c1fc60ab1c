/** Reads the configuration once, whole: file, then environment over it; refused whole with every problem named. */
import { existsSync, readFileSync } from 'node:fs'
import { parse as parseYaml, parseDocument } from 'yaml'
import { KEYS_TO_COME, SECRET_KEYS, configurationSchema, type Settings } from './schema.ts'
import { KEY_TREE, LEAVES, camel, nearest, snake, type KeyTree, type LeafKind } from './keys.ts'

export interface Configuration extends Settings {
  /** The file that was read, null where there was none. */
  readonly file: string | null
  /** YAML paths of the values that were set by the file or the environment. */
  readonly setKeys: ReadonlySet<string>
}

export class ConfigurationError extends Error {
  readonly retryable = false
  readonly problems: readonly string[]
  constructor(source: string, problems: readonly string[]) {
    super(`${source} is refused, ${problems.length} problem(s):\n${problems.map((p) => `  - ${p}`).join('\n')}`)
    this.name = 'ConfigurationError'
    this.problems = problems
  }
}

const DEFAULT_FILE = 'devops-mcp-server.yaml'
const DEFAULT_CATALOG_FILE = 'catalog.yaml'

type Tree = Record<string, unknown>

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Parses a YAML file into plain values; problems carry line and column. */
export function readYaml(file: string, problems: string[]): unknown {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    problems.push(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`)
    return null
  }
  // prettyErrors would quote the line, which may hold a secret.
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: true })
  for (const error of document.errors) {
    const before = text.slice(0, error.pos[0]).split('\n')
    problems.push(`line ${before.length}, column ${(before.at(-1) ?? '').length + 1}: ${error.message}`)
  }
  if (document.errors.length > 0) return null
  try {
    return document.toJS({ maxAliasCount: 50 }) as unknown
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error))
    return null
  }
}

function unknownKey(path: readonly string[], known: KeyTree): string {
  const name = path.at(-1) ?? ''
  const parent = path.slice(0, -1)
  const sibling = nearest(name, Object.keys(known))
  const suggestion =
    sibling === null ? (LEAVES.find((leaf) => leaf.path.at(-1) === name)?.key ?? null) : [...parent, sibling].join('.')
  return `unknown key ${path.join('.')}${suggestion === null ? '' : `: did you mean ${suggestion}?`}`
}

/** Copies known keys to their names in code; names the unknown ones. */
function renamed(tree: Tree, known: KeyTree, path: readonly string[], problems: string[], setKeys: Set<string>): Tree {
  const result: Tree = {}
  for (const [name, value] of Object.entries(tree)) {
    const part = Object.hasOwn(known, name) ? known[name] : undefined
    const here = [...path, name]
    if (part === undefined) problems.push(unknownKey(here, known))
    else if (typeof part === 'string') {
      setKeys.add(here.join('.'))
      result[camel(name)] = value
    } else if (isTree(value)) result[camel(name)] = renamed(value, part, here, problems, setKeys)
    else if (value !== null) problems.push(`${here.join('.')}: must be a group of keys`)
  }
  return result
}

function valueOf(text: string, kind: LeafKind): unknown {
  if (kind === 'text') return text
  if (kind === 'list') {
    return text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
  }
  try {
    return parseYaml(text) as unknown
  } catch {
    return text
  }
}

function place(tree: Tree, path: readonly string[], value: unknown): void {
  let at = tree
  for (const name of path.slice(0, -1)) {
    const next = at[camel(name)]
    if (isTree(next)) at = next
    else at = at[camel(name)] = {}
  }
  at[camel(path.at(-1) ?? '')] = value
}

/** Names that are customary elsewhere, for the same values. */
const OTHER_VARIABLES: Readonly<Record<string, string>> = {
  KAFKA_BROKERS: 'DEVOPS_KAFKA_BROKERS',
  SCHEMA_REGISTRY_URL: 'DEVOPS_SCHEMA_REGISTRY_URL',
}

function override(tree: Tree, env: NodeJS.ProcessEnv, problems: string[], setKeys: Set<string>): void {
  const leafOf = new Map(LEAVES.map((leaf) => [leaf.variable, leaf]))
  // Customary names first, so that our own win.
  const names = [...Object.keys(OTHER_VARIABLES), ...Object.keys(env).filter((name) => name.startsWith('DEVOPS_'))]
  for (const name of names) {
    const text = env[name]
    if (text === undefined || text === '' || name === 'DEVOPS_MCP_CONFIG') continue
    const leaf = leafOf.get(OTHER_VARIABLES[name] ?? name)
    if (leaf !== undefined) {
      place(tree, leaf.path, valueOf(text, leaf.kind))
      setKeys.add(leaf.key)
      continue
    }
    // A variable of somebody else may share the prefix: only what looks like a typo of ours is refused.
    const meant = nearest(
      name.slice('DEVOPS_'.length),
      [...leafOf.keys()].map((v) => v.slice('DEVOPS_'.length)),
    )
    if (meant !== null) problems.push(`unknown environment variable ${name}: did you mean DEVOPS_${meant}?`)
  }
}

function acrossKeys(settings: Settings): string[] {
  const problems: string[] = []
  const sum = Object.values(settings.memory.allocations).reduce((total, quota) => total + quota, 0)
  if (sum !== settings.server.memoryAllocation) {
    problems.push(
      `memory.allocations sum to ${sum} bytes, but server.memory_allocation is ${settings.server.memoryAllocation}: they must be equal`,
    )
  }
  const { notice, warning, critical } = settings.memory.alerts
  if (notice >= warning || warning >= critical) {
    problems.push(
      `memory.alerts: notice ${notice}, warning ${warning} and critical ${critical} must be ascending, each above the one before`,
    )
  }
  const seen = new Map<string, string>()
  for (const { name, aliases } of settings.environments) {
    for (const each of new Set([name, ...aliases].map((text) => text.toLowerCase()))) {
      const other = seen.get(each)
      if (other !== undefined) problems.push(`environments: ${each} belongs to both ${other} and ${name}`)
      seen.set(each, name)
    }
  }
  if (!settings.environments.some(({ name }) => name === 'ci')) {
    problems.push('environments: one must be named ci, where CI runs live')
  }
  return problems
}

/**
 * `env`: of this process where not given. `file` null: `$DEVOPS_MCP_CONFIG`, else ./devops-mcp-server.yaml if it exists, else the defaults alone.
 * Paths in it are relative to the working directory. Throws ConfigurationError.
 */
export function readConfiguration(options: { file?: string | null; env?: NodeJS.ProcessEnv } = {}): Configuration {
  const env = options.env ?? process.env
  // An empty variable counts as not set, like all others.
  const named = env['DEVOPS_MCP_CONFIG'] === '' ? undefined : env['DEVOPS_MCP_CONFIG']
  const file = options.file ?? named ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : null)
  const source = file ?? 'the configuration'
  const problems: string[] = []
  const setKeys = new Set<string>()
  const raw = file === null ? {} : (readYaml(file, problems) ?? {})
  if (!isTree(raw)) throw new ConfigurationError(source, ['must be a group of keys'])
  const tree = renamed(raw, KEY_TREE, [], problems, setKeys)
  override(tree, env, problems, setKeys)

  const parsed = configurationSchema.safeParse(tree)
  if (!parsed.success) {
    problems.push(...parsed.error.issues.map((i) => `${i.path.map((p) => snake(String(p))).join('.')}: ${i.message}`))
    throw new ConfigurationError(source, problems)
  }
  const settings = parsed.data
  problems.push(...acrossKeys(settings))
  if (problems.length > 0) throw new ConfigurationError(source, problems)

  const seeds =
    settings.consumer.seeds.length > 0 ? settings.consumer.seeds : [`http://127.0.0.1:${settings.consumer.port}`]
  return {
    ...settings,
    consumer: { ...settings.consumer, seeds },
    catalogFile: settings.catalogFile ?? (existsSync(DEFAULT_CATALOG_FILE) ? DEFAULT_CATALOG_FILE : null),
    file,
    setKeys,
  }
}

/** Keys that somebody set although nothing uses them yet; logged at start. */
export function unusedKeys(configuration: Configuration): readonly string[] {
  return KEYS_TO_COME.filter((key) => configuration.setKeys.has(key))
}

/** The values that were set, by YAML path, fit for a log: secrets are only said to be set. */
export function loggable(configuration: Configuration): Readonly<Record<string, unknown>> {
  const value = (path: readonly string[]): unknown =>
    path.reduce<unknown>((at, name) => (isTree(at) ? at[camel(name)] : undefined), configuration)
  return Object.fromEntries(
    LEAVES.filter(({ key }) => configuration.setKeys.has(key)).map(({ key, path }) => [
      key,
      SECRET_KEYS.includes(key) ? '(set)' : value(path),
    ]),
  )
}
