import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/**
 * The few settings that the start needs before anything is installed, and so before the real reader of the configuration
 * can run. It knows plain `section:` / `  key: value` lines; the processes read the file again, whole and strictly.
 */
export const listeners = [
  { process: 'gateway', section: 'gateway', port: 8080 },
  { process: 'consumer', section: 'consumer', port: 8081 },
  { process: 'trainer', section: 'trainer', port: 8082 },
  { process: 'adapter', section: 'server', port: 8085 },
]

export function readSettings(repository, env, stateOption = null) {
  const file = env.DEVOPS_MCP_CONFIG
    ? resolve(repository, env.DEVOPS_MCP_CONFIG)
    : join(repository, 'devops-mcp-server.yaml')
  const keys = existsSync(file) ? plainKeys(readFileSync(file, 'utf8')) : new Map()
  const state = stateOption ?? env.DEVOPS_STATE_FOLDER ?? keys.get('state_folder') ?? '.state'
  return {
    file,
    state: resolve(repository, state),
    listeners: listeners.map(({ process: name, section, port }) => {
      const variable = `DEVOPS_${section.toUpperCase()}_PORT`
      const wanted = env[variable] ?? keys.get(`${section}.port`) ?? String(port)
      const host = env[`DEVOPS_${section.toUpperCase()}_HOST`] ?? keys.get(`${section}.host`) ?? '127.0.0.1'
      return { name, variable, wanted, port: Number(wanted), host, url: `http://${reachable(host)}:${wanted}` }
    }),
    catalogSet:
      [env.DEVOPS_CATALOG_FILE, keys.get('catalog_file')].some(Boolean) || existsSync(join(repository, 'catalog.yaml')),
    gatewayToken: env.DEVOPS_GATEWAY_TOKEN ?? keys.get('gateway.token') ?? null,
    brokers: env.KAFKA_BROKERS ?? env.DEVOPS_KAFKA_BROKERS ?? keys.get('kafka.brokers') ?? null,
    registryUrl: env.SCHEMA_REGISTRY_URL ?? env.DEVOPS_SCHEMA_REGISTRY_URL ?? keys.get('schema_registry.url') ?? null,
  }
}

/** `section.key` → value of the lines of a simple YAML file; a list counts as set, with its items joined by commas. */
export function plainKeys(text) {
  const keys = new Map()
  let section = null
  let list = null
  for (const raw of text.split('\n')) {
    const line = raw.replace(/(^|\s)#.*$/, '').trimEnd()
    const item = /^\s+-\s*(.+)$/.exec(line)
    if (item && list !== null) {
      keys.set(list, [keys.get(list), unquoted(item[1])].filter(Boolean).join(','))
      continue
    }
    const match = /^(\s*)([a-z_]+):\s*(.*)$/.exec(line)
    if (!match) continue
    const [, indent, key, value] = match
    if (indent === '') section = key
    const path = indent === '' ? key : `${section}.${key}`
    list = value === '' ? path : null
    if (value !== '') keys.set(path, unquoted(value))
  }
  return keys
}

const unquoted = (value) =>
  value
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/["']/g, '')
    .trim()

const anyAddress = new Set(['0.0.0.0', '::', '*'])
const reachable = (host) => (anyAddress.has(host) ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host)
