/** SIGTERM or SIGINT: stop once, within a limit. */
import type { Log } from './telemetry/log.ts'

const DRAIN_MS_MAX = 15_000

/**
 * Runs `stop` at the first signal and exits: 0 when it came to its end, 1 when it failed or took longer than
 * `drainMsMax`. A second signal exits at once.
 */
export function onShutdown(log: Log, stop: () => Promise<void>, drainMsMax = DRAIN_MS_MAX): void {
  let stopping = false
  const begin = (signal: NodeJS.Signals): void => {
    if (stopping) {
      log.warn({ event: 'shutdown_forced', signal }, 'a second signal: leaving at once')
      process.exit(1)
    }
    stopping = true
    log.info({ event: 'shutdown_started', signal }, 'stopping')
    setTimeout(() => {
      log.error({ event: 'shutdown_overran', drainMsMax }, 'could not stop in time')
      process.exit(1)
    }, drainMsMax).unref()
    stop().then(
      () => {
        log.info({ event: 'shutdown_finished' }, 'stopped')
        process.exit(0)
      },
      (error: unknown) => {
        log.error({ event: 'shutdown_failed', err: error }, 'stopping failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', begin)
  process.on('SIGINT', begin)
}
