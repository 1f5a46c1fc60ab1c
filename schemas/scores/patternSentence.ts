import type { QueryOutput } from '../queries/queries.ts'

type Pattern = QueryOutput<'find_patterns'>['patterns'][number]

/** What goes with what, in one sentence: an association, with its interval and what it rests on. */
export function patternSentence({ subject, scope, context, factor, effect, low, high, runs, status }: Pattern): string {
  const what = subject === 'ci_run' ? 'CI runs' : 'deployments'
  const where = scope === '*' ? `all ${what}` : `${what} of ${scope}`
  const points = (share: number): string => (share * 100).toFixed(1)
  const [least, most] = effect > 0 ? [low, high] : [-high, -low]
  return (
    `${where}${context === null ? '' : `, where ${context}`}: ${factor} goes with ${points(Math.abs(effect))} points ` +
    `${effect > 0 ? 'more' : 'fewer'} failures (95 %: ${points(least)} to ${points(most)}; ${runs} runs; ${status})`
  )
}
