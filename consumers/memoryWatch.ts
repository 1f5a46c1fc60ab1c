/** Looks after the engine's memory beside other work: what the pages hold, what lies idle, how full it is. */
import type { EngineDoor } from '../rust-engine/ts/door.ts'
import type { AlertChange, MemoryAlerts } from './memoryAlert.ts'

/** Some 0.5 ms of 100: all pages of a full pool in four minutes. */
const SURVEY_MS = 100
const SURVEY_PAGES = 256
const LOOK_MS = 10_000

export interface MemoryWatchOptions {
  readonly engine: Pick<EngineDoor, 'memory' | 'survey' | 'releaseIdle'>
  readonly alerts: MemoryAlerts
  readonly onChange: (change: AlertChange) => void
  readonly onReleased: (bytes: number) => void
}

/** Returns what stops it. */
export function startMemoryWatch({ engine, alerts, onChange, onReleased }: MemoryWatchOptions): () => void {
  const look = (): void => {
    for (const change of alerts.update(engine.memory())) onChange(change)
    const bytes = engine.releaseIdle()
    if (bytes > 0) onReleased(bytes)
  }
  const timers = [
    setInterval(() => {
      engine.survey(SURVEY_PAGES)
    }, SURVEY_MS),
    setInterval(look, LOOK_MS),
  ]
  return () => {
    timers.forEach(clearInterval)
  }
}
