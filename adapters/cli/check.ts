/** `devops-mcp-server check`: its options, and what it prints. */
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { ConfigurationError, type Configuration } from '../../runtime/configuration/configuration.ts'
import { isBearerToken } from '../../runtime/http/isBearerToken.ts'
import { urlOf } from '../../runtime/http/urlOf.ts'
import { AdapterDoor, Refused } from '../check/adapterDoor.ts'
import { check, jsonOf, type Posting } from '../check/check.ts'
import { ciContext } from '../check/ciContext.ts'
import { GitFailure } from '../check/gitChange.ts'
import { questionOf, type Asked } from '../check/question.ts'
import { logged, textOf } from '../check/report.ts'
import { EXIT, type Choice, type Gate } from '../check/verdict.ts'
import { InvalidInput, QueryFailure } from '../queries/errors.ts'

const CHECK_NAME = 'deployment risk'

const HELP = `
What is not given is taken from GitHub Actions (GITHUB_*), GitLab CI (CI_*) or the checkout. The size of the change is counted by git
here; paths, and the name of the actor beyond the adapter, are not kept.

Exit codes:
  0  at or under the limit, or passed by --on-no-evidence or --on-unavailable
  1  above the limit, or not enough evidence with --on-no-evidence fail
  2  wrong usage: an option, the address, the token
  3  no answer: the adapter cannot be reached or cannot answer now (--on-unavailable pass: 0)
  4  passed, but the summary or the check run could not be posted and --on-post-failed is fail

--github-check needs GITHUB_TOKEN with the permission checks: write.`

interface CheckOptions extends Asked {
  readonly failAbove: number
  readonly url?: string
  readonly tokenFile?: string
  readonly waitSeconds: number
  readonly json: boolean
  readonly summary?: string | true
  readonly githubCheck?: string | true
  readonly onNoEvidence: Choice
  readonly onUnavailable: Choice
  readonly onPostFailed: Choice
}

/** `configurationOf` is asked only where no option or variable names the adapter. */
export function addCheckCommand(program: Command, configurationOf: () => Configuration): void {
  program
    .command('check')
    .description('ask whether a deployment is too risky, and answer by the exit code')
    .requiredOption('--service <name>', 'what is deployed: <environment>/<name>, or its name beside --environment')
    .option('--environment <name>', 'where to (default: $CI_ENVIRONMENT_NAME)')
    .requiredOption('--fail-above <probability>', 'probability of failure above which the exit code is 1', share)
    .addOption(new Option('--subject <subject>', 'what runs').choices(['deployment', 'ci_run']).default('deployment'))
    .option('--branch <name>', 'its branch')
    .option('--workflow <name>', 'its workflow, as list_deployments shows it')
    .option('--trigger <name>', 'what started it: push, pull_request, schedule, …')
    .option('--actor <name>', 'who started it')
    .option('--sha <commit>', 'its commit')
    .option('--at <time>', 'when it would start, ISO 8601; now if absent')
    .option('--pull-request', 'it is of a pull request')
    .option('--no-pull-request', 'it is not')
    .option('--git <base..head>', 'count the change of these commits in the checkout')
    .option('--no-git', 'do not ask git')
    .option('--change <file>', 'size of the change as predict_deployment takes it, JSON; - is standard input')
    .option('--url <url>', 'address of the adapter (default: $DEVOPS_MCP_URL, else that of the configuration)')
    .option('--token-file <file>', 'file whose first line is a bearer token (default: $DEVOPS_MCP_TOKEN)')
    .option('--wait-seconds <number>', 'how long to wait for an answer', seconds, 15)
    .option('--json', 'print one JSON object', false)
    .option('--summary [file]', 'append the verdict as Markdown (default: $GITHUB_STEP_SUMMARY)')
    .option('--github-check [name]', `post it as a check run of the commit (default name: ${CHECK_NAME})`)
    .addOption(choice('--on-no-evidence <choice>', 'where there is not enough evidence', 'pass'))
    .addOption(choice('--on-unavailable <choice>', 'where no answer comes', 'fail'))
    .addOption(choice('--on-post-failed <choice>', 'where the summary or the check run cannot be posted', 'pass'))
    .addHelpText('after', HELP)
    .action(async (options: CheckOptions) => {
      process.exitCode = await run(options, configurationOf)
    })
}

const choice = (flags: string, what: string, usual: Choice): Option =>
  new Option(flags, what).choices(['pass', 'fail'] satisfies Choice[]).default(usual)

function share(text: string): number {
  const value = text.trim() === '' ? NaN : Number(text)
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('must be between 0 and 1')
  return value
}

function seconds(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('must be a whole number from 1 to 9999')
  return Number(text)
}

async function run(options: CheckOptions, configurationOf: () => Configuration): Promise<number> {
  try {
    const { failAbove, onNoEvidence, onUnavailable } = options
    const gate: Gate = { failAbove, onNoEvidence, onUnavailable }
    const change = options.change === undefined ? {} : { change: textIn(options.change, 'change') }
    const put = questionOf({ ...options, ...change }, ciContext(process.env, textIfThere), process.cwd())
    const checked = await check(doorOf(options, configurationOf), put, gate, postingOf(options))
    // Who reads no further changes no verdict.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
    for (const warning of checked.warnings) process.stderr.write(`warning: ${logged(warning)}\n`)
    process.stdout.write(options.json ? `${jsonOf(checked)}\n` : textOf(checked))
    return checked.exitCode
  } catch (error) {
    if (isUsage(error)) {
      process.stderr.write(`${logged(error.message)}\n`)
      return EXIT.usage
    }
    // A defect of ours is no verdict: 1 would be one.
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    return EXIT.noAnswer
  }
}

const isUsage = (error: unknown): error is Error =>
  error instanceof QueryFailure ||
  error instanceof Refused ||
  error instanceof GitFailure ||
  error instanceof ConfigurationError

function doorOf({ url, tokenFile, waitSeconds }: CheckOptions, configurationOf: () => Configuration): AdapterDoor {
  const told = url ?? variable('DEVOPS_MCP_URL')
  const address = (told ?? urlOf(configurationOf().server)).replace(/\/+$/, '')
  if (!/^https?:\/\//.test(address) || !URL.canParse(address)) throw new InvalidInput('url', `${address} is no address`)
  const { username, password } = new URL(address)
  if (username !== '' || password !== '')
    throw new InvalidInput('url', 'has a user or a password in it: a token goes by --token-file or DEVOPS_MCP_TOKEN')
  const token = tokenFile === undefined ? (variable('DEVOPS_MCP_TOKEN') ?? null) : firstLine(tokenFile)
  if (token !== null && !isBearerToken(token))
    throw new InvalidInput('token', 'has a line break or another character that no token has')
  return new AdapterDoor({
    url: address,
    token,
    patienceMs: waitSeconds * 1000,
    now: Date.now,
    sleep: (ms) => delay(ms),
  })
}

function postingOf({ summary, githubCheck, onPostFailed }: CheckOptions): Posting {
  const summaryFile = summary === true ? variable('GITHUB_STEP_SUMMARY') : summary
  if (summary === true && summaryFile === undefined)
    throw new InvalidInput('summary', 'names no file, and GITHUB_STEP_SUMMARY is not set')
  const checkName = githubCheck === true ? CHECK_NAME : githubCheck
  return { summaryFile: summaryFile ?? null, checkName: checkName ?? null, onPostFailed, env: process.env }
}

function variable(name: string): string | undefined {
  const text = process.env[name]
  return text === '' ? undefined : text
}

function firstLine(file: string): string {
  const [line = ''] = textIn(file, 'token-file').split(/\r?\n/, 1)
  if (line.trim() === '') throw new InvalidInput('token-file', `${file} has nothing in its first line`)
  return line.trim()
}

/** `-` is standard input. */
function textIn(file: string, field: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    throw new InvalidInput(field, `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function textIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Not every runner keeps it where the variable says.
    return null
  }
}
