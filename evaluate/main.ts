/** `npm run -s evaluate -- <task> …`: data sets through the feature and model code of the running pipeline. */
import { Command, CommanderError } from 'commander'
import { capacityCommand } from './capacityCommand.ts'
import { deploymentsCommand } from './deploymentsCommand.ts'
import { patternsCommand } from './patternsCommand.ts'

const tasks = [deploymentsCommand(), capacityCommand(), patternsCommand()]
const program = new Command('npm run -s evaluate --')
  .description('Data sets through the feature and model code of the running pipeline.')
  .addHelpText('after', () => tasks.map((task) => `\n${task.helpInformation()}`).join(''))
  .exitOverride()
for (const task of tasks) program.addCommand(task.exitOverride())

try {
  await program.parseAsync()
} catch (error) {
  // Commander has said what it has to say; asked for help, it ends with 0.
  if (!(error instanceof CommanderError)) console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = error instanceof CommanderError && error.exitCode === 0 ? 0 : 2
}
