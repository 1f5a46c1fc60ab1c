import type { QueryOutput } from '../queries/queries.ts'

type Scorecard = QueryOutput<'get_scorecard'>

const DAY_MS = 86_400_000

/** What flagging would have done, in one sentence. */
export function scorecardSentence(card: Scorecard): string {
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
