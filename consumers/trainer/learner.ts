/** The process that learns: reads one task, writes its result, ends. What TF.js leaks or crashes goes with it. */
import { chooseBackend } from '../models/backend.ts'
import { trainCapacity } from './capacity.ts'
import { learn } from './lesson.ts'
import { readTask, writeResult } from './task.ts'

const [, , taskFile, resultFile] = process.argv
if (taskFile === undefined || resultFile === undefined) throw new Error('usage: learner <task file> <result file>')

const task = readTask(taskFile)
const { why } = await chooseBackend(['native', 'wasm', 'cpu'], task.nativeFolder)
if (task.kind === 'classifier') {
  writeResult(resultFile, { kind: 'classifier', backend: why, learnt: learn(task.lesson) })
} else {
  const { weights, card } = trainCapacity({ seed: task.seed, series: [...task.series] })
  writeResult(resultFile, { kind: 'capacity', backend: why, weights, card })
}
