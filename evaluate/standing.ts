/**
 * How the answers of a replay stand beside plain predictors on the same rows: the smoothed base rate of the service, and a peer where
 * one answered. Figures and their 95 % intervals are those of the scorecard; a gain is paired, row by row.
 */
import { BASE_RATE_VERSION } from '../consumers/models/predict.ts'
import { noCounts, ScoreCounter } from '../schemas/scores/counts.ts'
import { scorecardOf } from '../schemas/scores/scorecard.ts'
import type { Figure } from '../schemas/scores/scorecard.ts'
import type { LedgerEntry } from '../schemas/generated/events.ts'
import type { CiOutcome } from './ciRun.ts'

export interface Standing {
  /** `peer`: its probability of success. */
  asked(runId: string, project: string, headline: LedgerEntry, peer: number | null): void
  outcome(runId: string, outcome: CiOutcome): void
  markdown(): string
}

/** Of a project that the history does not have, so many runs are looked at by themselves. */
const FIRST_RUNS = 50

interface Answered {
  readonly groups: readonly string[]
  readonly headline: LedgerEntry
  readonly peer: number | null
}
/** The peer's counts have its answer in the place of the base rate, so that gains are against it. */
interface Counters {
  readonly besideBaseRate: ScoreCounter
  readonly besidePeer: ScoreCounter
}

export function createStanding(known: ReadonlySet<string>): Standing {
  const waiting = new Map<string, Answered>()
  const asks = new Map<string, number>()
  const counters = new Map<string, Counters>()
  const countersOf = (group: string): Counters => {
    const found = counters.get(group) ?? { besideBaseRate: new ScoreCounter(), besidePeer: new ScoreCounter() }
    counters.set(group, found)
    return found
  }
  const groupsOf = (project: string): readonly string[] => {
    const nth = (asks.get(project) ?? 0) + 1
    asks.set(project, nth)
    return known.has(project) || nth > FIRST_RUNS
      ? ['All runs']
      : ['All runs', `The first ${FIRST_RUNS} runs of ${project}, which the history does not have`]
  }
  return {
    asked: (runId, project, headline, peer) => {
      waiting.set(runId, { groups: groupsOf(project), headline, peer })
    },
    outcome: (runId, { success, durationS }) => {
      const answered = waiting.get(runId)
      if (answered === undefined) return
      waiting.delete(runId)
      const { groups, headline, peer } = answered
      const score = {
        pSuccess: headline.pSuccess,
        baseRate: headline.baseRate,
        success: success ? 1 : 0,
        isConfident: headline.answerClass === 'confident',
        byModel: headline.modelVersion !== BASE_RATE_VERSION,
        durationP10: headline.durationP10 ?? NaN,
        durationP50: headline.durationP50 ?? NaN,
        durationP90: headline.durationP90 ?? NaN,
        durationS: durationS ?? NaN,
      }
      for (const { besideBaseRate, besidePeer } of groups.map(countersOf)) {
        besideBaseRate.add(score)
        if (peer !== null) besidePeer.add({ ...score, baseRate: peer })
      }
    },
    markdown: () => [...counters].map(([group, found]) => sectionOf(group, found)).join('\n'),
  }
}

function sectionOf(group: string, { besideBaseRate, besidePeer }: Counters): string {
  const [counts, peers] = [besideBaseRate.counts(), besidePeer.counts()]
  const { outcomes, failures } = counts
  const beside = scorecardOf(peers.outcomes === outcomes ? peers : noCounts()).scores
  const withPeer = beside.length > 0
  const cells = scorecardOf(counts).scores.map((figure) => {
    const peer = beside.find(({ score }) => score === figure.score)
    const own = [figure.score, textOf(figure), numberOf(figure.baseRate)]
    if (!withPeer) return own
    // A gain is itself a comparison: here of the answer over the peer's.
    return [...own, figure.score.endsWith('_gain') ? textOf(peer) : numberOf(peer?.baseRate ?? null)]
  })
  const head = ['', 'ours (95 % interval)', 'base rate', ...(withPeer ? ['boosted trees (YDF); gains: over them'] : [])]
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |\n`
  return [
    `${group}: ${outcomes}, of which ${failures} failed\n\n`,
    line(head),
    line(head.map(() => '---')),
    ...cells.map(line),
  ].join('')
}

const numberOf = (value: number | null): string => (value === null ? '–' : value.toFixed(4))
const textOf = (figure: Figure | undefined): string => {
  if (figure === undefined || figure.value === null) return '–'
  const { value, low, high } = figure
  return numberOf(value) + (low === null || high === null ? '' : ` (${numberOf(low)} to ${numberOf(high)})`)
}
