/** `npm run -s backfill -- github <file…> | jsonl <file>`: history from files, in the order in which it happened. */
import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import { ConfigurationError, readConfiguration } from '../../runtime/configuration/configuration.ts'
import { closingWords } from '../connect/closingWords.ts'
import { GatewayFailure, type GatewayDoor } from '../connect/gatewayDoor.ts'
import { createProgress, lasting } from '../connect/progress.ts'
import { gatewayDoor } from '../connect/session.ts'
import { Findings } from './findings.ts'
import { GH_RUN_FIELDS } from './ghRun.ts'
import { readGithubFiles } from './githubFiles.ts'
import { ElementTooLarge } from './jsonElements.ts'
import { openJsonLines } from './jsonLines.ts'
import { sendEvents, sendItems, type Sending } from './send.ts'

const ITEMS_PER_REQUEST = 100
/** How far back the scorecard at the end reaches. */
const SCORED_DAYS = 90

const stopping = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => {
    stopping.abort()
  })

const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

const program = new Command('npm run -s backfill --')
  .description('Sends history from files to the gateway, in the order in which it happened. A repeat adds nothing.')
  .option('-c, --config <file>', 'configuration file (default: $DEVOPS_MCP_CONFIG, else ./devops-mcp-server.yaml)')
  .option('--gateway <url>', 'address of the gateway (default: that of the configuration)')
  .showHelpAfterError()

/** Says at the end what was refused, by the exit code too. */
async function sending(
  total: (sending: (count: number) => Sending, findings: Findings) => Promise<string>,
): Promise<void> {
  const { config, gateway } = program.opts<{ readonly config?: string; readonly gateway?: string }>()
  const configuration = readConfiguration({ file: config ?? null, env: process.env })
  const sleep = async (ms: number): Promise<void> => {
    await delay(ms, undefined, { signal: stopping.signal })
  }
  const door: GatewayDoor = gatewayDoor(configuration, gateway, {
    signal: stopping.signal,
    now: Date.now,
    sleep,
    waiting: (reason, ms) => {
      say(`${reason}: going on in ${lasting(ms)}`)
    },
  })
  await door.knock()
  const findings = new Findings(say)
  const itemsPerRequest = Math.min(ITEMS_PER_REQUEST, configuration.gateway.eventsPerRequestMax)
  const done = await total(
    (count) => ({ door, findings, itemsPerRequest, progress: createProgress('read and sent', count, Date.now, say) }),
    findings,
  )
  process.stdout.write(`${done}; ${findings.count} refused.\n`)
  if (findings.count > 0) process.exitCode = 1
  try {
    for (const line of await closingWords(configuration, { days: SCORED_DAYS, sleep, say }))
      process.stdout.write(`${line}\n`)
  } catch (error) {
    // All is sent: who stops it now only waits no longer.
    if (!stopping.signal.aborted) throw error
  }
}

program
  .command('github')
  .description(
    `files of GitHub's REST API (gh api --paginate …) or of gh run list --json ${GH_RUN_FIELDS}: workflow runs, their jobs, deployments and their statuses, pull requests, in any number of files`,
  )
  .argument('<file...>', 'JSON')
  .action((files: readonly string[]) =>
    sending(async (of, findings) => {
      const { items, whereOf } = await readGithubFiles(files, findings)
      const tally = await sendItems('github', items, whereOf, of(items.length))
      return `${tally.events} events sent: ${tally.ended()}`
    }),
  )

program
  .command('jsonl')
  .description('our own JSON, an event of POST /v1/events a line, in any order')
  .argument('<file>', 'JSON Lines')
  .action((file: string) =>
    sending(async (of, findings) => {
      const lines = await openJsonLines(file, findings)
      try {
        return `${await sendEvents(file, lines.inOrder(), of(lines.count))} events sent`
      } finally {
        await lines.close()
      }
    }),
  )

try {
  await program.parseAsync()
} catch (error) {
  const code = (error as NodeJS.ErrnoException).code
  if (stopping.signal.aborted) {
    say('stopped; started again it sends all from the beginning, which adds nothing twice')
    process.exitCode = 1
  } else if (
    error instanceof GatewayFailure ||
    error instanceof ConfigurationError ||
    error instanceof ElementTooLarge ||
    code === 'ENOENT' ||
    code === 'EACCES' ||
    code === 'EISDIR'
  ) {
    say((error as Error).message)
    process.exitCode = 2
  } else throw error
}
