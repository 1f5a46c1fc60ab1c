import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'

/** One result of a test: { outcome: passed | failed | skipped, name, file, reason }. Reads what countingReporter wrote. */
export function readResults(path) {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

/** Takes the output of `cargo test` line by line; libtest has no machine-readable output on stable. */
export function cargoResults() {
  const results = []
  return {
    results,
    take(line) {
      const match = /^\s*test (.+?) \.\.\. (ok|FAILED|ignored)(?:, (.*))?$/.exec(line)
      if (!match) return
      const [, name, how, reason] = match
      const outcome = { ok: 'passed', FAILED: 'failed', ignored: 'skipped' }[how]
      results.push({
        outcome,
        name,
        file: 'cargo',
        reason: outcome === 'skipped' ? (reason ?? 'no reason given') : null,
      })
    },
  }
}

/**
 * The last lines of a test run and whether it holds. Every run must have passed something: a run without tests is a mistake,
 * not a success. `troubles` are steps that failed besides; with `skipsFail` a skipped test counts as one. `outOfReach` are
 * checks, `{ title, reason }`, that rest on a server which this machine can't reach or on a tool that it lacks; they are
 * named, and nothing more.
 */
export function summary(runs, troubles, skipsFail, outOfReach = []) {
  const all = runs.flatMap(({ results }) => results)
  const of = (outcome) => all.filter((result) => result.outcome === outcome)
  const lines = ['']
  for (const { title, results } of runs) {
    const count = (outcome) => results.filter((result) => result.outcome === outcome).length
    lines.push(`${title}: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`)
  }
  const place = ({ name, file }) => (file === '' ? name : `${basename(file)}: ${name}`)
  for (const result of of('skipped')) lines.push(`skipped: ${place(result)} (${result.reason})`)
  for (const { title, reason } of outOfReach) lines.push(`skipped: ${title} (${reason})`)
  for (const result of of('failed')) lines.push(`failed: ${place(result)}`)
  const empty = runs
    .filter(({ results }) => !results.some(({ outcome }) => outcome !== 'skipped'))
    .map(({ title }) => `${title}: no test ran`)
  const wrong = [...troubles, ...empty]
  if (skipsFail && of('skipped').length > 0) wrong.push('TEST_SETUP=full must skip nothing')
  for (const line of wrong) lines.push(`wrong: ${line}`)
  lines.push('', `${of('passed').length} passed, ${of('failed').length} failed, ${of('skipped').length} skipped`)
  return { text: lines.join('\n'), ok: wrong.length === 0 && of('failed').length === 0 }
}
