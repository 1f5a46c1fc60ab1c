/** The process that learns: reads one task, writes its result, ends. What TF.js leaks or crashes goes with it. */
import { chooseBackend } from '../models/backend.ts'
import { nextSet } from '../patterns/patternRound.ts'
import { trainCapacity } from './capacity.ts'
import { learn } from './lesson.ts'
import { readTask, writeResult } from './task.ts'
import type { Task, TaskResult } from './task.ts'

const [, , taskFile, resultFile] = process.argv
if (taskFile === undefined || resultFile === undefined) throw new Error('usage: learner <task file> <result file>')

writeResult(resultFile, await resultOf(readTask(taskFile)))

async function resultOf(task: Task): Promise<TaskResult> {
  if (task.kind === 'patterns') {
    return { kind: 'patterns', set: nextSet(task.round, task.seed) }
  }
  const { why } = await chooseBackend(['native', 'wasm', 'cpu'], task.nativeFolder)
  if (task.kind === 'classifier') return { kind: 'classifier', backend: why, learnt: learn(task.lesson) }
  const { weights, card } = trainCapacity({ seed: task.seed, series: [...task.series] })
  return { kind: 'capacity', backend: why, weights, card }
}
