/** CI runs that are the same each time, with an effect of branch, size and what failed before: something to learn, for benches. */
import { createRandom } from '../../consumers/models/random.ts'
import type { CiOutcome, CiRun } from '../../evaluate/ciRun.ts'

const PROJECTS = 8
const BRANCHES = 12
const ACTORS = 40
const GAP_S = 900

/** In the order of time; the projects take turns. */
export function seededRuns(count: number): readonly { readonly run: CiRun; readonly outcome: CiOutcome }[] {
  const random = createRandom(1)
  const whole = (below: number) => Math.floor(random() * below)
  const failing = new Array<boolean>(PROJECTS).fill(false)
  return Array.from({ length: count }, (_, i) => {
    const project = i % PROJECTS
    const seq = Math.floor(i / PROJECTS)
    const [branch, linesAdded] = [whole(BRANCHES), Math.floor(10 ** (random() * 3.5))]
    const risk = 0.05 + 0.03 * branch + (failing[project] === true ? 0.3 : 0) + (linesAdded > 500 ? 0.15 : 0)
    const failed = random() < risk
    failing[project] = failed
    const startS = seq * GAP_S + whole(GAP_S / 2)
    const run: CiRun = {
      runId: `p${project}#${seq}`,
      project: `p${project}`,
      seq,
      startS,
      hour: Math.floor(startS / 3600) % 24,
      weekday: Math.floor(startS / 86_400) % 7,
      month: 1,
      branch: `b${branch}`,
      actor: `a${whole(ACTORS)}`,
      trigger: random() < 0.5 ? 'push' : 'pull_request',
      workflow: 'ci',
      pullRequest: null,
      change: {
        filesAdded: whole(5),
        filesDeleted: whole(2),
        filesModified: whole(20),
        linesAdded,
        linesDeleted: whole(200),
        srcFiles: whole(15),
        docFiles: whole(3),
        otherFiles: whole(6),
        dockerfileChanged: null,
        composeChanged: null,
        fileTypes: 'ts,md',
      },
    }
    return { run, outcome: { success: !failed, durationS: 120 + 20 * branch + whole(60) } }
  })
}
