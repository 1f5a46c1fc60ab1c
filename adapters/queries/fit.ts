/** Makes an answer small enough, and says so in the answer's own words (truncated, incompleteReason). */
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { AnswerTooLarge } from './errors.ts'

export function bytesOf(answer: object): number {
  return Buffer.byteLength(JSON.stringify(answer))
}

type Metrics = QueryOutput<'query_metrics'>

/** Keeps the newest points of each series; with hardly any points left, fewer series. */
export function fitMetrics(answer: Metrics, bytesMax: number): Metrics {
  let fitted = answer
  while (bytesOf(fitted) > bytesMax && fitted.series.length > 0) {
    const longest = Math.max(...fitted.series.map((series) => series.points.length))
    fitted = longest > POINTS_WORTH_KEEPING ? halvePoints(fitted, Math.floor(longest / 2)) : dropLastSeries(fitted)
  }
  return fitted
}

const POINTS_WORTH_KEEPING = 20

function halvePoints(answer: Metrics, pointsMax: number): Metrics {
  const series = answer.series.map((one) =>
    one.points.length <= pointsMax ? one : { ...one, points: one.points.slice(-pointsMax), truncated: true },
  )
  return { ...answer, series }
}

function dropLastSeries(answer: Metrics): Metrics {
  return { ...answer, series: answer.series.slice(0, -1), truncated: true }
}

type Incident = QueryOutput<'get_incident'>

/** Shortens what monitoring wrote, longest texts first. */
export function fitIncident(answer: Incident, bytesMax: number): Incident {
  let fitted = answer
  for (let charsMax = 16_384; bytesOf(fitted) > bytesMax && charsMax >= 64; charsMax /= 2) {
    fitted = { ...answer, incident: shortenIncident(answer.incident, charsMax) }
  }
  return fitted
}

function shortenIncident(incident: Incident['incident'], charsMax: number): Incident['incident'] {
  const { summary, description, labels, annotations } = incident
  return {
    ...incident,
    summary: shorten(summary, charsMax),
    description: shorten(description, charsMax),
    labels: shortenValues(labels, charsMax),
    annotations: shortenValues(annotations, charsMax),
  }
}

function shortenValues(texts: Readonly<Record<string, string>>, charsMax: number): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, shorten(text, charsMax)]))
}

function shorten(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text
  return `${text.slice(0, charsMax)} [${text.length - charsMax} more characters]`
}

/** For answers whose size the contract already bounds. */
export function assertFits<Answer extends object>(answer: Answer, bytesMax: number): Answer {
  if (bytesOf(answer) > bytesMax) throw new AnswerTooLarge(bytesMax)
  return answer
}
