/** How right the predictions were, from the scores that the engine keeps. */
import { setImmediate } from 'node:timers/promises'
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import { ShardGone } from '../../rust-engine/ts/errors.ts'
import { SCORE_FIELDS, SCORE_WIDTH } from '../../rust-engine/ts/records.ts'
import type { QueryInput } from '../../schemas/queries/queries.ts'
import { ScoreCounter } from '../../schemas/scores/counts.ts'
import type { Score, ScoreCounts } from '../../schemas/scores/counts.ts'
import { scorecardOf } from '../../schemas/scores/scorecard.ts'
import { scoreWindow } from '../../schemas/scores/window.ts'
import type { ScoreWindow } from '../../schemas/scores/window.ts'
import { ANSWER_CLASSES } from '../ledger/score.ts'
import { listedShards, liveShards } from './askedShard.ts'
import type { Query, QueryContext } from './context.ts'
import { invalidInput, restoring } from './errors.ts'
import { freshnessOf } from './freshness.ts'
import type { Freshness } from './freshness.ts'
import { timeText } from './summaries.ts'

/** Between two turns of the event loop: some 2 ms. */
const ROWS_AT_ONCE = 1_024
const KINDS = { deployment: 'deployment_scores', ci_run: 'ci_run_scores' } as const
const CONFIDENT = ANSWER_CLASSES.indexOf('confident')

type Input = QueryInput<'count_scores'>

export const getScorecard: Query<'get_scorecard'> = async (input, context) => {
  const window = scoreWindow(input, context.now())
  const { counts, freshness } = await counted(input, window, context)
  return {
    subject: input.subject,
    source: input.source,
    from: timeText(window.from),
    to: timeText(window.to),
    ...scorecardOf(counts),
    ...freshness,
  }
}

export const countScores: Query<'count_scores'> = async (input, context) => {
  const { counts, freshness } = await counted(input, scoreWindow(input, context.now()), context)
  return { counts, ...freshness }
}

async function counted(
  input: Input,
  window: ScoreWindow,
  context: QueryContext,
): Promise<{ readonly counts: ScoreCounts; readonly freshness: Freshness }> {
  if (window.from >= window.to) throw invalidInput('from', 'is not before the end of the window')
  const views = listedShards(input.service, context)
  const counter = new ScoreCounter()
  for (const { door } of liveShards(views)) await count(door, input, window, counter)
  const history = { kinds: [KINDS[input.subject]], from: window.from }
  return { counts: counter.counts(), freshness: freshnessOf(views, context.isInTouch(), history) }
}

async function count(door: ShardDoor, input: Input, { from, to }: ScoreWindow, counter: ScoreCounter): Promise<void> {
  const numbers = new Float64Array(ROWS_AT_ONCE * SCORE_WIDTH)
  const backfilled = Number(input.source === 'backfilled')
  let cursor: string | null = null
  do {
    const read = readPart(door, input, { from, to }, cursor, numbers)
    for (let row = 0; row < read.rows; row++) {
      const fields = numbers.subarray(row * SCORE_WIDTH, (row + 1) * SCORE_WIDTH)
      if (fields[AT.backfilled] === backfilled) counter.add(scoreOf(fields))
    }
    cursor = read.cursor
    if (cursor !== null) await setImmediate()
  } while (cursor !== null)
}

function readPart(
  door: ShardDoor,
  { service, subject }: Input,
  { from, to }: ScoreWindow,
  cursor: string | null,
  out: Float64Array,
) {
  try {
    return door.scoresRead(service ?? null, subject, from, to, cursor, out)
  } catch (error) {
    // It was given away while others had their turn.
    if (error instanceof ShardGone) throw restoring(error.shard)
    throw error
  }
}

type Field = (typeof SCORE_FIELDS)[number]
const AT = Object.fromEntries(SCORE_FIELDS.map((field, at) => [field, at])) as Record<Field, number>

function scoreOf(fields: Float64Array): Score {
  const number = (field: Field): number => fields[AT[field]] ?? NaN
  return {
    pSuccess: number('pSuccess'),
    baseRate: number('baseRate'),
    success: number('success'),
    isConfident: number('answerClass') === CONFIDENT,
    byModel: number('byModel') === 1,
    durationP10: number('durationP10'),
    durationP50: number('durationP50'),
    durationP90: number('durationP90'),
    durationS: number('durationS'),
  }
}
