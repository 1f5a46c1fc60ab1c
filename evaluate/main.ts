/** `npm run -s evaluate -- <task> …`: data sets through the feature and model code of the running pipeline. */
import { evaluateCapacityCommand } from './capacityCommand.ts'
import { DEPLOYMENTS_USAGE, UsageError, evaluateDeployments } from './deploymentsCommand.ts'

const TASKS: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  capacity: evaluateCapacityCommand,
  deployments: evaluateDeployments,
}

const [task = '', ...args] = process.argv.slice(2)
const run = Object.hasOwn(TASKS, task) ? TASKS[task] : undefined
try {
  if (run === undefined) throw new UsageError(`unknown task ${JSON.stringify(task)}`, DEPLOYMENTS_USAGE)
  await run(args)
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
