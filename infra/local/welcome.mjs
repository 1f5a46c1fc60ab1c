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
  const stdio = `${pinnedNode(repository)} ${join(repository, 'adapters', 'cli', 'devops-mcp-server.mjs')} mcp`
  return `
${table([['what', 'where', 'log'], ...rows])}

Send a first event${whence}:
  curl -sS ${url.gateway}/v1/events -H 'content-type: application/json'${token} -d '${JSON.stringify(firstEvent)}'
Connect an MCP client: ${url.adapter}/mcp
  or over stdio: ${stdio}
${demo ? 'The synthetic fleet is made up: its services begin with "demo-".\n' : ''}State: ${settings.state} · stop with Ctrl-C`
}

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
