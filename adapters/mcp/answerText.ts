/** The short text beside an answer's structured content: our own figures first, then what came from outside, fenced. */
import type { QueryName, QueryOutput } from '../../schemas/queries/queries.ts'
import { patternSentence } from '../../schemas/scores/patternSentence.ts'
import { many, percent, round } from '../figures.ts'
import { scorecardLines } from '../scorecard/lines.ts'
import { clean, fence } from './fence.ts'

export interface AnswerText {
  /** Made of numbers, closed words and times only. */
  readonly own: readonly string[]
  readonly outside: { readonly provenance: string; readonly lines: readonly string[] } | null
}

type Texts = { readonly [Name in QueryName]: (answer: QueryOutput<Name>) => AnswerText }
type Prediction = QueryOutput<'predict_deployment'>
type Deployment = QueryOutput<'list_deployments'>['items'][number]
type Incident = QueryOutput<'list_incidents'>['items'][number]

const COMPONENTS_MAX = 5
const FACTORS_MAX = 4
const ROWS_MAX = 25
const SOURCES = 'names and labels as CI, deployment and monitoring systems sent them'

export function answerText<Name extends QueryName>(name: Name, answer: QueryOutput<Name>, mark: string): string {
  const render = TEXTS[name] as (answer: QueryOutput<Name>) => AnswerText
  const { own, outside } = render(answer)
  const parts = [...own]
  if (!answer.complete)
    parts.push(`This answer is not complete: ${clean(answer.incompleteReason ?? 'no reason given')}`)
  else if (answer.completeSince !== null) parts.push(`What is older than ${answer.completeSince} was dropped in part.`)
  if (outside !== null && outside.lines.length > 0) parts.push(fence(outside.provenance, outside.lines, mark))
  return parts.join('\n')
}

const TEXTS: Texts = {
  predict_deployment: (answer) => {
    const { evidence, durationSeconds } = answer
    const own = [
      `Success probability ${percent(answer.pSuccess)}, risk ${answer.riskLevel}, answer class ${answer.answerClass}.`,
      `Evidence: ${many(evidence.effectiveSamples, 'effective sample')} (${round(evidence.minSamples)} wanted), ` +
        `${many(evidence.serviceOutcomes, 'finished run')} of this service, base rate ${percent(evidence.baseRate)} ` +
        `(95 %: ${percent(evidence.baseRateInterval.low)} to ${percent(evidence.baseRateInterval.high)}).`,
    ]
    if (durationSeconds !== null) {
      const { p10, p50, p90 } = durationSeconds
      own.push(`Duration: ${round(p50)} s (p10 ${round(p10)} s, p90 ${round(p90)} s).`)
    }
    own.push(answeredByLine(answer))
    if (answer.strategy !== null) own.push(`Strategy at this risk: ${answer.strategy.replaceAll('_', ' ')}.`)
    if (answer.explanation !== null) own.push(explanationLine(answer.explanation))
    own.push(...answer.lowerRisk.map(alternativeLine))
    const similar = answer.similarCases.filter(({ success }) => success).length
    if (answer.similarCases.length > 0)
      own.push(`Of the ${many(answer.similarCases.length, 'most similar past run')}, ${similar} succeeded.`)
    if (evidence.missing !== null) own.push(`Missing: ${clean(evidence.missing)}`)
    const assumed = Object.entries(evidence.assumed)
    if (assumed.length > 0) own.push('Left open in the question and taken from the newest run like it:')
    return { own, outside: rows(assumed.map(([name, value]) => `${name} ${clean(String(value))}`)) }
  },
  list_deployments: (answer) => ({
    own: [counted(answer, 'deployment or CI run', 'deployments and CI runs')],
    outside: rows(answer.items.map(deploymentLine)),
  }),
  list_incidents: (answer) => ({
    own: [counted(answer, 'incident')],
    outside: rows(answer.items.map(incidentLine)),
  }),
  list_services: (answer) => ({
    own: [counted(answer, 'service')],
    outside: rows(answer.items.map((item) => clean(item.service))),
  }),
  list_unmapped: (answer) => ({
    own: [counted(answer, 'name without a mapping', 'names without a mapping')],
    outside: rows(answer.items.map((item) => `${clean(item.sourceName)} (now ${clean(item.service)})`)),
  }),
  get_service: (answer) => ({
    own: [
      `${many(answer.deployments, 'deployment')} (${outcome(answer.outcomes.deployment)}), ` +
        `${many(answer.ciRuns, 'CI run')} (${outcome(answer.outcomes.ci_run)}), ${answer.series} metric series, ` +
        `${many(answer.openIncidents.length, 'open incident')}. First seen ${answer.firstSeenAt}, last event ${answer.lastEventAt}.`,
    ],
    outside: rows([...answer.openIncidents.map(incidentLine), ...answer.recent.map(deploymentLine)]),
  }),
  get_incident: ({ incident, deploymentsBefore }) => ({
    own: [
      `State ${incident.state}, since ${incident.startsAt}${incident.endsAt === null ? '' : `, ended ${incident.endsAt}`}. ` +
        `${many(deploymentsBefore.length, 'deployment')} of the service in the hour before (an association, not a cause).`,
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
      ...(answer.detail === null || answer.status === 'ok' ? [] : [clean(answer.detail, 2_000)]),
      ...(answer.series === null ? [] : [labelText(answer.series.labels)]),
    ]),
  }),
  query_metrics: (answer) => ({
    own: [`${answer.series.length} series${answer.truncated ? ', more match' : ''}.`],
    outside: rows([
      ...(answer.detail === null ? [] : [clean(answer.detail, 2_000)]),
      ...answer.series.map(
        (series) =>
          `${clean(series.service)} ${labelText(series.labels)}: ${many(series.points.length, 'point')}` +
          `${series.truncated ? ' (cut)' : ''}, last ${series.points.at(-1)?.[1] ?? 'none'}`,
      ),
    ]),
  }),
  get_scorecard: (answer) => ({ own: scorecardLines(answer), outside: null }),
  count_scores: ({ counts }) => ({ own: [`${many(counts.outcomes, 'outcome')} counted.`], outside: null }),
  list_outcomes: (answer) => ({ own: [counted(answer, 'outcome')], outside: null }),
  find_patterns: (answer) => ({
    own: [
      `${many(answer.patterns.length, 'pattern')}, ${many(answer.clusters.length, 'cluster')} of failures. ` +
        'Associations: what goes with more or fewer failures, not what causes them.',
      ...(answer.patterns.length === 0 ? ['Those that later runs have yet to confirm: status candidate.'] : []),
    ],
    outside: rows([
      ...answer.patterns.map((item) => clean(patternSentence(item))),
      ...answer.clusters.map(clusterLine),
    ]),
  }),
  best_window: (answer) => ({
    own: [
      `${many(answer.runs, 'run')}, answer class ${answer.answerClass}; hours of ${clean(answer.timeZone)}.`,
      ...answer.windows.map(windowLine),
    ],
    outside: null,
  }),
  get_memory: (answer) => ({
    own: [
      `${percent(answer.utilization)} of ${answer.poolBytes} bytes used${alertText(answer.alert)}.`,
      ...answer.regions.map(
        (region) =>
          `${clean(region.region)}: ${region.usedBytes} of ${region.quotaBytes} bytes, ` +
          `borrowed ${region.borrowedBytes}, lent ${region.lentBytes}, ${region.evicted} evicted${alertText(region.alert)}`,
      ),
      ...answer.components
        .slice(0, COMPONENTS_MAX)
        .map(
          ({ region, component, pages, liveBytes }) =>
            `${clean(component)} in ${clean(region)}: ${liveBytes} bytes live in ${many(pages, 'page')}`,
        ),
    ],
    outside: null,
  }),
  get_health: (answer) => ({
    own: [
      `Status ${answer.status}: ${answer.shards.filter((shard) => shard.state === 'live').length} of ` +
        `${answer.shards.length} shards live, ${many(answer.models.length, 'model')}${alertText(answer.memoryAlert, 'memory ')}.`,
      ...answer.targets.map(
        (target) =>
          `${clean(target.name)}: p99 ${target.p99Ms === null ? 'unknown' : `${round(target.p99Ms)} ms`}, target ${target.targetMs} ms` +
          (target.p99Ms !== null && target.p99Ms > target.targetMs ? ', missed' : ''),
      ),
    ],
    outside: null,
  }),
}

function answeredByLine({ modelVersion, liveScore }: Prediction): string {
  const by = modelVersion === 'base-rate' ? 'the smoothed base rate' : `model ${clean(modelVersion.slice(0, 12))}`
  if (liveScore === null) return `Answered by ${by}; it has no live score yet.`
  const { outcomes, accuracy, brier, logLoss, baseRate } = liveScore
  return (
    `Answered by ${by}; on its last ${many(outcomes, 'live outcome')}: accuracy ${percent(accuracy)}, Brier ${brier.toFixed(3)}, ` +
    `log loss ${logLoss.toFixed(3)} (base rate: ${percent(baseRate.accuracy)}, ${baseRate.brier.toFixed(3)}, ${baseRate.logLoss.toFixed(3)}).`
  )
}

function explanationLine({ typicalPSuccess, factors }: NonNullable<Prediction['explanation']>): string {
  const told = factors
    .slice(0, FACTORS_MAX)
    .map(
      ({ factor, logit }) => `${clean(factor).replaceAll('_', ' ')} ${logit < 0 ? '−' : '+'}${round(Math.abs(logit))}`,
    )
  return `Why: a typical run succeeds with ${percent(typicalPSuccess)}; in log odds of success: ${told.join(', ')}.`
}

function alternativeLine({ startAt, linesMax, pSuccess, cases, successes }: Prediction['lowerRisk'][number]): string {
  const what = startAt === null ? `a change of at most ${linesMax ?? 0} lines` : `a start at ${startAt}`
  return `Lower risk in similar cases: ${what}, ${percent(pSuccess)} (${successes} of ${cases} like it succeeded).`
}

const alertText = (level: string, what = ''): string => (level === 'none' ? '' : `, ${what}alert ${clean(level)}`)

function rows(lines: readonly string[]): AnswerText['outside'] {
  const shown = lines.slice(0, ROWS_MAX)
  if (lines.length > shown.length) shown.push(`(${lines.length - shown.length} more in the structured content)`)
  return { provenance: SOURCES, lines: shown }
}

function counted(
  answer: { readonly items: readonly unknown[]; readonly nextCursor: string | null },
  what: string,
  several?: string,
): string {
  return `${many(answer.items.length, what, several)}${answer.nextCursor === null ? '' : ', more with nextCursor'}.`
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

function clusterLine(item: QueryOutput<'find_patterns'>['clusters'][number]): string {
  return clean(`${item.subject} | ${many(item.runs, 'failure')} alike | ${item.common.join(', ')}`)
}

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

function windowLine(item: QueryOutput<'best_window'>['windows'][number]): string {
  const days = item.weekdays.map((day) => WEEKDAYS[day] ?? '').join(' ')
  const { expected, low, high } = item.saved
  return (
    `${item.fromHour} to ${item.toHour} h, ${days}: ${percent(item.failureShare)} fail (${many(item.runs, 'run')}), ` +
    `${percent(item.otherFailureShare)} else; would have saved ${round(expected)} failures (95 %: ${round(low)} to ${round(high)}).`
  )
}

function outcome(counts: { readonly finished: number; readonly failed: number; readonly streak: number }): string {
  const streak =
    counts.streak < 0
      ? `${many(-counts.streak, 'failure')} in a row`
      : `${many(counts.streak, 'success', 'successes')} in a row`
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
