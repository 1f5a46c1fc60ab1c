/** The command `devops-mcp-server`. */
import process from 'node:process'
import { Command } from 'commander'
import { ConfigurationError, readConfiguration, type Configuration } from '../../runtime/configuration/configuration.ts'
import { QueryFailure } from '../queries/errors.ts'
import { QUERY_NAMES } from '../queries/inputs.ts'
import { packageVersion } from '../version.ts'
import { EXIT } from '../check/verdict.ts'
import { addCheckCommand } from './check.ts'
import { ModelCommandFailed, listModels, rollBackModel, showCard } from './model.ts'
import { runQuery } from './query.ts'
import { runScorecard, type ScorecardOptions } from './scorecard.ts'
import { serveOverStdio } from './stdio.ts'

interface CommonOptions {
  readonly config?: string
}

function configurationOf({ config }: CommonOptions): Configuration {
  return readConfiguration({ file: config ?? null, env: process.env })
}

const program = new Command('devops-mcp-server')
  .description('An operations memory that predicts, for AI agents and people')
  .version(packageVersion())
  .option('-c, --config <file>', 'configuration file (default: $DEVOPS_MCP_CONFIG, else ./devops-mcp-server.yaml)')
  .showHelpAfterError()
  // Of a misspelled `check`, too: 1 would be a verdict.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? EXIT.pass : EXIT.usage))

program
  .command('mcp')
  .description('serve MCP over standard input and output')
  .action(() => {
    serveOverStdio(configurationOf(program.opts<CommonOptions>()))
  })

program
  .command('query')
  .description('ask one query and print its answer as JSON')
  .argument('<name>', `one of ${QUERY_NAMES.join(', ')}`)
  .argument('[json]', 'input of the query', '{}')
  .action(async (name: string, json: string) => {
    const answer = await runQuery(configurationOf(program.opts<CommonOptions>()), name, json)
    process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`)
  })

program
  .command('scorecard')
  .description('tell how right the predictions were, as Markdown')
  .option('--service <name>', 'of this service alone')
  .option('--subject <subject>', 'deployment or ci_run', 'deployment')
  .option('--source <source>', 'live predictions, or those made for history (backfilled)', 'live')
  .option('--days <number>', 'length of the window', '90')
  .option('--report <file.md>', 'write it to a file, with its plot beside it')
  .action(async (options: ScorecardOptions) => {
    process.stdout.write(await runScorecard(configurationOf(program.opts<CommonOptions>()), options))
  })

addCheckCommand(program, () => configurationOf(program.opts<CommonOptions>()))

const model = program
  .command('model')
  .description('see the models of the trainer on this machine, and go back to the version before')
model
  .command('list')
  .description('tell which versions are kept, which one answers, and why')
  .action(async () => {
    process.stdout.write(await listModels(configurationOf(program.opts<CommonOptions>())))
  })
model
  .command('card')
  .description('print a model card as JSON')
  .argument('<model>', 'deployment or ci_run')
  .argument('<version>', 'as model list tells it')
  .action(async (name: string, version: string) => {
    process.stdout.write(await showCard(configurationOf(program.opts<CommonOptions>()), name, version))
  })
model
  .command('rollback')
  .description('let the version before answer again; a second time changes nothing')
  .argument('<model>', 'deployment or ci_run')
  .option('--to <version>', 'a kept version, also one that was rolled back, or base-rate')
  .action(async (name: string, { to }: { to?: string }) => {
    process.stdout.write(await rollBackModel(configurationOf(program.opts<CommonOptions>()), name, to ?? null))
  })

program
  .command('version')
  .description('print the version')
  .action(() => {
    process.stdout.write(`${packageVersion()}\n`)
  })

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof QueryFailure || error instanceof ModelCommandFailed)
    process.stderr.write(`${error.code}: ${error.message}\n`)
  else if (error instanceof ConfigurationError) process.stderr.write(`${error.message}\n`)
  else throw error
  process.exitCode = 1
}
