/** What is told of a check, in lines: our own words and figures, and texts from outside, which each form of a report makes harmless. */
import { scorecardSentence } from '../../schemas/scores/sentence.ts'
import { many, percent, round } from '../figures.ts'
import { clean } from '../mcp/fence.ts'
import type { Question } from './question.ts'
import type { Prediction, Scorecard, Verdict } from './verdict.ts'
import { failureOf } from './verdict.ts'

export type Part = string | { readonly outside: string }
export type Line = readonly Part[]

export interface Report {
  readonly verdict: Verdict
  readonly question: Question
  /** Null without an answer. */
  readonly prediction: Prediction | null
  /** Of the live predictions of the subject; null where it could not be had. */
  readonly scorecard: Scorecard | null
  readonly warnings: readonly string[]
}

const FACTORS_SHOWN = 5
const SHA_CHARS = 12

export function linesOf({ question, prediction, scorecard }: Report): readonly Line[] {
  if (prediction === null) return [askedLine(question)]
  const { explanation, lowerRisk, similarCases, evidence } = prediction
  return [
    askedLine(question),
    riskLine(prediction),
    ...(explanation === null ? [] : [factorLine(explanation)]),
    ...lowerRisk.map(alternativeLine),
    ...(similarCases.length === 0 ? [] : [similarLine(similarCases)]),
    ...(evidence.missing === null ? [] : [['Missing: ', { outside: evidence.missing }, '.']]),
    ['Model ', { outside: prediction.modelVersion.slice(0, 16) }, `. ${scoreText(scorecard)}`],
    ...(prediction.complete
      ? []
      : [['The answer is not complete: ', { outside: prediction.incompleteReason ?? '' }, '.']]),
  ]
}

function askedLine({ service, subject, branch, sha, change }: Question): Line {
  const { linesAdded = null, linesDeleted = null } = change ?? {}
  const lines = linesAdded === null && linesDeleted === null ? null : (linesAdded ?? 0) + (linesDeleted ?? 0)
  return [
    subject === 'ci_run' ? 'CI run of ' : 'Deployment of ',
    { outside: service },
    ...(branch === undefined ? [] : [', branch ', { outside: branch }]),
    ...(sha === undefined ? [] : [', commit ', { outside: sha.slice(0, SHA_CHARS) }]),
    lines === null ? '.' : `, ${many(lines, 'line')} changed.`,
  ]
}

function riskLine(prediction: Prediction): Line {
  const { evidence, riskLevel, answerClass } = prediction
  const { low, high } = evidence.baseRateInterval
  return [
    `Probability of failure ${percent(failureOf(prediction))}, risk ${riskLevel}, class ${answerClass.replaceAll('_', ' ')}; ` +
      `base rate ${percent(1 - evidence.baseRate)} (95 %: ${percent(1 - high)} to ${percent(1 - low)}) ` +
      `by ${many(evidence.serviceOutcomes, 'finished run')}.`,
  ]
}

/** Answers have log odds of success; here + is the risk. */
function factorLine({ typicalPSuccess, factors }: NonNullable<Prediction['explanation']>): Line {
  const told = factors
    .slice(0, FACTORS_SHOWN)
    .flatMap(({ factor, logit }, i): Part[] => [
      i === 0 ? '' : ', ',
      { outside: factor.replaceAll('_', ' ') },
      ` ${logit > 0 ? '−' : '+'}${round(Math.abs(logit))}`,
    ])
  return [`Why, in log odds of failure beside a typical run (${percent(1 - typicalPSuccess)}): `, ...told, '.']
}

function alternativeLine({ startAt, linesMax, pSuccess, cases, successes }: Prediction['lowerRisk'][number]): Line {
  const what: Part = startAt === null ? `a change of at most ${many(linesMax ?? 0, 'line')}` : { outside: startAt }
  const past = `${cases - successes} of ${many(cases, 'similar case')} like it failed`
  const begin = `Goes with a lower risk: ${startAt === null ? '' : 'a start at '}`
  return [begin, what, `, ${percent(1 - pSuccess)} (${past}; an association).`]
}

function similarLine(cases: Prediction['similarCases']): Line {
  const failed = cases.filter(({ success }) => !success).length
  const told = cases.flatMap(({ key, success }, i): Part[] => [
    i === 0 ? '' : ', ',
    { outside: key },
    success ? ' succeeded' : ' failed',
  ])
  return [`Of the ${many(cases.length, 'most similar past run')} ${failed} failed: `, ...told, '.']
}

function scoreText(card: Scorecard | null): string {
  if (card === null) return 'Its live score could not be had.'
  const brier = card.scores.find(({ score }) => score === 'brier')
  if (brier?.value === undefined || brier.value === null) return scorecardSentence(card)
  const beside = brier.baseRate === null ? '' : `, base rate ${round(brier.baseRate)}`
  return `${scorecardSentence(card)} Brier score ${round(brier.value)}${beside}.`
}

/** For a terminal and a log. GitHub's runner takes commands from logs: at the start of a line, which is ours, and after `##[`. */
export function textOf({ verdict, ...report }: Report): string {
  const lines = linesOf({ verdict, ...report }).map((line) => line.map(plain).join(''))
  return `${[verdict.sentence, ...lines].join('\n')}\n`
}

const plain = (part: Part): string => (typeof part === 'string' ? part : logged(part.outside))

/** Text from outside on one line of a log. */
export const logged = (text: string): string => clean(text).replaceAll('##[', '## [')

/** For a job summary and a check run. */
export function markdownOf(report: Report): string {
  const lines = linesOf(report).map((line) => `- ${line.map(marked).join('')}`)
  const warnings = report.warnings.map((warning) => `- Warning: ${codeSpan(warning)}`)
  return `### ${report.verdict.sentence}\n\n${[...lines, ...warnings].join('\n')}\n`
}

const marked = (part: Part): string => (typeof part === 'string' ? part : codeSpan(part.outside))

/** In a code span nothing is markup, no link and no mention; its fence is longer than any in the text (CommonMark 6.1). */
function codeSpan(text: string): string {
  const line = clean(text)
  if (line.trim() === '') return '(none)'
  const longest = Math.max(0, ...(line.match(/`+/g) ?? []).map(({ length }) => length))
  const fence = '`'.repeat(longest + 1)
  return `${fence} ${line} ${fence}`
}
