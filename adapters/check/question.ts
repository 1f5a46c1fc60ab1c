/** What is asked: what the caller says, else what the CI provider tells, else what the checkout has. */
import type { QueryInput } from '../../schemas/queries/queries.ts'
import { InvalidInput } from '../queries/errors.ts'
import { parseInput } from '../queries/inputs.ts'
import type { CiContext } from './ciContext.ts'
import { branchOfCheckout, changeOfRange, commitOfName, GitFailure } from './gitChange.ts'

export type Question = QueryInput<'predict_deployment'>

export interface Asked {
  readonly service: string
  readonly environment?: string
  readonly subject?: string
  readonly branch?: string
  readonly workflow?: string
  readonly trigger?: string
  readonly actor?: string
  readonly sha?: string
  readonly at?: string
  readonly pullRequest?: boolean
  /** Text of a JSON object. */
  readonly change?: string
  /** A range of commits; false: git is not asked. */
  readonly git?: string | false
}

export interface Put {
  readonly question: Question
  readonly warnings: readonly string[]
}

/** What the last commit did, where nobody names a range. */
const LAST_COMMIT = 'HEAD^..HEAD'

/** Throws InvalidInput, and a GitFailure for a range that the caller named. `folder`: the checkout. */
export function questionOf(asked: Asked, ci: CiContext | null, folder: string): Put {
  const warnings: string[] = []
  const checkout = ci === null && asked.git !== false ? folder : null
  const given = {
    service: serviceOf(asked, ci),
    subject: asked.subject,
    branch: asked.branch ?? ci?.branch ?? (checkout === null ? null : branchOfCheckout(checkout)),
    workflow: asked.workflow,
    trigger: asked.trigger ?? ci?.trigger,
    pullRequest: asked.pullRequest ?? ci?.pullRequest,
    actor: asked.actor ?? ci?.actor,
    sha: asked.sha ?? ci?.sha ?? (checkout === null ? null : commitOfName(headOf(asked.git), checkout)),
    change: changeOf(asked, ci, folder, warnings),
    at: asked.at,
  }
  const told = Object.entries(given).filter(([, value]) => value !== undefined && value !== null)
  return { question: parseInput('predict_deployment', Object.fromEntries(told)), warnings }
}

function serviceOf({ service, environment }: Asked, ci: CiContext | null): string {
  if (environment !== undefined) return service.startsWith(`${environment}/`) ? service : `${environment}/${service}`
  if (service.includes('/')) return service
  const told = ci?.environment ?? null
  if (told !== null) return `${told}/${service}`
  throw new InvalidInput('environment', 'is missing: --environment, or --service <environment>/<name>')
}

const headOf = (range: string | false | undefined): string =>
  typeof range === 'string' ? (/\.{2,3}(\S+)$/.exec(range)?.[1] ?? 'HEAD') : 'HEAD'

function changeOf(asked: Asked, ci: CiContext | null, folder: string, warnings: string[]): unknown {
  if (asked.change !== undefined) return parsed(asked.change)
  if (typeof asked.git === 'string') return changeOfRange(asked.git, folder)
  const range = ci === null ? LAST_COMMIT : ci.range
  if (asked.git === false || range === null) return ci?.size
  // A person who asks from anywhere has no checkout to be warned of.
  if (ci === null && commitOfName('HEAD', folder) === null) return undefined
  try {
    return changeOfRange(range, folder)
  } catch (error) {
    if (!(error instanceof GitFailure)) throw error
    const size = ci?.size ?? null
    if (size === null)
      warnings.push(
        `asked without the size of the change: ${error.message} (a shallow checkout has no base: fetch more)`,
      )
    return size
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new InvalidInput('change', 'is not valid JSON')
  }
}
