/** A query client that counts and times what comes through one door. */
import type { AdapterTelemetry, Door } from '../telemetry.ts'
import type { QueryClient } from './client.ts'
import { QueryFailure } from './errors.ts'
import { bytesOf } from './fit.ts'

export function observed(client: QueryClient, door: Door, telemetry: AdapterTelemetry, now: () => number): QueryClient {
  return {
    async ask(name, input, signal) {
      const startedAt = now()
      const seconds = (): number => (now() - startedAt) / 1000
      try {
        const answer = await client.ask(name, input, signal)
        telemetry.questionAnswered(door, name, answer.complete ? 'ok' : 'incomplete', seconds(), bytesOf(answer))
        return answer
      } catch (error) {
        if (error instanceof QueryFailure) telemetry.questionFailed(door, name, error.code, error.message, seconds())
        else telemetry.questionBroke(door, name, error, seconds())
        throw error
      }
    },
  }
}
