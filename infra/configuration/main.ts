/**
 * Prints, as one JSON object, what the processes read of the settings that `npm start` reads by itself before the packages are
 * installed (infra/local/settings.mjs, `summaryOf`). Both must agree; of the token only a digest is told.
 */
import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { ConfigurationError, readConfiguration, type Configuration } from '../../runtime/configuration/configuration.ts'

const digestOf = (secret: string | null): string | null =>
  secret === null ? null : createHash('sha256').update(secret).digest('hex')

function summaryOf(configuration: Configuration): Readonly<Record<string, unknown>> {
  const { gateway, setKeys } = configuration
  const sections = ['gateway', 'consumer', 'trainer', 'server'] as const
  return {
    ...Object.fromEntries(
      sections.map((name) => [`address of ${name}`, `${configuration[name].host} ${String(configuration[name].port)}`]),
    ),
    state_folder: resolve(configuration.stateFolder),
    'whether catalog_file is set': configuration.catalogFile !== null,
    'gateway.token': digestOf(gateway.token),
    'whether kafka.brokers is set': setKeys.has('kafka.brokers'),
    'whether schema_registry.url is set': setKeys.has('schema_registry.url'),
  }
}

try {
  console.log(JSON.stringify(summaryOf(readConfiguration())))
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
