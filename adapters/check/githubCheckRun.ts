/** Posts a check run by GitHub's Checks API (POST /repos/{owner}/{repo}/check-runs). The token needs checks: write. */
import * as z from 'zod'
import { bytesOf } from '../../runtime/http/bytesOf.ts'
import { isBearerToken } from '../../runtime/http/isBearerToken.ts'
import type { Verdict } from './verdict.ts'

const REQUEST_MS_MAX = 15_000
/** GitHub's limit of a summary, in characters. */
const SUMMARY_CHARS_MAX = 65_535
const ANSWER_BYTES_MAX = 1024 ** 2
const MESSAGE_CHARS_MAX = 300

export class NotPosted extends Error {
  readonly retryable = false
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'NotPosted'
  }
}

export interface GithubTarget {
  /** Ends without a slash. */
  readonly apiUrl: string
  /** `<owner>/<repository>` */
  readonly repository: string
  readonly token: string
}

export interface CheckRun {
  readonly name: string
  readonly sha: string
  readonly verdict: Verdict
  /** Markdown. */
  readonly summary: string
}

type Env = Readonly<Record<string, string | undefined>>

/** Where a job on GitHub posts to. Throws NotPosted. */
export function githubTarget(env: Env): GithubTarget {
  const { GITHUB_TOKEN: token = '', GITHUB_REPOSITORY: repository = '' } = env
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository))
    throw new NotPosted('GITHUB_REPOSITORY does not name <owner>/<repository>')
  if (token === '') throw new NotPosted('GITHUB_TOKEN is not set: pass it to the step as an environment variable')
  if (!isBearerToken(token)) throw new NotPosted('GITHUB_TOKEN has a character that no token has')
  const given = env['GITHUB_API_URL'] ?? ''
  const apiUrl = (given === '' ? 'https://api.github.com' : given).replace(/\/+$/, '')
  if (!URL.canParse(apiUrl)) throw new NotPosted('GITHUB_API_URL is no address')
  return { apiUrl, repository, token }
}

/** Address of the check run, for people. Throws NotPosted. */
export async function postCheckRun(target: GithubTarget, run: CheckRun): Promise<string> {
  const { apiUrl, repository, token } = target
  const body = {
    name: run.name,
    head_sha: run.sha,
    status: 'completed',
    conclusion: conclusionOf(run.verdict),
    output: { title: run.verdict.sentence, summary: run.summary.slice(0, SUMMARY_CHARS_MAX) },
  }
  let response: Response
  let text: string
  try {
    response = await fetch(`${apiUrl}/repos/${repository}/check-runs`, {
      method: 'POST',
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'user-agent': 'devops-mcp-server',
        'x-github-api-version': '2022-11-28',
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_MS_MAX),
    })
    text = (await bytesOf(response, ANSWER_BYTES_MAX)).toString()
  } catch (error) {
    throw new NotPosted(`GitHub does not answer at ${apiUrl}`, error)
  }
  if (response.status !== 201) throw new NotPosted(sentenceOf(response, text, target, run.sha))
  return created.safeParse(jsonOf(text)).data?.html_url ?? `${apiUrl}/repos/${repository}/check-runs`
}

const created = z.object({ html_url: z.string() })
const refusal = z.object({ message: z.string() })

/** What was not judged is neutral, unless it stops the pipeline. */
function conclusionOf({ verdict, exitCode }: Verdict): 'success' | 'neutral' | 'failure' {
  if (exitCode !== 0) return 'failure'
  return verdict === 'pass' ? 'success' : 'neutral'
}

function sentenceOf({ status, headers }: Response, text: string, { repository }: GithubTarget, sha: string): string {
  const told = (refusal.safeParse(jsonOf(text)).data?.message ?? '').slice(0, MESSAGE_CHARS_MAX)
  const message = told === '' ? '' : `: ${told}`
  const retryAfter = headers.get('retry-after')
  const saysLimit = retryAfter !== null || headers.get('x-ratelimit-remaining') === '0' || /rate limit/i.test(told)
  const isLimit = status === 429 || (status === 403 && saysLimit)
  if (isLimit) {
    const when = retryAfter === null ? 'later' : `after ${retryAfter} s`
    return `GitHub's limit of requests is reached${message}; it may be tried again ${when}`
  }
  switch (status) {
    case 401:
      return `GitHub does not know GITHUB_TOKEN${message}`
    case 403:
      return `GITHUB_TOKEN may not write checks of ${repository}${message}; the job needs \`permissions: { checks: write }\`, which a pull request from a fork never has`
    case 404:
      return `there is no repository ${repository} for GITHUB_TOKEN${message}`
    case 422:
      return `GitHub does not take the check run of commit ${sha}${message}`
    default:
      return `GitHub answered ${status}${message}`
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
