/** `npm run -s connect -- <provider> …`: reads the history of a source over its API, then what changes. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { ConfigurationError, readConfiguration } from '../../runtime/configuration/configuration.ts'
import { GatewayFailure } from './gatewayDoor.ts'
import { GITHUB_URL, githubAdvice, GithubApi, githubHeaders } from './github/githubApi.ts'
import { GithubRepository, type Skippable } from './github/githubRepository.ts'
import { GITLAB_URL, gitlabAdvice, GitlabApi, gitlabHeaders } from './gitlab/gitlabApi.ts'
import { GitlabProject } from './gitlab/gitlabProject.ts'
import { jenkinsAdvice, jenkinsHeaders, JenkinsJob } from './jenkins/jenkinsJob.ts'
import { SourceFailure } from './restClient.ts'
import { connect, tokenOf, type ConnectOptions, type Session } from './session.ts'

const stopping = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => {
    stopping.abort()
  })

const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}
const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('must be a whole number above 0')
  return Number(text)
}

function repositoryName(text: string, others: readonly string[] = []): readonly string[] {
  if (!/^[\w.-]+\/[\w.-]+$/.test(text)) throw new InvalidArgumentError('must be <owner>/<repository>')
  return [...others, text]
}

function projectPath(text: string, others: readonly string[] = []): readonly string[] {
  if (!/^[\w.-]+(\/[\w.-]+)+$/.test(text)) throw new InvalidArgumentError('must be <group>/<project>')
  return [...others, text]
}

function jobUrl(text: string, others: readonly string[] = []): readonly string[] {
  if (!/^https?:\/\/[^/]+\/(.+\/)?job\/[^?#]+$/.test(text))
    throw new InvalidArgumentError('must be the address of a job: https://<host>/job/<name>')
  return [...others, text]
}

const program = new Command('npm run -s connect --')
  .description('Sends the history of a source to the gateway, in the order in which it happened, then what changes.')
  .option('-c, --config <file>', 'configuration file (default: $DEVOPS_MCP_CONFIG, else ./devops-mcp-server.yaml)')
  .showHelpAfterError()

/** What all providers share. */
function command(name: string): Command {
  return program
    .command(name)
    .option('--days <number>', 'how much of the past', wholeNumber, 90)
    .option('--once', 'end after the history', false)
    .option('--poll-seconds <number>', 'how often to look for changes', wholeNumber, 60)
    .option('--gateway <url>', 'address of the gateway (default: that of the configuration)')
}

const provider = (name: string, usualUrl: string): Command =>
  command(name).option('--base-url <url>', 'base address of the API', usualUrl)

function sessionOf(name: string, options: ConnectOptions, rest: Pick<Session, 'headers' | 'advice'>): Session {
  const { config } = program.opts<{ readonly config?: string }>()
  const configuration = readConfiguration({ file: config ?? null, env: process.env })
  return { configuration, options, provider: name, signal: stopping.signal, say, ...rest }
}

interface SkippingOptions extends ConnectOptions {
  readonly skip?: readonly Skippable[]
}

const skipOption = (): Option =>
  new Option('--skip <parts...>', 'do not ask for these: each costs a request for every run or commit').choices([
    'jobs',
    'changes',
  ] satisfies Skippable[])

const leftOut = (what: string): void => {
  say(`left out, since it cannot be read: ${what}`)
}

provider('github', GITHUB_URL)
  .description('workflow runs with their jobs, deployments, and the changes of the code')
  .argument('<owner/repository...>', 'repositories', repositoryName)
  .option('--token-file <file>', 'file whose first line is the token (default: $GITHUB_TOKEN)')
  .addOption(skipOption())
  .action(async (names: readonly string[], options: SkippingOptions) => {
    const token = tokenOf(options.tokenFile, process.env['GITHUB_TOKEN'])
    if (token === null) say('without a token GitHub answers 60 requests an hour: set GITHUB_TOKEN or --token-file')
    const session = sessionOf('github', options, { headers: githubHeaders(token), advice: githubAdvice })
    const skip = new Set(options.skip)
    await connect(
      session,
      (client, connectedAt) =>
        names.map((name) => {
          const api = new GithubApi(client, name, leftOut)
          return new GithubRepository({ name, api, skip, connectedAt, now: Date.now })
        }),
      print,
    )
  })

provider('gitlab', GITLAB_URL)
  .description('pipelines with their jobs, deployments, and the changes of the code')
  .argument('<group/project...>', 'projects', projectPath)
  .option('--token-file <file>', 'file whose first line is the token (default: $GITLAB_TOKEN)')
  .addOption(skipOption())
  .action(async (names: readonly string[], options: SkippingOptions) => {
    const token = tokenOf(options.tokenFile, process.env['GITLAB_TOKEN'])
    const session = sessionOf('gitlab', options, { headers: gitlabHeaders(token), advice: gitlabAdvice })
    const skip = new Set(options.skip)
    await connect(
      session,
      (client, connectedAt) =>
        names.map((name) => {
          const api = new GitlabApi(client, name, leftOut)
          return new GitlabProject({ name, api, skip, connectedAt, now: Date.now })
        }),
      print,
    )
  })

command('jenkins')
  .description('builds of jobs, and of all jobs in folders and multibranch projects')
  .argument('<job url...>', 'addresses of jobs on one server', jobUrl)
  .option('--token-file <file>', 'file whose first line is <user>:<API token> (default: $JENKINS_TOKEN)')
  .action(async (urls: readonly string[], options: Omit<ConnectOptions, 'baseUrl'>) => {
    const [baseUrl = ''] = urls.map((url) => new URL(url).origin)
    const token = tokenOf(options.tokenFile, process.env['JENKINS_TOKEN'])
    const rest = { headers: jenkinsHeaders(token), advice: jenkinsAdvice }
    await connect(
      sessionOf('jenkins', { ...options, baseUrl }, rest),
      (client, connectedAt) =>
        urls.map((url) => new JenkinsJob({ url, client, unreadable: leftOut, connectedAt, now: Date.now })),
      print,
    )
  })

try {
  await program.parseAsync()
} catch (error) {
  if (stopping.signal.aborted) say('stopped; started again, it goes on from here')
  else if (error instanceof SourceFailure || error instanceof GatewayFailure || error instanceof ConfigurationError) {
    say(error.message)
    process.exitCode = 1
  } else throw error
}
