import { runCommand } from './command.mjs'
import { whyNoMiri } from './nightly.mjs'
import { step } from './step.mjs'

const title = 'the pool under miri'
// The first time it builds the standard library, too.
const limitMs = 15 * 60_000

/** `npm run check:miri`. Gives `{ title, reason }` where there is no miri; throws what it finds. */
export async function checkMiri(repository, { say, signal }) {
  const reason = await whyNoMiri()
  if (reason !== null) return [{ title, reason }]
  const args = ['run', '-s', 'check:miri']
  await step(title, (onLine) => runCommand(title, 'npm', args, { cwd: repository, limitMs, onLine, signal }), say)
  return []
}
