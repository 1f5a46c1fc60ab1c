/** The adapter process: MCP and the queries over HTTP. It keeps nothing; everything is asked of the consumers. */
import { randomBytes } from 'node:crypto'
import process from 'node:process'
import { ConfigurationError, readConfiguration, unusedKeys } from '../runtime/configuration/configuration.ts'
import { createHttpServer, listen } from '../runtime/http/server.ts'
import { onShutdown } from '../runtime/shutdown.ts'
import { createLog } from '../runtime/telemetry/log.ts'
import { createRegistry, exportTargets } from '../runtime/telemetry/metrics.ts'
import { mountQueries } from './http/queryRoutes.ts'
import { mountMcp } from './mcp/endpoint.ts'
import { createMcpServerFactory } from './mcp/server.ts'
import { observed } from './queries/observed.ts'
import { queriesOf } from './queries/open.ts'
import { watchOwners } from './readiness.ts'
import { createAdapterTelemetry } from './telemetry.ts'
import { packageVersion } from './version.ts'

const BODY_BYTES_MAX = 256 * 1024
const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

export async function startAdapter(env: NodeJS.ProcessEnv): Promise<void> {
  const configuration = readConfiguration({ file: null, env })
  const { name, host, port } = configuration.server
  const log = createLog('adapter', configuration.logLevel)
  const registry = createRegistry('adapter')
  exportTargets(registry, configuration.performance.targets)
  const telemetry = createAdapterTelemetry(registry, log)
  const { client, directory } = queriesOf(configuration, telemetry)
  const now = (): number => performance.now()
  const owners = watchOwners(directory, now)

  const server = createHttpServer({
    process: 'adapter',
    host,
    port,
    registry,
    log,
    ready: () => owners.ready(),
    bodyBytesMax: BODY_BYTES_MAX,
  })
  const mcp = mountMcp(server, {
    factory: createMcpServerFactory({
      name,
      version: packageVersion(),
      environments: configuration.environments.map((environment) => environment.name),
      client: observed(client, 'mcp', telemetry, now),
      mark: () => randomBytes(6).toString('hex'),
    }),
    allowedHosts: WILDCARDS.has(host) ? [] : [host],
    bodyBytesMax: BODY_BYTES_MAX,
    onError: (error) => {
      telemetry.protocolFailed(error)
    },
  })
  mountQueries(server, observed(client, 'http', telemetry, now))

  const address = await listen(server, host, port)
  log.info({ event: 'adapter_started', address, mcp: `${address}/mcp`, unused: unusedKeys(configuration) }, 'listening')
  onShutdown(log, async () => {
    owners.stop()
    await mcp.close()
    await server.close()
  })
}

if (import.meta.main) {
  try {
    await startAdapter(process.env)
  } catch (error) {
    const expected = error instanceof ConfigurationError || (error instanceof Error && error.name === 'PortTaken')
    process.stderr.write(
      `${expected ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    )
    process.exit(1)
  }
}
