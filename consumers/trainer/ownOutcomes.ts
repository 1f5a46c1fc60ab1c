/**
 * Finished runs for the pattern miner, over the query API of the consumers. The ledger would not do: its features are logarithms and hashed
 * names, from which no branch, workflow or file type can be told.
 */
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { SERVICE_RUNS_MIN } from '../patterns/patternSet.ts'
import type { SubjectRow } from '../patterns/patternSet.ts'
import { ask, checkReady, consumersBehind, troubleOf } from './consumersBehind.ts'
import { withResources } from './ownResources.ts'

const DAY_MS = 24 * 3_600_000
const DAYS = 180
/** A page is read on the event loop of the consumer, so many runs of each of its shards: small ones let others have their turn. */
const PAGE_RUNS = 25
/** Of each consumer, the newest. */
const RUNS_MAX = 20_000

export class OutcomesUnavailable extends Error {
  readonly retryable = true
  constructor(reason: string) {
    super(`outcomes: ${reason}`)
    this.name = 'OutcomesUnavailable'
  }
}

/** `seeds`: base URLs of consumers. Throws OutcomesUnavailable unless all that they know of answer, each with all its shards: a part would show other effects. */
export async function ownOutcomes(seeds: readonly string[], now: number): Promise<readonly SubjectRow[]> {
  const troubles: string[] = []
  const found = new Map<string, SubjectRow>()
  for (const consumer of await consumersBehind(seeds, troubles)) {
    try {
      await checkReady(consumer)
      for (const row of await withTheirResources(consumer, await outcomesOf(consumer, now), now))
        found.set(`${row.service} ${row.id}`, row)
    } catch (error) {
      troubles.push(troubleOf(consumer, error))
    }
  }
  if (troubles.length > 0) throw new OutcomesUnavailable(troubles.join('; '))
  return [...found.values()]
}

async function outcomesOf(consumer: string, now: number): Promise<readonly SubjectRow[]> {
  const rows: SubjectRow[] = []
  const window = { from: new Date(now - DAYS * DAY_MS).toISOString(), limit: PAGE_RUNS }
  let cursor: string | null = null
  do {
    const page: QueryOutput<'list_outcomes'> = await ask(consumer, 'list_outcomes', {
      ...window,
      ...(cursor === null ? {} : { cursor }),
    })
    rows.push(...page.items.map(rowOf))
    cursor = page.nextCursor
  } while (cursor !== null && rows.length < RUNS_MAX)
  return rows
}

/** Services too small to be mined are spared the question. */
async function withTheirResources(
  consumer: string,
  rows: readonly SubjectRow[],
  now: number,
): Promise<readonly SubjectRow[]> {
  const told: SubjectRow[] = []
  for (const [service, own] of Map.groupBy(rows, (row) => row.service)) {
    told.push(...(own.length < SERVICE_RUNS_MIN ? own : await withResources(consumer, service, own, now)))
  }
  return told
}

function rowOf(item: QueryOutput<'list_outcomes'>['items'][number]): SubjectRow {
  const { key, attempt, service, subject, startedAt, finishedAt, failed, end, attributes } = item
  return {
    id: `${key} ${attempt}`,
    service,
    subject,
    startedAt: Date.parse(startedAt),
    finishedAt: Date.parse(finishedAt),
    failed,
    end,
    attributes,
  }
}
