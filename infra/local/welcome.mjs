import { join } from 'node:path'
import { pinnedNode } from './processes.mjs'

const roles = {
  broker: 'Apache Kafka',
  registry: 'schema registry',
  gateway: 'gateway (events in)',
  consumer: 'consumer (query API)',
  trainer: 'trainer',
  adapter: 'adapter (MCP)',
  demo: 'synthetic fleet',
}

/** What runs where, how to send a first event, how to connect an MCP client. */
export function welcome({ settings, repository, servers, demo }) {
  const url = Object.fromEntries(settings.listeners.map((listener) => [listener.name, listener.url]))
  const rows = Object.keys(roles).flatMap((name) => {
    const server = servers.find((one) => one.name === name)
    return server ? [[roles[name], url[name] ?? server.address ?? '', server.logPath]] : []
  })
  const guarded = settings.gatewayToken !== null
  const token = guarded ? ` -H "authorization: Bearer $DEVOPS_GATEWAY_TOKEN"` : ''
  // The token itself is not for a terminal, which others may see and logs may keep.
  const whence = guarded ? ` (first: export DEVOPS_GATEWAY_TOKEN=…, ${settings.gatewayTokenFrom})` : ''
  return `
${table([['what', 'where', 'log'], ...rows])}

Send a first event${whence}:
  curl -sS ${url.gateway}/v1/events -H 'content-type: application/json'${token} -d '${JSON.stringify(firstEvent)}'
Connect an MCP client: ${url.adapter}/mcp
  or over stdio: ${stdioCommand(settings, repository)}
${demo ? demoQuestions(settings, url.adapter) : ''}State: ${settings.state} · stop with Ctrl-C`
}

/** An MCP client starts it in a folder and an environment of its own: what this start read from there has to be said. */
export function stdioCommand(settings, repository) {
  const seeds =
    settings.consumerSeeds ??
    (settings.consumerPortFrom === 'environment'
      ? settings.listeners.find(({ name }) => name === 'consumer').url
      : null)
  return [
    ...(settings.fileExists ? [`DEVOPS_MCP_CONFIG=${quoted(settings.file)}`] : []),
    ...(seeds === null ? [] : [`DEVOPS_CONSUMER_SEEDS=${quoted(seeds)}`]),
    quoted(pinnedNode(repository)),
    quoted(join(repository, 'adapters', 'cli', 'devops-mcp-server.mjs')),
    'mcp',
  ].join(' ')
}

/** With a catalog of one's own, which does not map the fleet's metrics, they have another service. */
function demoQuestions({ catalogSet }, adapter) {
  const ask = (query, input) =>
    `  curl -sS ${adapter}/api/v1/query/${query} -H 'content-type: application/json' -d '${JSON.stringify({ service: 'production/demo-checkout', ...input })}'\n`
  return `The synthetic fleet is made up: its services begin with "demo-". Ask about it, once its history is read and learnt from (a minute or two):
${ask('predict_deployment', { branch: 'main' })}${catalogSet ? '' : ask('forecast_capacity', { metric: 'demo_disk_used_bytes' })}`
}

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

export const firstEvent = {
  type: 'deployment',
  service: 'production/shop',
  key: 'shop-1',
  phase: 'started',
  branch: 'main',
}

function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  return rows
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column])).join('  ')}`.trimEnd())
    .join('\n')
}
