/** Runs one task in a process of its own. */
import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { readResult, writeTask } from './task.ts'
import type { Task, TaskResult } from './task.ts'

export class TrainingFailed extends Error {
  readonly retryable = true
  constructor(reason: string) {
    super(`training: ${reason}`)
    this.name = 'TrainingFailed'
  }
}

const ERROR_CHARS_MAX = 2000
/** The published package holds .js where the repository holds .ts. */
const LEARNER = join(import.meta.dirname, `learner${extname(import.meta.filename)}`)

/** Rejects with TrainingFailed when the process ends without a result, is stopped by `stop`, or takes longer than `timeMsMax`. */
export async function runTask(task: Task, stop: AbortSignal, timeMsMax: number): Promise<TaskResult> {
  const folder = await mkdtemp(join(tmpdir(), 'devops-training-'))
  try {
    const [taskFile, resultFile] = [join(folder, 'task'), join(folder, 'result')]
    writeTask(taskFile, task)
    await learned([taskFile, resultFile], stop, timeMsMax)
    return readResult(resultFile)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function learned(files: readonly string[], stop: AbortSignal, timeMsMax: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(timeMsMax)])
    const child = fork(LEARNER, files, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], signal, killSignal: 'SIGKILL' })
    let said = ''
    child.stderr?.setEncoding('utf8')
    child.stderr?.on('data', (text: string) => {
      said = (said + text).slice(-ERROR_CHARS_MAX)
    })
    child.once('error', (error) => {
      reject(new TrainingFailed(error.message))
    })
    child.once('exit', (code, ended) => {
      if (code === 0) resolve()
      else reject(new TrainingFailed(`the learning process ended with ${ended ?? String(code)}: ${said.trim()}`))
    })
  })
}
