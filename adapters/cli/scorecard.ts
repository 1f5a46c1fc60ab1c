/** The scorecard from the command line: Markdown on standard output, or a report with its plot in files. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Configuration } from '../../runtime/configuration/configuration.ts'
import { parseInput } from '../queries/inputs.ts'
import { queriesOf } from '../queries/open.ts'
import { gather } from '../scorecard/gather.ts'
import { markdownOf } from '../scorecard/markdown.ts'
import { reliabilitySvg } from '../scorecard/reliabilitySvg.ts'
import { UNHEARD } from './query.ts'

export interface ScorecardOptions {
  readonly service?: string
  readonly subject: string
  readonly source: string
  readonly days: string
  /** File to write the report to. */
  readonly report?: string
}

/** What to print. Throws a QueryFailure. */
export async function runScorecard(configuration: Configuration, options: ScorecardOptions): Promise<string> {
  const { report, days, ...what } = options
  const question = parseInput('get_scorecard', { ...what, days: Number(days) })
  const { client } = queriesOf(configuration, UNHEARD)
  const gathered = await gather(client, question, Date.now())
  if (report === undefined) return markdownOf(gathered, null)
  const plot = `${report.replace(/\.md$/u, '')}-reliability.svg`
  mkdirSync(dirname(report), { recursive: true })
  const isDrawn = gathered.whole.calibration.length > 0
  if (isDrawn) writeFileSync(plot, reliabilitySvg(gathered.whole))
  writeFileSync(report, markdownOf(gathered, isDrawn ? basename(plot) : null))
  return `${report}\n`
}
