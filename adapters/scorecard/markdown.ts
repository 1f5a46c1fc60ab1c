/** A report on the predictions as Markdown. Pure. */
import type { Gathered, Part } from './gather.ts'
import { scorecardSentence } from '../../schemas/scores/sentence.ts'
import { round, valueText } from './lines.ts'
import type { Scorecard } from './lines.ts'

const BAR = 20
/** What the names of figures mean. */
const MEANINGS: Readonly<Record<string, string>> = {
  accuracy: 'the likelier outcome came',
  log_loss: 'mean log loss, natural logarithm; less is better',
  brier: 'mean squared error of the probability; less is better',
  log_loss_gain: 'log loss of the base rate less ours, in pairs; above 0 is better',
  brier_gain: 'the same of the squared error',
  auc: 'pairs of a failure and a success ranked the right way round',
  ece: 'calibration error over ten groups',
  ece_by_chance: 'what right probabilities would show by chance',
  confident_coverage: 'answers of class confident',
  confident_accuracy: 'of these the likelier outcome came',
  precision: 'of what p_failure ≥ 0.5 flags, failed',
  recall: 'of what failed, flagged',
  capture_5: 'failures among the riskiest 5 %',
  capture_10: 'failures among the riskiest 10 %',
  capture_50: 'failures among the riskiest half',
  duration_mdape: 'median error of the duration, as a share of it',
  duration_coverage: 'durations between p10 and p90; 0.8 is right',
  duration_width: 'median of (p90 − p10) / p50',
}

/** `plot`: path of the reliability diagram, null where it is not drawn. */
export function markdownOf(gathered: Gathered, plot: string | null): string {
  const { whole } = gathered
  const parts = [
    '# Scorecard',
    scorecardSentence(whole),
    ...(whole.complete ? [] : [`**Not complete:** ${cell(whole.incompleteReason ?? 'no reason given')}`]),
    ...(whole.outcomes === 0 ? [] : wholeParts(whole, plot)),
    ...section('By service', 'service', gathered.services),
    ...(gathered.servicesCut ? ['There are more services than were asked about.'] : []),
    ...section('By month', 'month', gathered.months),
    '## Models',
    modelText(gathered),
  ]
  return `${parts.join('\n\n')}\n`
}

function wholeParts(card: Scorecard, plot: string | null): string[] {
  return [
    table(
      ['figure', 'value (95 % interval)', 'base rate', 'what it is'],
      card.scores.map((figure) => [
        figure.score,
        valueText(figure),
        figure.baseRate === null ? '' : round(figure.baseRate),
        MEANINGS[figure.score] ?? '',
      ]),
    ),
    '## What flagging would have done',
    table(
      ['rule', 'flagged', 'failures among them', 'false alarms'],
      card.flagging.map((rule) => [rule.rule, ...[rule.flagged, rule.caught, rule.falseAlarms].map(round)]),
    ),
    '## Reliability',
    ...(plot === null ? [] : [`![Reliability diagram](${plot})`]),
    table(
      ['foretold', 'came true (95 % interval)', 'outcomes', ''],
      card.calibration.map(({ foretold, observed, low, high, rows }) => [
        round(foretold),
        `${round(observed)} (${round(low)} to ${round(high)})`,
        String(rows),
        `\`${bar(observed, foretold)}\``,
      ]),
    ),
  ]
}

/** The share that came true, and a mark where it was foretold. */
function bar(observed: number, foretold: number): string {
  const filled = Math.round(observed * BAR)
  const mark = Math.min(Math.round(foretold * BAR), BAR - 1)
  return Array.from({ length: BAR }, (_, i) => (i === mark ? '┃' : i < filled ? '█' : '·')).join('')
}

function section(title: string, what: string, parts: readonly Part[]): string[] {
  if (parts.length === 0) return []
  const rows = parts.map(({ name, card }) => {
    const brier = card.scores.find(({ score }) => score === 'brier')
    const [rule] = card.flagging
    return [
      cell(name),
      String(card.outcomes),
      String(card.failures),
      String(rule?.caught ?? 0),
      String(rule?.falseAlarms ?? 0),
      brier === undefined ? '' : valueText(brier),
      brier?.baseRate === null || brier === undefined ? '' : round(brier.baseRate),
    ]
  })
  const header = [what, 'outcomes', 'failures', 'flagged of them', 'false alarms', 'Brier score', 'of the base rate']
  return [`## ${title}`, table(header, rows)]
}

function modelText({ whole, models }: Gathered): string {
  const answered = `${whole.byModel} of ${whole.outcomes} outcomes were foretold by a model, the rest by the base rate.`
  if (models.length === 0) return `${answered} No model is live.`
  const rows = models.map(({ stage, version, since }) => [stage, cell(version.slice(0, 16)), since])
  return `${answered}\n\n${table(['stage', 'version', 'since'], rows)}`
}

const table = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')

/** Names come from outside: in a cell they make no other cell and no markup. */
const cell = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, ' ').replace(/[\\`*_{}[\]<>|!#]/g, '\\$&')
