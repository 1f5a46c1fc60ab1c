/** The short text beside an answer's structured content: our own figures first, then what came from outside, fenced. */
import type { QueryName, QueryOutput } from '../../schemas/queries/queries.ts'
import { clean, fence } from './fence.ts'

export interface AnswerText {
  /** Made of numbers, closed words and times only. */
  readonly own: readonly string[]
  readonly outside: { readonly provenance: string; readonly lines: readonly string[] } | null
}

type Texts = { readonly [Name in QueryName]: (answer: QueryOutput<Name>) => AnswerText }
type Deployment = QueryOutput<'list_deployments'>['items'][number]
type Incident = QueryOutput<'list_incidents'>['items'][number]

const ROWS_MAX = 25
const SOURCES = 'names and labels as CI, deployment and monitoring systems sent them'

export function answerText<Name extends QueryName>(name: Name, answer: QueryOutput<Name>, mark: string): string {
  const render = TEXTS[name] as (answer: QueryOutput<Name>) => AnswerText
  const { own, outside } = render(answer)
  const parts = [...own]
  if (!answer.complete)
    parts.push(`This answer is not complete: ${clean(answer.incompleteReason ?? 'no reason given')}`)
  if (outside !== null && outside.lines.length > 0) parts.push(fence(outside.provenance, outside.lines, mark))
  return parts.join('\n')
}

const TEXTS: Texts = {
  predict_deployment: (answer) => {
    const { evidence, durationSeconds } = answer
    const own = [
      `Success probability ${percent(answer.pSuccess)}, risk ${answer.riskLevel}, answer class ${answer.answerClass}.`,
      `Evidence: ${round(evidence.effectiveSamples)} effective samples (${round(evidence.minSamples)} wanted), ` +
        `${evidence.serviceOutcomes} finished runs of this service, base rate ${percent(evidence.baseRate)} ` +
        `(95 %: ${percent(evidence.baseRateInterval.low)} to ${percent(evidence.baseRateInterval.high)}).`,
    ]
    if (durationSeconds !== null) {
      const { p10, p50, p90 } = durationSeconds
      own.push(`Duration: ${round(p50)} s (p10 ${round(p10)} s, p90 ${round(p90)} s).`)
    }
    if (evidence.missing !== null) own.push(`Missing: ${clean(evidence.missing)}`)
    const assumed = Object.entries(evidence.assumed)
    if (assumed.length > 0) own.push('Left open in the question and taken from the newest run like it:')
    return { own, outside: rows(assumed.map(([name, value]) => `${name} ${clean(String(value))}`)) }
  },
  list_deployments: (answer) => ({
    own: [counted(answer, 'deployments and CI runs')],
    outside: rows(answer.items.map(deploymentLine)),
  }),
  list_incidents: (answer) => ({
    own: [counted(answer, 'incidents')],
    outside: rows(answer.items.map(incidentLine)),
  }),
  list_services: (answer) => ({
    own: [counted(answer, 'services')],
    outside: rows(answer.items.map((item) => clean(item.service))),
  }),
  list_unmapped: (answer) => ({
    own: [counted(answer, 'names without a mapping')],
    outside: rows(answer.items.map((item) => `${clean(item.sourceName)} (now ${clean(item.service)})`)),
  }),
  get_service: (answer) => ({
    own: [
      `${answer.deployments} deployments (${outcome(answer.outcomes.deployment)}), ` +
        `${answer.ciRuns} CI runs (${outcome(answer.outcomes.ci_run)}), ${answer.series} metric series, ` +
        `${answer.openIncidents.length} open incidents. First seen ${answer.firstSeenAt}, last event ${answer.lastEventAt}.`,
    ],
    outside: rows([...answer.openIncidents.map(incidentLine), ...answer.recent.map(deploymentLine)]),
  }),
  get_incident: ({ incident, deploymentsBefore }) => ({
    own: [
      `State ${incident.state}, since ${incident.startsAt}${incident.endsAt === null ? '' : `, ended ${incident.endsAt}`}. ` +
        `${deploymentsBefore.length} deployments of the service in the hour before (an association, not a cause).`,
    ],
    outside: {
      provenance: 'title, texts and labels as monitoring sent them',
      lines: [
        incidentLine(incident),
        `summary: ${clean(incident.summary)}`,
        `description: ${clean(incident.description, 2_000)}`,
        ...pairs('label', incident.labels),
        ...pairs('annotation', incident.annotations),
        ...deploymentsBefore.map((item) => `before: ${deploymentLine(item)}`),
      ],
    },
  }),
  forecast_capacity: (answer) => ({
    own: [forecastLine(answer)],
    outside: rows([
      // Of a forecast that was made it says what stands above already.
      ...(answer.detail === null || answer.status === 'ok' ? [] : [clean(answer.detail)]),
      ...(answer.series === null ? [] : [labelText(answer.series.labels)]),
    ]),
  }),
  query_metrics: (answer) => ({
    own: [`${answer.series.length} series${answer.truncated ? ', more match' : ''}.`],
    outside: rows(
      answer.series.map(
        (series) =>
          `${clean(series.service)} ${labelText(series.labels)}: ${series.points.length} points` +
          `${series.truncated ? ' (cut)' : ''}, last ${series.points.at(-1)?.[1] ?? 'none'}`,
      ),
    ),
  }),
  get_memory: (answer) => ({
    own: [
      `${percent(answer.utilization)} of ${answer.poolBytes} bytes used.`,
      ...answer.regions.map(
        (region) =>
          `${clean(region.region)}: ${region.usedBytes} of ${region.quotaBytes} bytes, ` +
          `borrowed ${region.borrowedBytes}, lent ${region.lentBytes}, ${region.evicted} evicted`,
      ),
    ],
    outside: null,
  }),
  get_health: (answer) => ({
    own: [
      `Status ${answer.status}: ${answer.shards.filter((shard) => shard.state === 'live').length} of ` +
        `${answer.shards.length} shards live, ${answer.models.length} models.`,
      ...answer.targets.map(
        (target) =>
          `${clean(target.name)}: p99 ${target.p99Ms === null ? 'unknown' : `${round(target.p99Ms)} ms`}, target ${target.targetMs} ms`,
      ),
    ],
    outside: null,
  }),
}

function rows(lines: readonly string[]): AnswerText['outside'] {
  const shown = lines.slice(0, ROWS_MAX)
  if (lines.length > shown.length) shown.push(`(${lines.length - shown.length} more in the structured content)`)
  return { provenance: SOURCES, lines: shown }
}

function counted(
  answer: { readonly items: readonly unknown[]; readonly nextCursor: string | null },
  what: string,
): string {
  return `${answer.items.length} ${what}${answer.nextCursor === null ? '' : ', more with nextCursor'}.`
}

function deploymentLine(item: Deployment): string {
  const parts = [
    item.listedAt,
    item.subject,
    item.service,
    item.conclusion ?? item.state,
    item.name ?? '',
    item.branch ?? '',
  ]
  return clean(`${parts.filter((part) => part !== '').join(' | ')} | key ${item.key}`)
}

function incidentLine(item: Incident): string {
  const parts = [item.startsAt, item.state, item.severity ?? 'no severity', item.service, item.title]
  return clean(`${parts.join(' | ')} | key ${item.key}`)
}

function outcome(counts: { readonly finished: number; readonly failed: number; readonly streak: number }): string {
  const streak = counts.streak < 0 ? `${-counts.streak} failures in a row` : `${counts.streak} successes in a row`
  return `${counts.finished} finished, ${counts.failed} failed, ${streak}`
}

function forecastLine(answer: QueryOutput<'forecast_capacity'>): string {
  if (answer.status !== 'ok') return `No forecast: ${answer.status}.`
  const peak = answer.hours.reduce<(typeof answer.hours)[number] | null>(
    (highest, hour) => (highest === null || hour.p90 > highest.p90 ? hour : highest),
    null,
  )
  const parts = [
    `${answer.hours.length} hours ahead; highest p90 ${peak === null ? 'unknown' : `${round(peak.p90)} at ${peak.at}`}.`,
  ]
  const { mase, maseSeasonalNaive } = answer.backtest ?? { mase: null, maseSeasonalNaive: null }
  if (mase !== null) {
    const naive = maseSeasonalNaive === null ? 'unknown' : round(maseSeasonalNaive)
    parts.push(`Error on the last days (MASE): model ${round(mase)}, seasonal naive ${naive}.`)
    if (maseSeasonalNaive !== null && maseSeasonalNaive < mase)
      parts.push('Seasonal naive was the better forecast of this series: go by seasonalNaive, not by p50.')
  }
  return parts.join(' ')
}

function pairs(what: string, texts: Readonly<Record<string, string>>): string[] {
  return Object.entries(texts)
    .slice(0, ROWS_MAX)
    .map(([name, text]) => `${what} ${clean(name, 100)}: ${clean(text)}`)
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return clean(
    `{${Object.entries(labels)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
      .join(', ')}}`,
  )
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

function round(value: number): string {
  return String(Number(value.toPrecision(4)))
}
