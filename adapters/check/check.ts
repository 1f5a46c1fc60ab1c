/** One check from the question to the exit code: asks, decides, posts what was decided. */
import { appendFileSync } from 'node:fs'
import { UNSEEN } from '../../runtime/text/unseen.ts'
import { NoAnswer, Refused, type AdapterDoor } from './adapterDoor.ts'
import { githubTarget, NotPosted, postCheckRun } from './githubCheckRun.ts'
import type { Put } from './question.ts'
import { markdownOf, type Report } from './report.ts'
import { EXIT, verdictOn, verdictWithout, type Choice, type Gate, type Scorecard } from './verdict.ts'

export interface Posting {
  /** File that gets the Markdown, null: none. */
  readonly summaryFile: string | null
  /** Name of the check run, null: none. */
  readonly checkName: string | null
  readonly onPostFailed: Choice
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface Checked extends Report {
  readonly exitCode: number
  /** Address of the check run that was made. */
  readonly checkRunUrl: string | null
}

/** Throws Refused. */
export async function check(
  door: Pick<AdapterDoor, 'ask'>,
  { question, warnings }: Put,
  gate: Gate,
  posting: Posting,
): Promise<Checked> {
  const report = { question, ...(await decided(door, question, gate, warnings)) }
  const { failures, checkRunUrl } = await post(report, posting)
  const { exitCode } = report.verdict
  return {
    ...report,
    warnings: [...report.warnings, ...failures],
    exitCode: exitCode === 0 && failures.length > 0 && posting.onPostFailed === 'fail' ? EXIT.notPosted : exitCode,
    checkRunUrl,
  }
}

async function decided(
  door: Pick<AdapterDoor, 'ask'>,
  question: Put['question'],
  gate: Gate,
  warnings: readonly string[],
): Promise<Omit<Report, 'question'>> {
  try {
    const prediction = await door.ask('predict_deployment', question)
    const verdict = verdictOn(prediction, gate)
    const scorecard = await scorecardOf(door, question.subject)
    const told = verdict.verdict === 'no_evidence' ? ['not enough evidence: the risk was not judged'] : []
    return { verdict, prediction, scorecard, warnings: [...warnings, ...told] }
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    const told = [...warnings, `no answer: ${error.message}`]
    return { verdict: verdictWithout(gate), prediction: null, scorecard: null, warnings: told }
  }
}

/** What the answers of the model were worth so far stands beside the verdict and never decides. */
async function scorecardOf(door: Pick<AdapterDoor, 'ask'>, subject: string): Promise<Scorecard | null> {
  try {
    return await door.ask('get_scorecard', { subject, source: 'live' })
  } catch (error) {
    if (error instanceof NoAnswer || error instanceof Refused) return null
    throw error
  }
}

async function post(
  report: Report,
  { summaryFile, checkName, env }: Posting,
): Promise<{ readonly failures: readonly string[]; readonly checkRunUrl: string | null }> {
  const failures: string[] = []
  const summary = markdownOf(report)
  if (summaryFile !== null) {
    try {
      appendFileSync(summaryFile, `${summary}\n`)
    } catch (error) {
      failures.push(`the job summary could not be written: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  if (checkName === null) return { failures, checkRunUrl: null }
  try {
    const { sha } = report.question
    if (sha === undefined) throw new NotPosted('no commit is known: --sha names one')
    const checkRunUrl = await postCheckRun(githubTarget(env), {
      name: checkName,
      sha,
      verdict: report.verdict,
      summary,
    })
    return { failures, checkRunUrl }
  } catch (error) {
    if (!(error instanceof NotPosted)) throw error
    failures.push(`the check run could not be posted: ${error.message}`)
    return { failures, checkRunUrl: null }
  }
}

const escaped = (text: string): string =>
  text
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')

/** For programs. Without the name of the person who asks; the values are whole, and what is not seen in them is escaped. */
export function jsonOf({ verdict, question, prediction, scorecard, warnings, exitCode, checkRunUrl }: Checked): string {
  const told = {
    verdict: verdict.verdict,
    exitCode,
    pFailure: verdict.pFailure,
    sentence: verdict.sentence,
    warnings,
    checkRunUrl,
    question: { ...question, actor: undefined },
    prediction,
    scorecard,
  }
  // GitHub's runner takes commands from logs after these signs.
  return JSON.stringify(told, null, 2)
    .replaceAll('##[', '##\\u005b')
    .replace(UNSEEN, (unseen) => (unseen === '\n' ? unseen : escaped(unseen)))
}
