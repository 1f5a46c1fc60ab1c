/** A scorecard in sentences and lines of text, for agents and people. */
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { scorecardSentence } from '../../schemas/scores/sentence.ts'

export type Scorecard = QueryOutput<'get_scorecard'>
type Figure = Scorecard['scores'][number]

export function scorecardLines(card: Scorecard): string[] {
  return [
    scorecardSentence(card),
    ...card.scores.map((figure) => `${figure.score} ${valueText(figure)}${besideText(figure)}`),
  ]
}

/** A figure with its interval. */
export function valueText({ value, low, high }: Figure): string {
  const interval = low === null || high === null ? '' : ` (${round(low)} to ${round(high)})`
  return `${value === null ? 'unknown' : round(value)}${interval}`
}

const besideText = ({ baseRate }: Figure): string => (baseRate === null ? '' : `, base rate ${round(baseRate)}`)

export const round = (value: number): string => String(Number(value.toPrecision(3)))
