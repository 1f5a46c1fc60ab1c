import { runCommand } from './command.mjs'
import { step } from './step.mjs'

const limitMs = 5 * 60_000

/** The two halves of `npm run check:advisories`, apart, since each has a database of its own. */
const checks = [
  {
    title: 'advisories of the crates',
    command: 'cargo',
    args: ['deny', '--locked', 'check', 'advisories'],
    folder: 'rust-engine',
    unreachable: /failed to fetch advisory database/i,
  },
  {
    title: 'advisories of the npm packages',
    command: 'npm',
    args: ['audit', '--omit=dev'],
    folder: '.',
    unreachable: /audit endpoint returned an error|\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT)\b/,
  },
]

/**
 * Known vulnerabilities of what is shipped. Gives `{ title, reason }` of each check whose database can't be reached from here:
 * that is not for this repository to mend. Throws what is found, the first failure after all are tried.
 */
export async function checkAdvisories(repository, { say, signal, run = runCommand }) {
  const skipped = []
  const failures = []
  for (const { title, command, args, folder, unreachable } of checks) {
    try {
      await step(
        title,
        (onLine) => run(title, command, args, { cwd: `${repository}/${folder}`, limitMs, onLine, signal }),
        say,
      )
    } catch (error) {
      const why = error.tail?.find((line) => unreachable.test(line))
      if (why === undefined) failures.push(error)
      else skipped.push({ title, reason: `its database can't be reached: ${why.trim().slice(0, 160)}` })
    }
  }
  if (failures.length > 0) throw failures[0]
  return skipped
}
