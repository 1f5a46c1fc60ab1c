/** A scorecard in sentences and lines of text, for agents and people. */
import type { QueryOutput } from '../../schemas/queries/queries.ts'

export type Scorecard = QueryOutput<'get_scorecard'>
type Figure = Scorecard['scores'][number]

const DAY_MS = 86_400_000

export function scorecardLines(card: Scorecard): string[] {
  return [headline(card), ...card.scores.map((figure) => `${figure.score} ${valueText(figure)}${besideText(figure)}`)]
}

/** What flagging would have done, in one sentence. */
export function headline(card: Scorecard): string {
  const { outcomes, failures, censored, flagging, source, subject } = card
  const days = Math.round((Date.parse(card.to) - Date.parse(card.from)) / DAY_MS)
  const window = `In the ${days} days to ${card.to}`
  const what = subject === 'ci_run' ? 'CI runs' : 'deployments'
  const [rule] = flagging
  if (outcomes === 0 || rule === undefined) {
    return `${window} no ${source} prediction of ${what} was scored (${censored} ended without an outcome).`
  }
  return (
    `${window} we would have flagged ${rule.caught} of ${failures} failures of ${what}, with ${rule.falseAlarms} false ${rule.falseAlarms === 1 ? 'alarm' : 'alarms'} ` +
    `(${outcomes} outcomes, ${card.byModel} of them answered by a model, the rest by the base rate).`
  )
}

/** A figure with its interval. */
export function valueText({ value, low, high }: Figure): string {
  const interval = low === null || high === null ? '' : ` (${round(low)} to ${round(high)})`
  return `${value === null ? 'unknown' : round(value)}${interval}`
}

const besideText = ({ baseRate }: Figure): string => (baseRate === null ? '' : `, base rate ${round(baseRate)}`)

export const round = (value: number): string => String(Number(value.toPrecision(3)))
