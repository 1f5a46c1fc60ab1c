/** The log: one JSON line for each named telemetry event, on standard output unless said otherwise. */
import { destination, pino, stdTimeFunctions, type Logger } from 'pino'

export type Log = Logger

/** Should one of these reach a log by mistake, it is left out. */
const NEVER_LOGGED = ['token', 'secret', 'password', 'authorization', 'githubWebhookSecret', 'githubToken'].flatMap(
  (name) => [name, `*.${name}`, `*.*.${name}`],
)

/**
 * `process`: gateway, consumer, trainer or adapter. `level`: of the configuration. A process that speaks a protocol on
 * standard output (MCP over stdio) logs to standard error.
 */
export function createLog(process: string, level: string, stream: 'stdout' | 'stderr' = 'stdout'): Log {
  return pino(
    {
      level,
      base: { process },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: NEVER_LOGGED, censor: '(secret)' },
    },
    // Synchronous, so that the last lines before an exit are written.
    destination({ fd: stream === 'stdout' ? 1 : 2, sync: true }),
  )
}
