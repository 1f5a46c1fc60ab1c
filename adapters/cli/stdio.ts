/** MCP over standard input and output. Standard output belongs to the protocol; the log goes to standard error. */
import { randomBytes } from 'node:crypto'
import process from 'node:process'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import type { Configuration } from '../../runtime/configuration/configuration.ts'
import { onShutdown } from '../../runtime/shutdown.ts'
import { createLog } from '../../runtime/telemetry/log.ts'
import { createRegistry } from '../../runtime/telemetry/metrics.ts'
import { createMcpServerFactory } from '../mcp/server.ts'
import { observed } from '../queries/observed.ts'
import { queriesOf } from '../queries/open.ts'
import { createAdapterTelemetry } from '../telemetry.ts'
import { packageVersion } from '../version.ts'

export function serveOverStdio(configuration: Configuration): void {
  const log = createLog('adapter', configuration.logLevel, 'stderr')
  const telemetry = createAdapterTelemetry(createRegistry('adapter'), log)
  const { client } = queriesOf(configuration, telemetry)
  const factory = createMcpServerFactory({
    name: configuration.server.name,
    version: packageVersion(),
    environments: configuration.environments.map((environment) => environment.name),
    client: observed(client, 'mcp', telemetry, () => performance.now()),
    mark: () => randomBytes(6).toString('hex'),
  })
  const handle = serveStdio(factory, {
    onerror: (error) => {
      telemetry.protocolFailed(error)
    },
  })
  onShutdown(log, () => handle.close())
  // A client that goes away closes our input; nobody is left to answer.
  process.stdin.once('close', () => process.exit(0))
}
