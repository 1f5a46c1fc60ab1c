import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { plainValues } from './plainYaml.mjs'

/**
 * The few settings that the start needs before anything is installed, and so before the real reader of the configuration can
 * run. What it can't read for certain it refuses; after the installation `disagreements` compares it with the real reader.
 */
export const listeners = [
  { process: 'gateway', section: 'gateway', port: 8080 },
  { process: 'consumer', section: 'consumer', port: 8081 },
  { process: 'trainer', section: 'trainer', port: 8082 },
  { process: 'adapter', section: 'server', port: 8085 },
]

const keysRead = [
  'state_folder',
  'catalog_file',
  'gateway.token',
  'kafka.brokers',
  'schema_registry.url',
  ...listeners.flatMap(({ section }) => [`${section}.host`, `${section}.port`]),
]

/** Throws PlainYamlError where the file is written in a way that this reader doesn't know. */
export function readSettings(repository, env, stateOption = null) {
  // An empty variable counts as not set, as in the processes.
  const variable = (name) => (env[name] === undefined || env[name] === '' ? null : env[name])
  const wanted = variable('DEVOPS_MCP_CONFIG')
  const file = resolve(repository, wanted ?? 'devops-mcp-server.yaml')
  const exists = existsSync(file)
  const keys = exists ? plainValues(readFileSync(file, 'utf8'), keysRead, file) : new Map()
  const setting = (key) => variable(`DEVOPS_${key.replace('.', '_').toUpperCase()}`) ?? keys.get(key) ?? null
  return {
    file,
    fileExists: exists,
    state: resolve(repository, stateOption ?? setting('state_folder') ?? '.state'),
    listeners: listeners.map(({ process: name, section, port: usual }) => {
      const port = setting(`${section}.port`) ?? String(usual)
      const host = setting(`${section}.host`) ?? '127.0.0.1'
      const url = `http://${reachable(host)}:${port}`
      return {
        name,
        section,
        variable: `DEVOPS_${section.toUpperCase()}_PORT`,
        wanted: port,
        port: Number(port),
        host,
        url,
      }
    }),
    // A consumer's address that other processes read from this environment, and not from the file.
    consumerSeeds: variable('DEVOPS_CONSUMER_SEEDS'),
    consumerPortFrom: variable('DEVOPS_CONSUMER_PORT') === null ? 'file' : 'environment',
    catalogSet: setting('catalog_file') !== null || existsSync(join(repository, 'catalog.yaml')),
    gatewayToken: setting('gateway.token'),
    gatewayTokenFrom:
      variable('DEVOPS_GATEWAY_TOKEN') === null ? `the gateway.token of ${file}` : 'as it was set for this start',
    brokers: variable('KAFKA_BROKERS') ?? setting('kafka.brokers'),
    registryUrl: variable('SCHEMA_REGISTRY_URL') ?? setting('schema_registry.url'),
  }
}

/** What infra/configuration/main.ts prints, as these settings say it. Of the token it tells only whether it is the same. */
export function summaryOf(settings) {
  return {
    ...Object.fromEntries(
      settings.listeners.map(({ section, host, port }) => [`address of ${section}`, `${host} ${port}`]),
    ),
    state_folder: settings.state,
    'whether catalog_file is set': settings.catalogSet,
    'gateway.token': digestOf(settings.gatewayToken),
    'whether kafka.brokers is set': settings.brokers !== null,
    'whether schema_registry.url is set': settings.registryUrl !== null,
  }
}

const digestOf = (secret) => (secret === null ? null : createHash('sha256').update(secret).digest('hex'))

/** The names of what the processes will read otherwise than this reader did; none: both agree. */
export function disagreements(settings, real) {
  return Object.entries(summaryOf(settings)).flatMap(([name, value]) => (real[name] === value ? [] : [name]))
}

const anyAddress = new Set(['0.0.0.0', '::', '*'])
const reachable = (host) => (anyAddress.has(host) ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host)
